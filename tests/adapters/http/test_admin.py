"""What administrators do with keys over HTTP, and what of it is on record."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from adapters.http.settings import GatewaySettings
from botkit.config import build
from botkit.errors import ConfigError, StoreError
from botkit.expand import Toml
from botkit.keys import Act, Scopes
from botkit.stores import open_store
from botkit.stores.acts.memory import MemoryActs
from botkit.stores.memory import MemoryStore
from botkit.stores.sqlite import SqliteStore
from botkit.testing.store_meter import record
from tests.adapters.http.gate import BOOTSTRAP, Gate, gate

KEYS = "/admin/api-keys"
ADMIN = {"bootstrap": BOOTSTRAP}
NEW = {"name": "ci", "owner": "team-a"}


async def made(it: Gate, **more: Any) -> dict[str, Any]:
    status, key = await it.admin("POST", KEYS, {**NEW, **more})
    assert status == 201, key
    return dict(key)


async def test_a_key_that_was_made_opens_the_gateway_and_its_secret_is_shown_once() -> None:
    async with gate(admin=ADMIN) as it:
        key = await made(it)
        assert (await it.ask(token=key["token"]))[0] == 200
        assert key["signing_secret"] is None
        secret = key["token"].rpartition("_")[2]
        _, shown = await it.admin("GET", f"{KEYS}/{key['id']}")
        _, page = await it.admin("GET", KEYS)
        assert shown == {name: value for name, value in key.items() if name not in ("token", "signing_secret")}
        assert page == {"data": [shown], "next": None}
        assert secret not in str((shown, page))
        assert shown["prefix"] == key["token"][: len(shown["prefix"])]


async def test_a_key_is_made_as_it_was_asked_for() -> None:
    asked = {
        "expires": "2999-01-31T12:00:00Z",
        "scopes": {"bots": ["helper"], "models": [], "streaming": False, "max_tokens": 100},
        "limits": {"requests_per_minute": 5, "usd_per_month": 1.5},
        "networks": ["10.1.2.3/8", "192.0.2.7"],
        "signed": True,
        "metadata": {"cost centre": "42"},
    }
    async with gate(admin=ADMIN) as it:
        key = await made(it, **asked)
        assert key["expires"] == "2999-01-31T12:00:00.000Z"
        assert key["scopes"]["bots"] == ["helper"]
        assert key["scopes"]["endpoints"] == ["*"]
        assert key["limits"]["usd_per_month"] == 1.5
        assert key["networks"] == ["10.0.0.0/8", "192.0.2.7"]
        assert key["metadata"] == {"cost centre": "42"}
        assert len(key["signing_secret"]) == 64
        stored = await it.store.keys.get(key["id"])
        assert stored is not None
        assert stored.signing == key["signing_secret"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "new\nline"}, "name"),
        ({"owner": 7}, "owner"),
        ({"expires": "soon"}, "expires"),
        ({"expires": "2001-01-01T00:00:00Z"}, "expires"),
        ({"expires": "2999-01-01T00:00:00"}, "expires"),
        ({"expires": "9999-12-31T23:59:59-23:00"}, "expires"),
        ({"networks": ["10.0.0.0/33"]}, "networks"),
        ({"networks": "10.0.0.0/8"}, "networks"),
        ({"scopes": {"bots": "helper"}}, "scopes.bots"),
        ({"scopes": {"root": True}}, "scopes.root"),
        ({"limits": {"usd_per_day": -1}}, "limits.usd_per_day"),
        ({"limits": {"requests_per_minute": 1e30}}, "limits.requests_per_minute"),
        ({"status": "expired"}, "status"),
        ({"id": "mine"}, "id"),
        ({"metadata": {"a": {}}}, "metadata.a"),
    ],
)
async def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    async with gate(admin=ADMIN) as it:
        status, body = await it.admin("POST", KEYS, {**NEW, **change})
        assert status == 400
        assert body["error"]["field"] == field
        assert not await it.store.keys.list()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 5000, b'{"name": "\\ud800"}'])
async def test_what_is_no_json_object_is_no_key(body: bytes) -> None:
    async with gate(admin=ADMIN) as it:
        status, said, _ = await it.ask(KEYS, BOOTSTRAP, method="POST", data=body)
        assert status == 400, said


async def test_a_change_leaves_alone_what_it_does_not_name() -> None:
    async with gate(admin=ADMIN) as it:
        key = await made(it, limits={"requests_per_day": 5}, expires="2999-01-31T12:00:00Z")
        place = f"{KEYS}/{key['id']}"
        status, changed = await it.admin("PUT", place, {"status": "suspended", "owner": "team-b"})
        assert status == 200
        assert (changed["status"], changed["owner"], changed["name"]) == ("suspended", "team-b", "ci")
        assert changed["limits"] == key["limits"]
        assert changed["expires"] == key["expires"]
        assert (changed["token"], changed["signing_secret"]) == (None, None)
        _, changed = await it.admin("PUT", place, {"status": "active", "expires": None, "signed": True})
        assert (changed["status"], changed["expires"], len(changed["signing_secret"])) == ("active", None, 64)
        _, again = await it.admin("PUT", place, {"signed": True})
        assert again["signing_secret"] is None, "shown once"
        _, unsigned = await it.admin("PUT", place, {"signed": False})
        assert unsigned["signed"] is False


async def test_a_rotated_key_goes_on_with_both_tokens_for_a_while() -> None:
    async with gate(admin=ADMIN) as it:
        key = await made(it)
        place = f"{KEYS}/{key['id']}"
        _, turned = await it.admin("POST", f"{place}/rotate", {"overlap": 60})
        assert turned["rotating_until"] is not None
        assert [(await it.ask(token=each["token"]))[0] for each in (key, turned)] == [200, 200]
        _, last = await it.admin("POST", f"{place}/rotate", {"overlap": 0})
        assert last["rotating_until"] is None
        await asyncio.sleep(1.1)  # a key is believed for a second
        assert [(await it.ask(token=each["token"]))[0] for each in (key, turned, last)] == [401, 401, 200]
        assert (await it.admin("POST", f"{place}/rotate", {"overlap": -1}))[0] == 400
        assert (await it.admin("POST", f"{place}/rotate"))[0] == 200, "a day, unless told otherwise"


async def test_what_is_not_there_is_not_found() -> None:
    async with gate(admin=ADMIN) as it:
        key = await made(it)
        assert (await it.admin("DELETE", f"{KEYS}/{key['id']}"))[0] == 204
        for method, path, body in (
            ("GET", key["id"], None),
            ("PUT", key["id"], {"name": "x"}),
            ("DELETE", key["id"], None),
            ("POST", f"{key['id']}/rotate", {}),
            ("GET", "a%2Fb", None),
            ("GET", "%00*", None),
        ):
            status, said = await it.admin(method, f"{KEYS}/{path}", body)
            assert status == 404, (method, path, said)


async def test_keys_are_listed_page_by_page() -> None:
    async with gate(admin=ADMIN) as it:
        ids = sorted([(await made(it, owner="even" if i % 2 else "odd"))["id"] for i in range(5)])
        _, first = await it.admin("GET", f"{KEYS}?limit=3")
        _, second = await it.admin("GET", f"{KEYS}?limit=3&after={first['next']}")
        assert [key["id"] for key in first["data"] + second["data"]] == ids
        assert second["next"] is None
        _, odd = await it.admin("GET", f"{KEYS}?owner=odd")
        assert len(odd["data"]) == 3
        for wrong, field in (("limit=0", "limit"), ("limit=x", "limit"), ("page=2", "page")):
            status, said = await it.admin("GET", f"{KEYS}?{wrong}")
            assert (status, said["error"]["field"]) == (400, field)


async def test_every_act_is_on_record_and_in_the_log_without_secrets() -> None:
    with capture_logs() as lines:
        async with gate(admin=ADMIN) as it:
            key = await made(it, signed=True)
            place = f"{KEYS}/{key['id']}"
            await it.admin("PUT", place, {"status": "suspended"})
            _, turned = await it.admin("POST", f"{place}/rotate", {"overlap": 60})
            await it.admin("DELETE", place)
            _, page = await it.admin("GET", f"/admin/audit?target={key['id']}")
            _, first = await it.admin("GET", "/admin/audit?limit=3")
            _, rest = await it.admin("GET", f"/admin/audit?limit=3&before={first['next']}")
            assert (await it.admin("GET", "/admin/audit?before=x"))[0] == 400
            assert not (await it.admin("GET", "/admin/audit?who=nobody"))[1]["data"]
    whats = [act["what"] for act in page["data"]]
    assert whats == ["key.delete", "key.rotate", "key.change", "key.create"]
    assert [act["id"] for act in first["data"] + rest["data"]] == [act["id"] for act in page["data"]]
    assert {(act["who"], act["address"]) for act in page["data"]} == {("bootstrap", "127.0.0.1")}
    assert page["data"][2]["detail"] == {"suspended": "true"}
    logged = [line for line in lines if line["event"] == "admin_act"]
    assert [line["what"] for line in logged] == list(reversed(whats))
    secrets = (key["token"], turned["token"], key["token"].rpartition("_")[2], key["signing_secret"], BOOTSTRAP)
    assert not [secret for secret in secrets if secret in str((page, lines))]


async def test_an_act_that_cannot_be_noted_is_not_done() -> None:
    class Full(MemoryActs):
        async def add(self, act: Act) -> None:
            raise StoreError("full")

    store = MemoryStore()
    store.acts = Full()
    async with gate(store, admin=ADMIN) as it:
        assert (await it.admin("POST", KEYS, NEW))[0] == 503
        assert not await store.keys.list()


async def test_without_admins_there_is_no_admin_api() -> None:
    async with gate() as it:
        assert (await it.admin("GET", KEYS))[0] == 404


@pytest.mark.parametrize("token", ["", "x", BOOTSTRAP[:-1], BOOTSTRAP + "x", BOOTSTRAP.upper(), "a.b.c"])
async def test_nobody_else_administers(token: str) -> None:
    async with gate(admin=ADMIN) as it:
        for method, path in (("GET", KEYS), ("POST", KEYS), ("GET", "/admin/usage"), ("GET", "/admin/audit")):
            status, _ = await it.admin(method, path, token=token)
            assert status == 401


async def test_an_api_key_administers_nothing_not_even_one_of_an_admin() -> None:
    async with gate(admin=ADMIN) as it:
        _, token = await it.key(scopes=Scopes(admin=True))
        assert (await it.admin("GET", KEYS, token=token))[0] == 401
        assert (await it.ask(token=BOOTSTRAP))[0] == 401, "nor is the secret an API key"


async def test_who_tries_secrets_is_told_to_wait() -> None:
    async with gate(admin=ADMIN, failures_per_minute=3) as it:
        assert [(await it.admin("GET", KEYS, token=f"guess-{i}"))[0] for i in range(5)] == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("secret", ["short", "a" * 64, "changeme" * 8, "1" * 31])
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError, match="at least 32 random characters"):
        GatewaySettings.model_validate({"admin": {"bootstrap": secret}})


@pytest.mark.parametrize(
    "settings",
    [
        {"trusted_proxies": ["10.0.0.0/99"]},
        {"trusted_proxies": ["proxy.example.com"]},
        {"cors": ["app.example.com"]},
        {"cors": ["https://app.example.com/"]},
        {"failures_per_minute": 0},
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate(settings)


async def test_each_request_is_recorded_and_everybody_sees_their_own(tmp_path: Path) -> None:
    async with gate(SqliteStore(tmp_path / "botkit.db"), admin=ADMIN) as it:
        one, two = await made(it, limits={"requests_per_day": 100}), await made(it)
        for key in (one, one, two):
            await it.ask("/echo", key["token"], method="POST", data=b"x")
        totals = await _until(it, "/admin/usage?by=key,endpoint,bot,status", requests=3)
        assert sorted((row["group"]["key"], row["requests"]) for row in totals) == sorted(
            [(one["id"], 2), (two["id"], 1)]
        )
        assert {row["group"]["endpoint"] for row in totals} == {"POST /echo"}
        assert {row["group"]["bot"] for row in totals} == {"helper"}
        status, own, _ = await it.ask("/api/usage?by=", one["token"])
        assert status == 200
        assert [row["requests"] for row in own["data"]] == [2]
        assert own["spent"]["requests_day"] == 3, "to look is a request, too"
        assert own["limits"]["requests_per_day"] == 100
        status, said, _ = await it.ask(f"/api/usage?key={two['id']}", one["token"])
        assert (status, said["error"]["field"]) == (400, "key"), "nobody sees another's"
        _, rows, _ = await it.ask("/api/usage?records=true", one["token"])
        assert {row["key"] for row in rows["data"]} == {one["id"]}
        assert all(row["latency"] > 0 and row["status"] == 200 for row in rows["data"])


async def test_usage_is_exported_as_csv_whole_and_harmless() -> None:
    async with gate(admin=ADMIN) as it:
        now = time.time() - 3600
        await it.store.meter.end([record(f"r{i:04}", at=now + i / 100) for i in range(1200)])
        await it.store.meter.end([record("evil", at=now + 100, user='=cmd|"/c calc"!A1', model="a,b\n")])
        text = await _text(it, "/admin/usage?records=true&format=csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 1201
        assert [row["id"] for row in rows[:2]] == ["r0000", "r0001"]
        assert rows[-1]["user"] == '\'=cmd|"/c calc"!A1'
        assert rows[-1]["model"] == "a,b\n"
        assert rows[0]["at"].endswith("Z")
        sums = list(csv.DictReader(io.StringIO(await _text(it, "/admin/usage?by=bot&format=csv"))))
        assert [(row["bot"], row["requests"]) for row in sums] == [("helper", "1201")]
        _, acts = await it.admin("GET", "/admin/audit")
        assert [act["what"] for act in acts["data"]] == ["usage.export", "usage.export"]


async def test_usage_is_found_by_time_and_listed_page_by_page() -> None:
    async with gate(admin=ADMIN) as it:
        await it.store.meter.end([record(f"r{i}", at=1_700_000_000.0 + i * 86_400) for i in range(5)])
        _, found = await it.admin("GET", "/admin/usage?since=2023-11-15&until=2023-11-17T00:00:00Z&by=day")
        assert [row["group"]["day"] for row in found["data"]] == ["2023-11-15", "2023-11-16"]
        _, first = await it.admin("GET", "/admin/usage?since=2023-01-01&records=true&limit=3")
        _, rest = await it.admin("GET", f"/admin/usage?since=2023-01-01&records=true&limit=3&after={first['next']}")
        assert [row["id"] for row in first["data"] + rest["data"]] == [f"r{i}" for i in range(5)]
        assert rest["next"] is None
        for wrong in ("since=soon", "by=colour", "status=x", "records=maybe", "format=xml", "limit=0"):
            status, said = await it.admin("GET", f"/admin/usage?{wrong}")
            assert (status, said["error"]["field"]) == (400, wrong.partition("=")[0])
        for after in ("x/y", "nan/y", "inf/y", "1"):
            assert (await it.admin("GET", f"/admin/usage?records=true&after={after}"))[0] == 400


ODD = ("%ED%A0%80", "%00", "%0A", "%FF", "*", "%3A", "%F0%9F%98%80", "x" * 3000)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
async def test_odd_text_in_a_url_is_no_servers_fault(kind: str, tmp_path: Path, redis_url: str) -> None:
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'botkit.db'}", "redis": redis_url}
    async with gate(open_store(urls[kind]), admin=ADMIN) as it:
        for odd in ODD:
            for path in (
                f"{KEYS}/{odd}",
                f"{KEYS}?owner={odd}&after={odd}",
                f"/admin/usage?by=bot&bot={odd}&key={odd}",
            ):
                status, said = await it.admin("GET", path)
                assert status in (200, 400, 404), (path, said)
            status, said = await it.admin("GET", f"/admin/audit?who={odd}&target={odd}&before=1/{odd}")
            assert status in (200, 400), (odd, said)


async def _until(it: Gate, path: str, *, requests: int) -> list[dict[str, Any]]:
    """The sums once so many requests are written."""
    async with asyncio.timeout(5):
        while True:
            _, body = await it.admin("GET", path)
            if sum(row["requests"] for row in body["data"]) == requests:
                return list(body["data"])
            await asyncio.sleep(0.02)


async def _text(it: Gate, path: str) -> str:
    async with it.http.get(it.url + path, headers={"Authorization": f"Bearer {BOOTSTRAP}"}) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/csv"
        return await answer.text()


def test_the_secrets_of_administrators_are_known_as_secrets(tmp_path: Path) -> None:
    table: dict[str, Toml] = {"bootstrap": BOOTSTRAP}
    bots: dict[str, Toml] = {"main": {"workdir": str(tmp_path), "console": {}}}
    config = build({"gateway": {"admin": table}, "bots": bots}, {}, root=tmp_path)
    assert BOOTSTRAP in config.secrets, "so that no log and no reply shows it"
    assert config.literal_secrets == ("gateway.admin.bootstrap",)
    table["bootstrap"] = "changeme"
    with pytest.raises(ConfigError, match=r"gateway\.admin\.bootstrap") as caught:
        build({"gateway": {"admin": table}, "bots": bots}, {}, root=tmp_path)
    assert "changeme" not in str(caught.value)

"""What a request takes of its key: a request of the day, a usage record, a place; each endpoint says which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.http.routes import ENDPOINTS
from botkit.keys import KeyLimits, Scopes
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import Program, program

CLOSED_WITHIN = 5.0
"""Seconds until a client that went has given its place back, on a busy machine."""
FREE = {
    ("GET", "/v1/models"),
    ("GET", "/api/models"),
    ("GET", "/api/tools"),
    ("POST", "/api/sessions/{id}/stop"),
    ("POST", "/api/approvals/{id}"),
}
"""From memory, or it ends or decides what is at work."""


def test_nothing_else_is_free_and_what_changes_something_is_on_record() -> None:
    keyed = {(each.method, each.path): each.counted for each in ENDPOINTS if not each.open and not each.admin}
    assert {each for each, counted in keyed.items() if counted == "free"} == FREE
    assert {counted for each, counted in keyed.items() if each[0] != "GET" and each not in FREE} == {"work", "run"}


async def test_a_usage_record_names_the_model_that_answered(gateway: Desk) -> None:
    """Also where neither the program nor the bot has chosen one, or the session has."""
    me = await program(gateway)
    await me.post("/v1/chat/completions", {"model": "main", "messages": [{"role": "user", "content": "!say hello"}]})
    chosen = (await me.post("/api/sessions", {"bot": "main", "model": "claude-haiku-4-5"}, expected=201))["id"]
    await me.post(f"/api/sessions/{chosen}/messages", {"text": "!say hello"})
    await me.ended(await me.begin(await me.session(), "!say hello"))
    asked = [(each.endpoint, each.model) for each in await gateway.records(6) if each.output_tokens]
    default = gateway.model.asks[0].model
    assert default
    assert dict(asked) == {
        "POST /v1/chat/completions": default,
        "POST /api/sessions/{id}/messages": "claude-haiku-4-5",
        "run": default,
    }


async def test_what_asks_claude_nothing_is_counted_and_on_record_but_takes_no_run(tmp_path: Path) -> None:
    limits = KeyLimits(requests_per_day=1000, concurrent_runs=1)
    async with desk(tmp_path, bot={"launcher": ["env"]}, pool={"spares": 0}) as it:
        me = await program(it, limits=limits, scopes=Scopes(bash=True))
        id = await me.session()
        path = f"/api/sessions/{id}"
        run = await me.begin(id, "!words 2000 20ms")
        await me.post(f"{path}/files/upload?name=a.txt", expected=201, data=b"plum")
        await me.post(f"{path}/tools/edit", {"path": "b.txt", "new": "pear"})
        await me.post(f"{path}/tools/read", {"path": "b.txt"})
        await me.post(f"{path}/tools/glob", {"pattern": "*"})
        await me.post(f"{path}/tools/search", {"pattern": "pear"})
        await me.post(f"{path}/tools/bash", {"command": "true"})
        await me.post(f"{path}/fork", expected=201)
        assert (await me.refused("POST", f"{path}/tools/read", {"path": "gone"}))[0] == 404
        assert (await me.refused("POST", f"/api/sessions/{id}/messages", {"text": "hi"}))[1] == "concurrent_runs"
        for looked in ("", "/history", "/files"):
            await me.get(path + looked)
        for _ in range(3):
            await me.get("/v1/models")
        assert (await me.post(f"{path}/stop"))["stopped"] is True
        await me.ended(run)
        records = await it.records(11)
        assert [record.endpoint.rpartition("/")[2] for record in records if record.status < 400] == [
            *("sessions", "messages", "upload", "edit", "read", "glob", "search", "bash", "fork")
        ]
        failed = {(each.endpoint.rpartition("/")[2], each.status, each.error) for each in records if each.status >= 400}
        assert failed == {("read", 404, "not_found"), ("run", 409, "stopped")}
        tools = [record for record in records if "/tools/" in record.endpoint]
        assert {(each.bot, each.session, each.input_tokens, each.cost) for each in tools} == {("main", id, 0, 0.0)}
        before = (await me.get("/api/usage"))["spent"]["requests_day"]
        await me.get("/v1/models")
        await me.get(path)
        assert (await me.get("/api/usage"))["spent"]["requests_day"] == before + 2


async def test_a_key_that_only_looks_and_works_comes_to_its_limit_and_can_still_stop(gateway: Desk) -> None:
    me = await program(gateway, limits=KeyLimits(requests_per_day=4))
    id = await me.session()
    path = f"/api/sessions/{id}"
    run = await me.begin(id, "!words 2000 20ms")
    await me.get(path)
    await me.post(f"{path}/tools/glob", {"pattern": "*"})
    for method, where, body in (
        ("GET", path, None),
        ("POST", f"{path}/tools/glob", {"pattern": "*"}),
        ("POST", f"{path}/fork", None),
        ("POST", f"{path}/files/upload", None),
        ("GET", f"{path}/commands", None),
        ("GET", f"{path}/events", None),
        ("POST", f"{path}/messages", {"text": "hi"}),
    ):
        assert (await me.refused(method, where, body))[:2] == (429, "requests_per_day"), where
    await me.get("/v1/models")
    assert (await me.post(f"{path}/stop"))["stopped"] is True
    found = await gateway.application.store.runs.get(run)
    assert found is not None


async def test_a_key_that_has_spent_its_money_still_reads_what_it_paid_for(gateway: Desk) -> None:
    me = await program(gateway, limits=KeyLimits(usd_per_day=0.000001))
    id = await me.session()
    await me.say(id, "!say Plums.")
    async with asyncio.timeout(PATIENCE):
        while (await me.ask("POST", f"/api/sessions/{id}/messages", {"text": "!say More."}))[0] == 200:
            pass  # it is written with the next group of records
    assert "Plums." in str(await me.get(f"/api/sessions/{id}/history"))
    await me.post(f"/api/sessions/{id}/tools/glob", {"pattern": "*"})


@pytest.fixture
async def few(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, gateway={"max_streams": 3, "max_streams_per_key": 2}) as it:
        yield it


async def test_only_so_many_streams_of_a_key_are_open_and_a_client_that_goes_makes_room(few: Desk) -> None:
    me, other = await program(few), await program(few, limits=None)
    path = f"/api/sessions/{await me.session()}"
    socket = await few.http.ws_connect(f"{me.url}{path}/stream", headers=bearer(me))
    stream = await few.http.get(f"{me.url}{path}/events", headers=bearer(me))
    assert stream.status == 200
    for kind in ("events", "stream"):
        assert (await me.refused("GET", f"{path}/{kind}"))[:2] == (429, "too_many_open_streams")
    theirs = f"/api/sessions/{await other.session()}"
    async with few.http.get(f"{me.url}{theirs}/events", headers=bearer(other)) as third:
        assert third.status == 200
        status, said = await other.ask("GET", f"{theirs}/events")
        assert (status, said["error"]["message"]) == (429, "the gateway has all the open streams it can")
    stream.close()
    async with opened(few, me, f"{path}/events"):
        assert (await me.refused("GET", f"{path}/events"))[0] == 429
        await socket.close()
        async with opened(few, me, f"{path}/events"):
            pass


@asynccontextmanager
async def opened(desk: Desk, me: Program, path: str) -> AsyncGenerator[None]:
    """A stream, once there is a place: that a client has gone is seen twice a second."""
    async with asyncio.timeout(CLOSED_WITHIN):
        while True:
            async with desk.http.get(me.url + path, headers=bearer(me)) as answer:
                if answer.status == 200:
                    yield
                    return
                assert answer.status == 429
            await asyncio.sleep(0.02)


def bearer(me: Program) -> dict[str, str]:
    return {"Authorization": f"Bearer {me.token}"}

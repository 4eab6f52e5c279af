"""Who gets in: keys as programs show them, and everything that is no key."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from botkit.errors import ConfigError
from botkit.keys import ApiKey, KeyLimits, Scopes
from botkit.signing import NONCE, SIGNATURE, TIMESTAMP, sign
from botkit.stores.keys.memory import MemoryKeys
from botkit.stores.memory import MemoryStore
from botkit.testing.store_values import NOW
from botkit.tokens import new_key, rotated
from tests.adapters.http.gate import BOOTSTRAP, gate

BODY = b'{"text": "hi"}'


async def test_a_key_opens_the_gateway_in_the_ways_clients_send_it() -> None:
    async with gate() as it:
        _, token = await it.key()
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"authorization": f"bearer {token}"},
            {"x-api-key": token},
        ):
            status, _, _ = await it.ask(headers=headers)
            assert status == 200, headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer sk-ant-nothing"},
        {"Authorization": f"Bearer bk_{'0' * 16}_{'0' * 64}"},
        {"Authorization": "Bearer " + "x" * 4000},
        {"x-api-key": "bk_*_*"},
        {"x-api-key": "ünï".encode().decode("latin-1")},
    ],
)
async def test_without_a_key_nobody_gets_in(headers: dict[str, str]) -> None:
    async with gate() as it:
        for path, shape in (("/v1/models", "type"), ("/api/usage", "code")):
            status, body, _ = await it.ask(path, headers=headers)
            assert status == 401
            assert shape in body["error"]


async def test_a_wrong_secret_and_an_unknown_id_are_told_alike() -> None:
    async with gate() as it:
        key, token = await it.key()
        wrong = await it.ask(token=token[:-1] + ("0" if token[-1] != "0" else "1"))
        unknown = await it.ask(token=new_key("n", "o", NOW)[1].text)
        assert wrong[:2] == unknown[:2]
        assert wrong[0] == 401
        assert key.name not in str(wrong)


async def test_a_suspended_an_expired_and_a_deleted_key_are_refused_within_five_seconds() -> None:
    async with gate() as it:
        key, token = await it.key()
        assert (await it.ask(token=token))[0] == 200
        await it.store.keys.put(replace(key, suspended=True, revision=2))
        began = time.monotonic()
        while (await it.ask(token=token))[0] == 200:
            assert time.monotonic() < began + 5
        status, body, _ = await it.ask(token=token)
        assert status == 401
        assert "suspended" in body["error"]["message"]
        _, expired = await it.key(expires=time.time() - 1)
        assert "expired" in str((await it.ask(token=expired))[1])


async def test_during_a_rotation_both_tokens_open() -> None:
    async with gate() as it:
        key, old = await it.key()
        turned, new = rotated(key, time.time(), overlap=60.0)
        await it.store.keys.put(turned)
        assert [(await it.ask(token=token))[0] for token in (old, new.text)] == [200, 200]


@pytest.mark.parametrize("query", ["?api_key={}", "?token={}", "?access_token={}", "?x={}", "?API_KEY={}"])
async def test_a_key_in_the_url_is_refused_with_the_reason(query: str) -> None:
    async with gate() as it:
        _, token = await it.key()
        for headers in ({}, {"x-api-key": token}):
            status, body, _ = await it.ask("/v1/models" + query.format(token), headers=headers)
            assert status == 401
            assert body["error"]["code"] == "key_in_url"
            assert token not in str(body)


async def test_who_tries_keys_is_told_to_wait_and_asks_nothing_of_the_store() -> None:
    class Counted(MemoryKeys):
        asked = 0

        async def get(self, id: str) -> ApiKey | None:
            Counted.asked += 1
            return await super().get(id)

    store = MemoryStore()
    store.keys = Counted()
    async with gate(store, failures_per_minute=5) as it:
        _, good = await it.key()
        assert (await it.ask(token=good))[0] == 200
        answers = [await it.ask(token=new_key("n", "o", NOW)[1].text) for _ in range(20)]
        assert [status for status, _, _ in answers] == [401] * 5 + [429] * 15
        assert all(0 < int(headers["Retry-After"]) <= 60 for _, _, headers in answers[5:])
        assert Counted.asked <= 7
        assert (await it.ask(token=good))[0] == 200, "a key that was proven before goes on: others share its address"


async def test_no_key_at_all_counts_as_a_failure_too() -> None:
    async with gate(failures_per_minute=3) as it:
        assert [(await it.ask())[0] for _ in range(5)] == [401, 401, 401, 429, 429]


async def test_a_forwarded_address_of_somebody_untrusted_means_nothing() -> None:
    """Neither to escape the count of failures, nor to seem to come from an allowed address."""
    async with gate(failures_per_minute=3) as it:
        spoofed = [await it.ask(headers={"X-Forwarded-For": f"198.51.100.{i}"}) for i in range(5)]
        assert [status for status, _, _ in spoofed] == [401, 401, 401, 429, 429]
    async with gate() as it:
        _, token = await it.key(networks=("10.0.0.0/8",))
        status, body, _ = await it.ask(token=token, headers={"X-Forwarded-For": "10.1.2.3"})
        assert (status, body["error"]["code"]) == (403, "address_not_allowed")


async def test_a_trusted_proxy_says_where_a_request_comes_from() -> None:
    async with gate(trusted_proxies=["127.0.0.1"], failures_per_minute=3) as it:
        _, token = await it.key(networks=("10.0.0.0/8",))
        assert (await it.ask(token=token, headers={"X-Forwarded-For": "10.1.2.3"}))[0] == 200
        assert (await it.ask(token=token, headers={"X-Forwarded-For": "203.0.113.5"}))[0] == 403
        forged = {"X-Forwarded-For": "10.1.2.3, 203.0.113.6"}
        assert (await it.ask(token=token, headers=forged))[0] == 403, "only what the proxy added counts"
        for i in range(5):
            assert (await it.ask(headers={"X-Forwarded-For": f"198.51.100.{i}"}))[0] == 401, "each counts alone"


async def test_a_key_that_must_sign_does_not_work_alone() -> None:
    async with gate() as it:
        _, token = await it.key(signing="s" * 64)
        status, body, _ = await it.ask("/echo", token, method="POST", data=BODY)
        assert (status, body["error"]["code"]) == (401, "invalid_signature")
        stamp, nonce = int(time.time()), "nonce-0123456789"
        headers = {
            TIMESTAMP: str(stamp),
            NONCE: nonce,
            SIGNATURE: sign("s" * 64, "POST", "/echo?a=1", stamp, nonce, BODY),
        }
        changed = await it.ask("/echo?a=1", token, method="POST", data=BODY + b" ", headers=headers)
        assert changed[0] == 401, "one byte more"
        assert (await it.ask("/echo?a=1", token, method="POST", data=BODY, headers=headers))[0] == 200
        status, body, _ = await it.ask("/echo?a=1", token, method="POST", data=BODY, headers=headers)
        assert (status, body["error"]["code"]) == (401, "request_repeated")


async def test_a_key_is_held_to_its_endpoints() -> None:
    async with gate() as it:
        _, token = await it.key(scopes=Scopes(endpoints=("chat",)))
        status, body, _ = await it.ask("/echo", token, method="POST", data=BODY)
        assert (status, body["error"]["code"]) == (403, "not_in_scope")


async def test_limits_are_said_in_headers_and_refuse_with_a_time() -> None:
    async with gate() as it:
        _, token = await it.key(limits=KeyLimits(requests_per_day=2, tokens_per_day=100))
        answers = [await it.ask("/echo", token, method="POST", data=BODY) for _ in range(3)]
        assert [status for status, _, _ in answers] == [200, 200, 429]
        assert [headers["X-RateLimit-Remaining-Requests"] for _, _, headers in answers] == ["1", "0", "0"]
        _, body, headers = answers[2]
        assert headers["X-RateLimit-Limit-Requests"] == "2"
        assert headers["X-RateLimit-Remaining-Tokens"] == "100"
        assert headers["X-RateLimit-Reset-Requests"].endswith("s")
        assert 0 < int(headers["Retry-After"]) <= 86_400
        assert body["error"]["code"] == "requests_per_day"


async def test_of_a_hundred_requests_at_once_the_limit_passes() -> None:
    async with gate() as it:
        _, token = await it.key(limits=KeyLimits(requests_per_day=10))
        answers = await asyncio.gather(*(it.ask("/echo", token, method="POST", data=BODY) for _ in range(100)))
        assert sorted(status for status, _, _ in answers) == [200] * 10 + [429] * 90


async def test_the_bodies_of_strangers_are_not_read() -> None:
    async with gate() as it:
        port = int(it.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\nAuthorization: Bearer no\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        writer.close()


async def test_a_gateway_that_nobody_could_use_does_not_listen_for_other_machines() -> None:
    with pytest.raises(ConfigError, match=r"botkit keys create") as caught:
        async with gate(host="0.0.0.0"):
            pass
    assert caught.value.key == "http.host"
    async with gate(host="0.0.0.0", admin={"bootstrap": BOOTSTRAP}):
        pass
    store = MemoryStore()
    await store.keys.put(new_key("n", "o", NOW)[0])
    async with gate(store, host="0.0.0.0"):
        pass


async def test_pages_of_other_sites_may_ask_only_when_the_config_says_so() -> None:
    page = {"Origin": "https://app.example.com"}
    asked = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with gate() as it:
        status, _, headers = await it.ask("/v1/models", method="OPTIONS", headers=asked)
        assert status == 405
        assert "Access-Control-Allow-Origin" not in headers
    async with gate(cors=["https://app.example.com"]) as it:
        _, token = await it.key()
        status, _, headers = await it.ask("/v1/models", method="OPTIONS", headers=asked)
        assert status == 204
        assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "Idempotency-Replayed" in headers["Access-Control-Expose-Headers"]
        assert headers["Access-Control-Allow-Headers"] == "authorization"
        for answer in (await it.ask(token=token, headers=page), await it.ask(headers=page)):
            assert answer[2]["Access-Control-Allow-Origin"] == "https://app.example.com"
            assert "Access-Control-Allow-Credentials" not in answer[2]
        other = {"Origin": "https://evil.example.com"}
        assert "Access-Control-Allow-Origin" not in (await it.ask(token=token, headers=other))[2]


async def test_every_answer_has_an_id() -> None:
    async with gate() as it:
        _, token = await it.key()
        ids = {(await it.ask(token=token))[2]["X-Request-Id"], (await it.ask())[2]["X-Request-Id"]}
        assert len(ids) == 2

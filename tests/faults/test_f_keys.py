"""Rows F44, F52 and F53 of the fault list, over HTTP: keys that are none, a race for a limit, ids as attacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from botkit.keys import KeyLimits
from botkit.stores import open_store
from botkit.testing.store_keys import IDS
from botkit.testing.store_values import NOW
from botkit.tokens import new_key
from botkit.usage import UsageQuery
from tests.adapters.http.gate import Gate, gate
from tests.botkit.test_cli import Shell
from tests.botkit.test_cli import shell as shell

OPEN = """
[http]
host = "0.0.0.0"
port = 0

[store]
url = "sqlite:///botkit.db"

[claude.pool]
spares = 0

[gateway]

[bots.main]
workdir = "work"

[bots.main.http]
"""
KINDS = ("memory", "sqlite", "redis")


@asynccontextmanager
async def gates(kind: str, tmp_path: Path, redis_url: str, count: int, *more: Endpoint) -> AsyncGenerator[list[Gate]]:
    """Gateways that share a store as several processes would; of memory only one can."""
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'botkit.db'}", "redis": redis_url}
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(gate(open_store(urls[kind]), *more))
            for _ in range(1 if kind == "memory" else count)
        ]


async def test_f44_botkit_does_not_listen_for_other_machines_without_a_key(shell: Shell) -> None:
    shell.write(OPEN)
    code, _, errors = await shell.run("run", ANTHROPIC_API_KEY="none")
    assert code == 2
    assert "http.host: refuses to serve the gateway on 0.0.0.0 without any key" in errors
    assert "botkit keys create" in errors
    assert "Traceback" not in errors


async def test_f44_no_wrong_key_opens_and_none_is_tried_for_long() -> None:
    async with gate(failures_per_minute=10) as it:
        _, token = await it.key()
        wrong = [
            token[:-1],
            token + "0",
            token.upper(),
            token.replace("bk_", "sk_"),
            token[:20],
            "*",
            "null",
            "undefined",
        ]
        for each in wrong:
            assert (await it.ask(token=each))[0] == 401, each
        status, said, _ = await it.ask(f"/v1/models?api_key={token}")
        assert (status, said["error"]["code"]) == (401, "key_in_url")
        answers = [
            await it.ask(token=new_key("n", "o", NOW)[1].text, headers={"X-Forwarded-For": f"203.0.113.{i}"})
            for i in range(10)
        ]
        assert {status for status, _, _ in answers[2:]} == {429}
        assert all(int(headers["Retry-After"]) >= 1 for _, _, headers in answers[2:])


@pytest.mark.parametrize("kind", KINDS)
async def test_f52_of_a_thousand_requests_at_once_ten_pass(kind: str, tmp_path: Path, redis_url: str) -> None:
    async with gates(kind, tmp_path, redis_url, 2) as them:
        _, token = await them[0].key(limits=KeyLimits(requests_per_day=10))
        async with asyncio.timeout(60):
            answers = await asyncio.gather(
                *(them[i % len(them)].ask("/echo", token, method="POST", data=b"x") for i in range(1000))
            )
    statuses = [status for status, _, _ in answers]
    assert (statuses.count(200), statuses.count(429)) == (10, 990)


@pytest.mark.parametrize("kind", KINDS)
async def test_f52_no_more_runs_at_once_than_may(kind: str, tmp_path: Path, redis_url: str) -> None:
    begun, go = 0, asyncio.Event()

    async def slow(call: Call) -> web.Response:
        nonlocal begun
        begun += 1
        await go.wait()
        return web.Response(text="done")

    async def refusals(asking: list[asyncio.Task[Any]]) -> None:
        while sum(task.done() for task in asking) < 97:
            await asyncio.wait([task for task in asking if not task.done()], return_when=asyncio.FIRST_COMPLETED)

    endpoint = Endpoint("POST", "/slow", slow, "Waits", counts="run")
    async with gates(kind, tmp_path, redis_url, 2, endpoint) as them:
        _, token = await them[0].key(limits=KeyLimits(concurrent_runs=3))
        asking = [
            asyncio.create_task(them[i % len(them)].ask("/slow", token, method="POST", data=b"x")) for i in range(100)
        ]
        async with asyncio.timeout(30):
            await refusals(asking)
            assert begun == 3
            go.set()
            statuses = [(await task)[0] for task in asking]
        assert (statuses.count(200), statuses.count(429)) == (3, 97)
        assert (await them[-1].ask("/slow", token, method="POST", data=b"x"))[0] == 200, "there is room again"


@pytest.mark.parametrize("kind", KINDS)
async def test_f53_no_text_of_a_program_names_what_is_anothers(kind: str, tmp_path: Path, redis_url: str) -> None:
    async def named(call: Call) -> web.Response:
        call.user = call.session = call.model = call.raw.decode()
        return web.Response(text="noted")

    endpoint = Endpoint("POST", "/named", named, "Notes a name", counts="run")
    async with gates(kind, tmp_path, redis_url, 1, endpoint) as (it,):
        key, token = await it.key(limits=KeyLimits(concurrent_runs=1, requests_per_day=100))
        other, _ = await it.key(limits=KeyLimits(concurrent_runs=1))
        hostile = (
            *IDS,
            f"botkit:slots/{other.id}",
            f"*/{other.id}",
            f"\n{other.id}",
            "botkit:keys",
            "'; DROP TABLE run;--",
        )
        for name in hostile:
            status, said, _ = await it.ask("/named", token, method="POST", data=name.encode())
            assert status == 200, (name, said)
        for name in hostile:
            (found,) = await it.store.meter.sums(UsageQuery(user=name, key=key.id))
            assert found.requests == 1, name
        assert not await it.store.meter.sums(UsageQuery(key=other.id))
        assert (await it.store.meter.spent(other.id, time.time())).runs == 0
        assert await it.store.keys.get(other.id) == other

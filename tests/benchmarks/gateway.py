"""The gateway under load, beside aiohttp alone and gateways without features, in the same run.

What is compared is the CPU time of a request, so that the load of the machine's other core does not count; what a
client waits for is timed as well, and depends on the machine.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from tests.benchmarks import gateway_turns, gateway_watching
from tests.benchmarks.gateway_desk import on_core, server, spent
from tests.benchmarks.gateway_load import closed, paced, request
from tests.benchmarks.gateway_server import Ready, Wanted
from tests.benchmarks.rows import Row

CHAT = {"model": "echo", "messages": [{"role": "user", "content": "hello there, how are you?"}]}
SETTLE = 0.2
"""Seconds until the usage records of a run are written."""
BEST = 4
"""Runs of each; the best one is the least disturbed."""


async def measure(n: int = 3000) -> list[Row]:
    cores = (0, 1) if os.cpu_count() != 1 else (None, None)
    with on_core(cores[1]):
        rows = await requests(n, cores[0])
    return [*rows, *await calm(min(n, 400)), *await gateway_turns.measure(), *await gateway_watching.measure()]


async def requests(n: int, core: int | None) -> list[Row]:
    """What a request costs the server, which stays on this core."""
    with tempfile.TemporaryDirectory() as place:
        sqlite = f"sqlite:///{Path(place) / 'bench.db'}"
        async with (
            server(Wanted("floor", place, core=core)) as bare,
            server(Wanted("handlers", place, core=core)) as memory,
            server(Wanted("handlers", place, store=sqlite, core=core)) as disk,
        ):
            get, chat = request("GET", "/v1/models"), request("POST", "/v1/chat/completions", CHAT)
            bare_get, bare_chat = await _rate(bare, get, n), await _rate(bare, chat, n)
            models = await _rate(memory, _models(memory.token), n)
            in_memory, on_disk = await _rate(memory, _chat(memory.token), n), await _rate(disk, _chat(disk.token), n)
            limited = await _rate(memory, _chat(memory.limited), n // 2)
            limited_disk = await _rate(disk, _chat(disk.limited), n // 4)
    return [
        Row("bare aiohttp, GET", bare_get, "/s a core"),
        Row("`GET /v1/models` with a key", models, "/s a core", models / bare_get, least=0.4),
        Row("bare aiohttp, chat JSON", bare_chat, "/s a core"),
        Row("chat completion from an echo handler, memory", in_memory, "/s a core", in_memory / bare_chat, least=0.31),
        Row("— SQLite, usage records written together", on_disk, "/s a core", on_disk / bare_chat, least=0.155),
        Row("— memory, a key with every limit", limited, "/s a core", limited / bare_chat),
        Row("— SQLite, a key with every limit", limited_disk, "/s a core", limited_disk / bare_chat),
    ]


async def calm(n: int) -> list[Row]:
    """How long an answer takes that comes at an even pace, on whichever core is free."""
    with tempfile.TemporaryDirectory() as place:
        async with server(Wanted("floor", place)) as bare, server(Wanted("handlers", place)) as ready:
            both = [(bare, request("POST", "/v1/chat/completions", CHAT)), (ready, _chat(ready.token))]
            tails: list[float] = []
            for each, asked in both:
                await _warm(each, asked)
                loads = [await paced(each.port, [asked], n, 200.0) for _ in range(BEST)]
                tails.append(min(load.percentile(99) for load in loads) * 1000)
    return [
        Row("— open loop at 200/s, P99", tails[1], "ms", most=5),
        Row("— the same of bare aiohttp", tails[0], "ms"),
    ]


def _models(token: str) -> bytes:
    return request("GET", "/v1/models", headers={"Authorization": f"Bearer {token}"})


def _chat(token: str) -> bytes:
    return request("POST", "/v1/chat/completions", CHAT, {"Authorization": f"Bearer {token}"})


async def _warm(ready: Ready, asked: bytes) -> None:
    await closed(ready.port, [asked], 200)


async def _rate(ready: Ready, asked: bytes, n: int) -> float:
    """Requests a second of the server's CPU, asked from 64 connections."""
    await _warm(ready, asked)
    costs: list[float] = []
    for _ in range(BEST):
        before = spent(ready)
        load = await closed(ready.port, [asked], n)
        await asyncio.sleep(SETTLE)
        assert not load.failed, "the server could not answer"
        costs.append(max(spent(ready) - before, 0.01))
    return n / min(costs)

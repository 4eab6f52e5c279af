"""Turns through live workers on a stub CLI: sessions that go on, calls without one, and the first word of a stream."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.gateway_desk import server, spent
from tests.benchmarks.gateway_load import Connection, Load, closed, connections, paced, request
from tests.benchmarks.gateway_server import Ready, Wanted
from tests.benchmarks.live import make_stub
from tests.benchmarks.rows import Row

QUICK = str(Path(__file__).with_name("stub.sh"))
"""A CLI that is there in a millisecond or two."""

SESSIONS = 8
RUNS = 5
DELTAS = "20"
"""A turn of the stub: so many deltas, as fast as it can."""
SECOND = "20 0.05"
"""A turn that takes a second, with its first word at once."""
WRAPPER = 103.0
"""Requests a second of claude-code-openai-wrapper 2.2.0 at one connection, on two quiet cores and a stub in C, ..."""
WRAPPER_FLOOR = 1171.0
"""... where a gateway without features that starts the same stub for each request came to so many."""
WRAPPER_FIRST = 1.015
"""Seconds to its first content of a 1-second answer: it comes with the end."""


async def measure(n: int = 200) -> list[Row]:
    with tempfile.TemporaryDirectory() as place:
        cli = str(make_stub(Path(place)))
        async with server(Wanted("floor", place, cli=QUICK)) as ready:
            spawning = await _closed(ready, [_chat(DELTAS)], n // 2)
        async with server(Wanted("floor", place, cli=cli, workers=SESSIONS)) as ready:
            thin = await _closed(ready, [_chat(DELTAS)], n)
        async with server(Wanted("claude", place, cli=cli, workers=SESSIONS * 2)) as ready:
            continued, rows = await _continued(ready, n)
            first = await _first(ready, 3)
        async with server(Wanted("claude", place, cli=QUICK, workers=64, spares=16)) as ready:
            stateless = await _stateless(ready, n // 2)
    wrapper = spawning.rate * WRAPPER / WRAPPER_FLOOR
    return [
        Row("a process for each request, no features, stub CLI, one connection", spawning.rate, "/s"),
        Row("live processes, no features, stub CLI, one connection", thin.rate, "/s"),
        Row(
            "sessions that go on, one connection (beside the wrapper's)",
            continued.rate,
            "/s",
            continued.rate / wrapper,
            least=30,
        ),
        Row("— beside live processes without features", continued.rate, "/s", continued.rate / thin.rate),
        *rows,
        Row(
            "calls without a session, one connection (beside the wrapper's)",
            stateless.rate,
            "/s",
            stateless.rate / wrapper,
            least=5,
        ),
        Row(
            "first content of a 1-second answer (beside the wrapper's)",
            first * 1000,
            "ms",
            WRAPPER_FIRST / first,
            least=15,
        ),
    ]


async def _continued(ready: Ready, n: int) -> tuple[Load, list[Row]]:
    asked = [_chat(DELTAS, _key(ready), conversation=f"session-{number}") for number in range(SESSIONS)]
    await closed(ready.port, asked, SESSIONS, at_once=1)
    one = await _closed(ready, asked[:1], n)
    before = spent(ready)
    many = await _closed(ready, asked, n, at_once=SESSIONS)
    cpu = (spent(ready) - before) / (RUNS * n)
    calm = await paced(ready.port, asked, 2 * n, 200.0)
    return one, [
        Row(f"— {SESSIONS} connections", many.rate, "/s"),
        Row("— CPU of a turn of 20 deltas", cpu * 1e6, "µs"),
        Row("— open loop at 200 turns/s, P99, stub included", calm.percentile(99) * 1000, "ms"),
    ]


async def _stateless(ready: Ready, n: int) -> Load:
    asked = [_chat(DELTAS, _key(ready))]
    return await _closed(ready, asked, n)


async def _first(ready: Ready, times: int) -> float:
    """Seconds to the first content of a streamed answer, in a session that goes on."""
    asked = _chat(SECOND, _key(ready), conversation="session-0", stream=True)
    found: list[float] = []
    for _ in range(times):
        loop, first, over = asyncio.get_running_loop(), list[float](), asyncio.Event()

        def more(data: bytes) -> None:
            if b'"content":"seven' in data:
                first.append(loop.time())  # noqa: B023

        def done(_: Connection, __: bytes) -> None:
            over.set()  # noqa: B023

        async with connections(ready.port, 1, done, more) as (connection,):
            began = loop.time()
            connection.send(asked)
            async with asyncio.timeout(20):
                await over.wait()
        found.append(first[0] - began)
    return statistics.median(found)


async def _closed(ready: Ready, asked: Sequence[bytes], n: int, *, at_once: int = 1) -> Load:
    """The best of several runs: the one that the machine's other work disturbed least."""
    loads = [await closed(ready.port, asked, n, at_once=at_once) for _ in range(RUNS)]
    assert not any(load.failed for load in loads), "the server could not answer"
    return max(loads, key=lambda load: load.rate)


def _key(ready: Ready) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {ready.token}"}


def _chat(text: str, headers: Mapping[str, str] | None = None, **more: object) -> bytes:
    body = {"model": "main", "messages": [{"role": "user", "content": text}], **more}
    return request("POST", "/v1/chat/completions", body, headers)

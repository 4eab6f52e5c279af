"""From a message to the first word on the screen, beside the CLI started for each message and the agent SDK."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import uuid
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from botkit.claude.prompt import user_line
from botkit.model import Conversation
from botkit.testing.model import LoopbackModel
from tests.benchmarks.desk import Desk, claude, opened
from tests.benchmarks.peer import ask_sdk
from tests.benchmarks.rows import Row, median_ms

PROMPT = "!words 12 20ms"
STREAM = ("--output-format=stream-json", "--verbose", "--include-partial-messages", "--setting-sources=")
PAUSE = 1.0
"""Seconds between two messages of a person: what Slack allows, and what lets the CLI put the last turn away."""


@dataclass
class _Times:
    """Seconds, one for each message. `share` is botkit's own part: before the CLI is asked and after its first word."""

    total: list[float] = field(default_factory=list[float])
    share: list[float] = field(default_factory=list[float])
    after_model: list[float] = field(default_factory=list[float])


async def measure(n: int = 12) -> list[Row]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        async with opened(root, spares=1, workers=4) as (desk, _):
            live = await _live(desk, n)
            new = await _new(desk, max(2, n // 2))
        async with LoopbackModel() as model:
            environ, cwd = model.environment(root), root / "work"
            plain = [await _spawned(environ, cwd) for _ in range(n)]
            queries = (await ask_sdk("queries", n, PROMPT, environ, cwd))["first"]
            client = (await ask_sdk("client", n, PROMPT, environ, cwd))["first"]
            new_client = (await ask_sdk("new_clients", max(2, n // 2), PROMPT, environ, cwd))["first"]
            bare = await _thin(environ, cwd, n)
    return _rows(live, new, plain, queries, client, new_client, bare)


async def _live(desk: Desk, n: int) -> _Times:
    """The second and later messages of one thread."""
    where, times = await desk.thread("live"), _Times()
    await _message(desk, where, _Times())
    for _ in range(n):
        await asyncio.sleep(PAUSE)
        await _message(desk, where, times)
    await desk.leave(where)
    return times


async def _new(desk: Desk, n: int) -> _Times:
    """First messages of new threads, each with a spare that is warm."""
    times = _Times()
    for number in range(n):
        where = await desk.thread(f"new{number}")
        await desk.warm(1)
        await asyncio.sleep(PAUSE)
        await _message(desk, where, times)
        await desk.leave(where)
    return times


async def _message(desk: Desk, where: Conversation, times: _Times) -> None:
    desk.requests.clear()
    began = await desk.ask(where, PROMPT)
    posted = await desk.posted(where, began)
    await desk.done()
    times.total.append(posted - began)
    times.share.append(desk.runner.asked[-1] - began + posted - desk.runner.spoken[-1])
    times.after_model.append(posted - desk.requests[0])


async def _spawned(environ: Mapping[str, str], cwd: Path) -> float:
    """`claude -p` for one message."""
    await asyncio.sleep(PAUSE / 4)
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        claude(), "-p", PROMPT, *STREAM, env=dict(environ), cwd=cwd, stdin=DEVNULL, stdout=PIPE
    )
    assert child.stdout is not None
    first = 0.0
    async for line in child.stdout:
        if not first and b'"text_delta"' in line:
            first = time.monotonic()
    await child.wait()
    return first - began


async def _thin(environ: Mapping[str, str], cwd: Path, n: int) -> list[float]:
    """A live CLI with nothing around it: from its line in to its first word out."""
    flags = ("--input-format=stream-json", *STREAM, "--permission-prompt-tool=stdio")
    child = await asyncio.create_subprocess_exec(
        claude(), "-p", *flags, env=dict(environ), cwd=cwd, stdin=PIPE, stdout=PIPE, limit=1024 * 1024
    )
    assert child.stdin is not None
    assert child.stdout is not None
    found: list[float] = []
    for _ in range(n + 1):
        await asyncio.sleep(PAUSE)
        began, first = time.monotonic(), 0.0
        child.stdin.write(user_line(PROMPT, (), (), str(uuid.uuid4())))
        while b'"type":"result"' not in (line := await child.stdout.readline()) and line:
            if not first and b'"text_delta"' in line:
                first = time.monotonic()
        found.append(first - began)
    child.stdin.close()
    await child.wait()
    return found[1:]


def _rows(
    live: _Times,
    new: _Times,
    plain: Sequence[float],
    queries: Sequence[float],
    client: Sequence[float],
    new_client: Sequence[float],
    bare: Sequence[float],
) -> list[Row]:
    now, then = statistics.median(live.total), statistics.median(new.total)

    def beside(seconds: Sequence[float], what: str, own: float, least: float | None = None) -> Row:
        return Row(what, median_ms(seconds), "ms", statistics.median(seconds) / own, least)

    return [
        Row("first word, live session: message in to post out", now * 1000, "ms"),
        beside(plain, "— `claude -p` for each message", now, 15),
        beside(queries, "— agent SDK `query()`", now, 15),
        beside(client, "— agent SDK client, live, nothing posted", now),
        beside(bare, "— the CLI alone, live, read from its pipe: nobody can be faster", now),
        Row("— botkit's own share of it", median_ms(live.share), "ms", most=5),
        Row("— from the model's first byte to the post", median_ms(live.after_model), "ms"),
        Row("first word, new conversation with a warm spare", then * 1000, "ms"),
        beside(plain, "— `claude -p` for each message", then, 3),
        beside(queries, "— agent SDK `query()`", then, 3),
        beside(new_client, "— agent SDK client, connected before", then),
        Row("— botkit's own share of it", median_ms(new.share), "ms", most=5),
    ]

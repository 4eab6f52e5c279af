"""The same work done with claude_agent_sdk, in a process of its own: `python -m tests.benchmarks.sdk WHAT N PROMPT`.

Prints one JSON object with numbers. Its environment is all that its CLI sees.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import msgspec
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, query
from claude_agent_sdk.types import Message, StreamEvent

PAUSE = 0.3
"""Seconds between two questions, so that the CLI has put the first one away."""

Numbers = dict[str, list[float]]


def options(cli: str = "") -> ClaudeAgentOptions:
    """A stub for `cli`; '' is the bundled one."""
    return ClaudeAgentOptions(
        cwd=Path.cwd(), cli_path=cli or None, include_partial_messages=True, setting_sources=[], strict_mcp_config=True
    )


async def queries(times: int, prompt: str) -> Numbers:
    """`query()` for each message: seconds to the first word."""
    found: list[float] = []
    for _ in range(times):
        await asyncio.sleep(PAUSE)
        began = time.monotonic()
        found.append(await _first(query(prompt=prompt, options=options())) - began)
    return {"first": found}


async def client(times: int, prompt: str) -> Numbers:
    """One live `ClaudeSDKClient`: seconds to the first word of its second and later messages."""
    found: list[float] = []
    async with ClaudeSDKClient(options()) as live:
        for _ in range(times + 1):
            await asyncio.sleep(PAUSE)
            began = time.monotonic()
            await live.query(prompt)
            found.append(await _first(live.receive_response()) - began)
    return {"first": found[1:]}


async def new_clients(times: int, prompt: str) -> Numbers:
    """A client connected ahead of need, as botkit's spare is: seconds to the first word of its first message."""
    found: list[float] = []
    for _ in range(times):
        async with ClaudeSDKClient(options()) as live:
            await asyncio.sleep(PAUSE)
            began = time.monotonic()
            await live.query(prompt)
            found.append(await _first(live.receive_response()) - began)
    return {"first": found}


async def parallel(times: int, stub: str) -> Numbers:
    """16 live clients over a stub, each `times` turns: turns a second."""
    clients = [ClaudeSDKClient(options(stub)) for _ in range(16)]
    for each in clients:
        await each.connect()

    async def turns(live: ClaudeSDKClient, count: int) -> None:
        for _ in range(count):
            await live.query("20")
            await _first(live.receive_response())

    await asyncio.gather(*(turns(each, 2) for each in clients))
    began, spent = time.monotonic(), time.process_time()
    await asyncio.gather(*(turns(each, times) for each in clients))
    took, spent = time.monotonic() - began, time.process_time() - spent
    for each in clients:
        await each.disconnect()
    return {"turns": [16 * times / took], "cpu": [spent / (16 * times)]}


async def lines(times: int, stub: str) -> Numbers:
    """One turn of `times` deltas: CPU seconds a line."""
    spent = 0.0
    async with ClaudeSDKClient(options(stub)) as live:
        await live.query("100")
        await _first(live.receive_response())
        spent = time.process_time()
        await live.query(str(times))
        await _first(live.receive_response())
        spent = time.process_time() - spent
    return {"line": [spent / times]}


async def paced(sessions: int, stub: str) -> Numbers:
    """So many sessions at 50 deltas a second for four seconds: the share of a core."""
    clients = [ClaudeSDKClient(options(stub)) for _ in range(sessions)]
    for each in clients:
        await each.connect()

    async def turn(live: ClaudeSDKClient) -> None:
        await live.query("200 0.02")
        await _first(live.receive_response())

    began, spent = time.monotonic(), time.process_time()
    await asyncio.gather(*map(turn, clients))
    share = (time.process_time() - spent) / (time.monotonic() - began)
    for each in clients:
        await each.disconnect()
    return {"share": [share]}


async def _first(messages: AsyncIterator[Message]) -> float:
    """When the first word came; reads on to the end."""
    first = 0.0
    async for message in messages:
        if not first and isinstance(message, StreamEvent) and message.event["type"] == "content_block_delta":
            first = time.monotonic()
    return first


WHAT: dict[str, Callable[[int, str], Coroutine[object, object, Numbers]]] = {
    each.__name__: each for each in (queries, client, new_clients, parallel, lines, paced)
}

if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(WHAT[sys.argv[1]](int(sys.argv[2]), sys.argv[3]))).decode())

"""The event loop that many web servers bring along (`uvicorn[standard]`), instead of asyncio's own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import uvloop

from botkit import Agent
from botkit.events import TextDelta

PATIENCE = 40.0


def children() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}


def test_an_agent_works_on_uvloop_and_leaves_nothing(workdir: Path, elsewhere: dict[str, str]) -> None:
    before = children()

    async def story() -> None:
        async with asyncio.timeout(PATIENCE), Agent(workdir, environ=elsewhere) as agent:
            assert (await agent.chat("My name is Ann.")).text
            assert "My name is Ann." in (await agent.chat("!history")).text
            async for event in (events := agent.stream("!words 2000 20ms")):
                if isinstance(event, TextDelta):
                    break
            groups = {os.getpgid(child.pid) for child in children() - before}
            assert os.getpgid(0) not in groups, "a signal for Claude would reach the program"
            await events.aclose()
            assert (await agent.chat("!say Next.")).text == "Next."

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
    assert children() <= before

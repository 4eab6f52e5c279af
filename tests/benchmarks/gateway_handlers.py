"""Handlers that answer without a CLI, so that the gateway is what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from botkit import turns
from botkit.context import Context
from botkit.events import TextDelta, TurnEvent, TurnFinished
from botkit.routing import Route


async def echo(ctx: Context) -> None:
    """Answers with the message."""
    await ctx.say(ctx.message.text)


async def speak(ctx: Context) -> None:
    """`50 0.02` says what time it is so many times, with so many seconds between them."""
    count, _, pause = ctx.message.text.partition(" ")
    await turns.follow(ctx, _times(int(count), float(pause)))


async def _times(count: int, pause: float) -> AsyncGenerator[TurnEvent]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(count):
        await asyncio.sleep(begun + number * pause - loop.time())
        yield TextDelta(f"@{time.monotonic():.6f} ")
    yield TurnFinished("")


echoing = (Route(echo, kinds=("new",)),)
speaking = (Route(speak, kinds=("new",)),)

"""Middleware with which a test's botkit comes to harm. A message names the trap it steps into."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from botkit.context import Context
from botkit.routing import Handler

BLOCKED = 1.0
"""Seconds for which `block` stops the whole process from doing anything else."""


class Wild(BaseException):
    """What no `except Exception` catches."""


async def traps(ctx: Context, handler: Handler) -> None:
    """Stands wherever the config puts it."""
    match ctx.message.text.split()[-1:]:
        case ["bomb"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["block"]:
            time.sleep(BLOCKED)  # noqa: ASYNC251 (that is the harm)
        case ["raise"]:
            raise LookupError("somebody's own mistake")
        case ["cancelled"]:
            raise asyncio.CancelledError
        case ["wild"]:
            raise Wild
        case ["exit"]:
            raise SystemExit(3)
        case _:
            pass
    await handler(ctx)

"""Says what policy decided at admission: too many messages, or a command for other roles."""

from __future__ import annotations

from botkit.context import Context
from botkit.routing import Handler


async def refusals(ctx: Context, handler: Handler) -> None:
    if ctx.refusal is not None:
        raise ctx.refusal
    await handler(ctx)

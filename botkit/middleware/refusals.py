"""Says what policy decided at admission: too many messages, or a command for other roles."""

from __future__ import annotations

from botkit.context import Context
from botkit.errors import Refused
from botkit.routing import Handler


async def refusals(ctx: Context, handler: Handler) -> None:
    if ctx.refusal:
        raise Refused(ctx.refusal)
    await handler(ctx)

"""One turn at a time in a conversation; urgent routes overtake."""

from __future__ import annotations

from botkit.context import Context
from botkit.routing import Handler


async def lane(ctx: Context, handler: Handler) -> None:
    if ctx.route.urgent:
        await handler(ctx)
        return
    async with ctx.bot.lanes.enter(ctx):
        await handler(ctx)
        # The next turn begins when this answer stands, so that answers appear in the order of the questions.
        await ctx.close()

"""One turn at a time in a conversation; urgent routes overtake."""

from __future__ import annotations

from botkit import turns
from botkit.context import Context
from botkit.routing import Handler


async def lane(ctx: Context, handler: Handler) -> None:
    if ctx.route.urgent:
        await _again(ctx, handler)
        return
    await ctx.bot.lanes.enter(ctx)
    try:
        await _again(ctx, handler)
        if ctx.adapter.messenger.capabilities.ordered:
            await ctx.close()
    finally:
        ctx.bot.lanes.leave(ctx)


async def _again(ctx: Context, handler: Handler) -> None:
    if not ctx.recovered or await turns.retake(ctx):
        await handler(ctx)

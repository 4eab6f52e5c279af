"""One line for every message: who, where, what became of it, how long it took, what it cost."""

from __future__ import annotations

import asyncio
import logging
import time

import structlog

from botkit.context import Context
from botkit.events import TurnFailed
from botkit.routing import Handler


async def log(ctx: Context, handler: Handler) -> None:
    began = time.monotonic()
    structlog.contextvars.bind_contextvars(turn=ctx.turn, bot=ctx.bot.name)
    bound = ctx.bot.logger
    bound.debug("message_text", text=ctx.message.text)
    try:
        await handler(ctx)
    except BaseException as problem:
        cut = isinstance(problem, asyncio.CancelledError)
        _line(bound, ctx, began, "interrupted" if cut else type(problem).__name__)
        raise
    if bound.is_enabled_for(logging.INFO):
        _line(bound, ctx, began, _outcome(ctx))


def _outcome(ctx: Context) -> str:
    if isinstance(ctx.outcome, TurnFailed):
        return f"failed: {ctx.outcome.reason}"
    return "answered" if ctx.outcome else "done"


def _line(bound: structlog.typing.FilteringBoundLogger, ctx: Context, began: float, outcome: str) -> None:
    bound.info(
        "message",
        route=ctx.route.name,
        kind=ctx.message.kind,
        user=ctx.message.author.id,
        conversation=ctx.message.conversation.key,
        session=ctx.session.id if ctx.session else "",
        outcome=outcome,
        seconds=round(time.monotonic() - began, 3),
        **({"problem": ctx.outcome.detail} if isinstance(ctx.outcome, TurnFailed) and ctx.outcome.detail else {}),
        cost=round(ctx.outcome.usage.cost, 6) if ctx.outcome else 0.0,
        recovered=ctx.recovered,
    )

"""The outermost layer: whatever goes wrong inside becomes an outcome that the sender can read."""

from __future__ import annotations

import structlog

from botkit import texts
from botkit.context import Context
from botkit.errors import Refused, RunnerError, StoreError
from botkit.events import TurnFailed
from botkit.lanes import Withdrawn
from botkit.routing import Handler

log = structlog.get_logger("botkit")


async def errors(ctx: Context, handler: Handler) -> None:
    try:
        await handler(ctx)
    except Refused as refusal:
        await ctx.refuse(refusal)
    except Withdrawn as taken_back:
        await ctx.push(TurnFailed("stopped", taken_back.why, aside=taken_back.aside))
    except StoreError as problem:
        log.error("store_failed", turn=ctx.turn, problem=str(problem))
        await ctx.push(TurnFailed("error", texts.STORE_DOWN, retryable=True))
    except RunnerError as problem:
        log.error("runner_failed", turn=ctx.turn, problem=str(problem))
        await ctx.push(TurnFailed("missing", str(problem)))
    except Exception as problem:
        log.exception("handler_failed", turn=ctx.turn, handler=ctx.route.name)
        await ctx.push(TurnFailed("error", type(problem).__name__))

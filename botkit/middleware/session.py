"""Makes sure of the conversation's session: the one it has, or a new one after a long silence."""

from __future__ import annotations

import time
from dataclasses import replace

from botkit.context import Context
from botkit.model import Session
from botkit.routing import Handler

TITLE_CHARS = 60


async def session(ctx: Context, handler: Handler) -> None:
    """`/new` or `/resume` may have run while this message waited in its lane: then admission's session is old."""
    if ctx.route.urgent:
        await handler(ctx)
        return
    if ctx.message.stateless:
        ctx.session, ctx.fresh = await fresh(ctx), True
        await handler(ctx)
        return
    found = ctx.session
    if ctx.waited and not ctx.entry.session:
        found = await ctx.bot.store.session(ctx.conversation_key)
    if found is None or _expired(ctx, found):
        found = await fresh(ctx, _title(ctx), after=found)
    ctx.fresh = found.turns == 0
    if ctx.fresh and (title := _title(ctx)) != found.title:
        found = replace(found, title=title)
    ctx.session = found
    await handler(ctx)


async def fresh(ctx: Context, title: str = "", *, after: Session | None = None) -> Session:
    """A session nobody has used, for the conversation of a message. Its id is ours from the start.

    What was chosen for the conversation, not for the session `after` which this one comes, stays as it was.
    """
    settings, overrides, now = ctx.bot.settings, ctx.message.overrides, time.time()
    alone = ctx.message.stateless
    return Session(
        id=ctx.entry.session or await ctx.bot.runner.reserve(overrides, stateless=alone),
        bot=ctx.bot.name,
        conversation="" if alone else ctx.conversation_key,
        workdir=overrides.workdir or str(settings.workdir),
        owner=ctx.message.author.id,
        created=now,
        used=now,
        model=settings.model,
        mode=settings.mode,
        title=title,
        display=after.display if after is not None else "",
    )


def _title(ctx: Context) -> str:
    return " ".join(ctx.message.text.split())[:TITLE_CHARS]


def _expired(ctx: Context, session: Session) -> bool:
    idle = ctx.bot.settings.session_idle
    return idle > 0 and not ctx.recovered and time.time() - session.used > idle

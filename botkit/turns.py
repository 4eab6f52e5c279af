"""Runs one turn: holds the session, tells the journal before and after, and shows every event as it comes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from botkit import details, texts
from botkit.context import Context
from botkit.errors import Refused
from botkit.events import (
    ApprovalAsked,
    Deny,
    Outcome,
    QuestionAsked,
    RequestClosed,
    TextDelta,
    ToolStarted,
    TurnEvent,
    TurnFailed,
)
from botkit.events import TurnFinished as Finished
from botkit.lanes import Withdrawn
from botkit.model import Entry, Message, Session, Turn

if TYPE_CHECKING:
    from botkit.bot import Bot

SUSPECT = 2
"""Crashes a message was part of until it is tried alone."""


async def run(ctx: Context, prompt: str | Callable[[Context], str]) -> None:
    """Give a prompt to Claude in the context's session and show what happens until the outcome is shown.

    A function that gives the prompt is asked when the turn begins: until then the message may be edited.
    """
    if ctx.session is None:
        raise Refused(texts.NO_SESSION)
    if ctx.recovered and not await _go_on(ctx):
        return
    interrupted, tools = ctx.entry.attempts > 0, ctx.entry.tools
    # Of a stateless session nobody else can know.
    lease = nullcontext(False) if ctx.message.stateless else ctx.bot.leases.hold(ctx, ctx.session.id)
    async with lease as changed:
        session = ctx.session if not changed else await _as_it_is(ctx, ctx.session)
        session = ctx.session = replace(session, used=time.time())
        fresh = ctx.fresh and not ctx.entry.attempts
        await ctx.record.begin(session)
        if ctx.stopping.is_set() or ctx.record.lost:
            raise Withdrawn
        ctx.begun = True
        prompt = prompt if isinstance(prompt, str) else prompt(ctx)
        prompt = texts.interrupted_prompt(prompt, tools) if interrupted else prompt
        turn = Turn(
            ctx.turn,
            ctx.message.conversation,
            ctx.message.author,
            prompt,
            session,
            fresh,
            ctx.uploads,
            stateless=ctx.message.stateless,
            verbatim=ctx.message.verbatim,
            overrides=ctx.message.overrides,
        )
        async with ctx.bot.runner.start(turn) as events:
            await follow(ctx, events)


async def _as_it_is(ctx: Context, session: Session) -> Session:
    """The session as another process may have left it since the message was admitted."""
    found = await ctx.bot.store.find_session(session.id)
    if found is None:
        return session
    ctx.fresh = found.turns == 0
    return replace(found, title=found.title or session.title)


async def follow(ctx: Context, events: AsyncIterator[TurnEvent]) -> None:
    """Show a turn's events, in its log and in its reply, until the outcome."""
    log = ctx.log = ctx.bot.logs.open(ctx.turn, ctx.message, ctx.session.id if ctx.session else "")
    try:
        async for event in events:
            await _show(ctx, event)
    finally:
        await _close_requests(ctx)
        if not log.ended:
            log.append(TurnFailed("interrupted"))


async def take_back(bot: Bot, message: Message, why: str = "") -> None:
    """End the turn of this message, or take it out of its lane; never another's of the same conversation.

    `why` is the detail of its outcome.
    """
    key = message.conversation.key
    if await bot.lanes.withdraw(key, message.id, why):
        return
    running = bot.lanes.running(key)
    if running is not None and running.message.id == message.id:
        running.stopped_why = why
        await bot.stop(message.conversation)


async def unasked(ctx: Context) -> None:
    """The handler of turns that nobody asked for: they are shown as they come."""


async def _close_requests(ctx: Context) -> None:
    for closed in ctx.bot.approvals.forget(ctx):
        await ctx.push(closed)


async def retake(ctx: Context) -> bool:
    """Before a message is tried again that an earlier process left. False: that was too often, and its sender is told.

    What crashes botkit need not be the turn itself: tries that ended before it began count as well. After the second
    crash everything that was there both times is suspect, and suspects are tried one at a time: the third crash then
    counts for the one that was being tried, not for those beside it.
    """
    entry = ctx.entry
    tries = entry.attempts + entry.retaken + (not entry.attempts and entry.retaken > 0)
    if _known(entry) is not None:
        return True
    if tries < ctx.bot.settings.max_attempts:
        if tries >= SUSPECT:
            await ctx.alone()
        await ctx.record.retake()
        return True
    await ctx.push(TurnFailed("gave_up", texts.gave_up(tries)))
    return False


def _known(entry: Entry) -> Outcome | None:
    """How the turn ended, if it did."""
    return entry.finished or entry.failed


async def _go_on(ctx: Context) -> bool:
    """What an earlier process left: show its outcome, or go on with the turn if the policy says so."""
    entry, settings = ctx.entry, ctx.bot.settings
    known = _known(entry)
    if known is not None:
        await ctx.push(known)
        return False
    if entry.attempts and settings.recovery != "continue":
        await ctx.push(TurnFailed("interrupted", texts.ASK_TO_CONTINUE if settings.recovery == "ask" else ""))
        return False
    return True


async def _show(ctx: Context, event: TurnEvent) -> None:
    match event:
        case TextDelta():
            pass  # by far the most are: they need nothing but to be shown
        case ApprovalAsked() | QuestionAsked() if ctx.message.stateless:
            # Whoever called waits for the answer and cannot be asked anything meanwhile.
            await ctx.bot.runner.answer(event.id, Deny(texts.NOBODY_TO_ASK))
        case ApprovalAsked() | QuestionAsked():
            await ctx.record.asks(event.id)
            ctx.bot.approvals.opened(ctx, event)
        case RequestClosed():
            ctx.record.asked(event.id)
            event = ctx.bot.approvals.closed(event)
            if event.rules and ctx.session is not None:
                ctx.session = replace(ctx.session, rules=tuple(dict.fromkeys((*ctx.session.rules, *event.rules))))
        case ToolStarted(name=name, summary=summary):
            ctx.record.tool(f"{name}: {summary}" if summary else name)
        case Finished() | TurnFailed():
            await _close_requests(ctx)
            await details.add(ctx)
            ctx.session = _after(ctx.session, event)
            if ctx.session is not None:
                await ctx.record.conclude(event, ctx.session)
        case _:
            pass
    await ctx.push(event)


def _after(session: Session | None, outcome: Outcome) -> Session | None:
    """The session as the turn leaves it."""
    if session is None:
        return None
    return replace(
        session,
        id=outcome.session or session.id,
        turns=session.turns + 1,
        cost=session.cost + outcome.usage.cost,
        cli_cost=outcome.usage.total or session.cli_cost,
    )

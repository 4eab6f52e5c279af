"""The commands of a conversation: text on every platform, native where the platform has commands."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from botkit import texts
from botkit.context import Context
from botkit.display import LEVELS, is_level
from botkit.errors import Refused
from botkit.middleware.session import fresh
from botkit.model import Session
from botkit.routing import Route

LISTED = 10
_MODEL = re.compile(r"[a-zA-Z0-9][\w.:/@\[\]-]{0,199}")
"""Names, dated ids, `sonnet[1m]`, and the ids and ARNs of cloud providers."""


async def help(ctx: Context) -> None:
    """Lists the commands."""
    await ctx.say(texts.help_text(ctx.prefix, ctx.bot.commands))


async def new(ctx: Context) -> None:
    """Leaves the conversation's session; the next message begins another."""
    session = await ctx.bot.store.session(ctx.conversation_key)
    if session is not None:
        await ctx.bot.runner.park(session.id)
    # The new session is bound at once, so that the bot stays part of the thread; the old one is left by that.
    await ctx.bot.store.save_session(await fresh(ctx, after=session))
    await ctx.say(texts.new_session(ctx.prefix))


async def stop(ctx: Context) -> None:
    """Stops the running turn; `/stop all` also clears the queue."""
    where = ctx.message.conversation
    cleared = await ctx.bot.lanes.clear(where.key) if ctx.message.arguments.lower() == "all" else 0
    current = ctx.bot.lanes.running(where.key)
    running = current is not None and current.outcome is None
    stopped = await ctx.bot.stop(where)
    await ctx.say(texts.stopped(stopped=stopped, running=running, cleared=cleared))


async def status(ctx: Context) -> None:
    """Says what runs here, which session it is and what it has cost."""
    where = ctx.message.conversation
    await ctx.say(
        texts.status(
            await ctx.bot.store.session(ctx.conversation_key),
            running=ctx.bot.lanes.running(where.key) is not None,
            waiting=ctx.bot.lanes.waiting(where.key),
            uptime=time.time() - ctx.bot.started,
        )
    )


async def sessions(ctx: Context) -> None:
    """Lists the sender's sessions, newest first."""
    found = await _mine(ctx)
    await ctx.say(texts.sessions(ctx.prefix, found, here=ctx.conversation_key, now=time.time()))


async def resume(ctx: Context) -> None:
    """Goes on with an earlier session of the sender in this conversation: by its number or the start of its id."""
    wanted = ctx.message.arguments.lower()
    if not wanted:
        raise Refused(texts.resume_which(ctx.prefix))
    found = await _mine(ctx)
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 4 else 0
    session = found[number - 1] if 1 <= number <= len(found) else _by_id(ctx, found, wanted)
    if session.conversation and session.conversation != ctx.conversation_key:
        _, _, place = session.conversation.partition("/")
        if ctx.bot.lanes.running(place) is not None:
            raise Refused(texts.SESSION_BUSY)
    shown = ctx.session.display if ctx.session is not None else ""  # chosen for this place, not for that session
    await ctx.bot.store.save_session(
        replace(session, conversation=ctx.conversation_key, used=time.time(), display=shown)
    )
    await ctx.say(texts.resumed(session))


async def model(ctx: Context) -> None:
    """Shows or changes the model of this conversation's session."""
    session, wanted = await ctx.bot.store.session(ctx.conversation_key), ctx.message.arguments
    offered = ctx.bot.settings.models
    if not wanted:
        await ctx.say(texts.model_now(ctx.prefix, session.model if session else ctx.bot.settings.model, offered))
        return
    if wanted not in offered if offered else not _MODEL.fullmatch(wanted):
        raise Refused(texts.model_unknown(wanted, offered))
    if session is None:
        raise Refused(texts.NO_SESSION_YET)
    await ctx.bot.store.save_session(replace(session, model=wanted))
    await ctx.say(texts.model_changed(wanted))


async def display(ctx: Context) -> None:
    """Shows or changes how much is shown of the turns in this conversation."""
    wanted = ctx.message.arguments.lower()
    if not wanted:
        await ctx.say(texts.display_now(ctx.prefix, ctx.display.level))
        return
    if not is_level(wanted):
        raise Refused(texts.display_unknown(wanted))
    await ctx.bot.store.save_session(replace(ctx.session or await fresh(ctx), display=wanted))
    await ctx.say(texts.display_changed(wanted))


async def mute(ctx: Context) -> None:
    """No more answers in this thread unless the bot is mentioned."""
    await ctx.bot.store.set_mark(f"muted/{ctx.conversation_key}", "1")
    await ctx.say(texts.muted(ctx.prefix))


async def unmute(ctx: Context) -> None:
    """Follow this thread again."""
    await ctx.bot.store.set_mark(f"muted/{ctx.conversation_key}", None)
    await ctx.say(texts.UNMUTED)


async def _mine(ctx: Context) -> list[Session]:
    found = await ctx.bot.store.list_sessions(ctx.bot.name, owner=ctx.message.author.id)
    return [session for session in found if session.turns][:LISTED]


def _by_id(ctx: Context, found: list[Session], wanted: str) -> Session:
    matching = [session for session in found if session.id.startswith(wanted)]
    if len(matching) != 1 or len(wanted) < 4:
        raise Refused(texts.session_unknown(ctx.prefix, wanted))
    return matching[0]


routes = (
    Route(help, commands=("help",), about="this list", urgent=True, limited=False),
    Route(new, commands=("new",), about="begin a new session here"),
    Route(
        stop,
        commands=("stop",),
        usage="[all]",
        about="stop what runs; `all` clears the queue too",
        urgent=True,
        limited=False,
    ),
    Route(status, commands=("status",), about="session, model, cost, queue", urgent=True, limited=False),
    Route(sessions, commands=("sessions",), about="your sessions", urgent=True),
    Route(resume, commands=("resume",), usage="N|ID", about="go on with one of your sessions here"),
    Route(model, commands=("model",), usage="[NAME]", about="show or change the model of this session"),
    Route(display, commands=("display",), usage=f"[{'|'.join(LEVELS)}]", about="how much is shown besides the answer"),
    Route(mute, commands=("mute",), about="stay silent in this thread until mentioned", urgent=True, limited=False),
    Route(unmute, commands=("unmute",), about="follow this thread again", urgent=True, limited=False),
)

"""The small API for scripts: say something as somebody, and get the answer. One session for each user."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiohttp import web
from pydantic import Field

from adapters.http.api.answers import told
from adapters.http.api.chosen import busy
from adapters.http.api.run_shape import as_they_are
from adapters.http.api.text_frames import TextFrames, answer_of
from adapters.http.asking import Question, asked, conversation
from adapters.http.call import Call, http_adapter
from adapters.http.errors import invalid, not_found, of_outcome
from adapters.http.sent_files import SentFile
from adapters.http.sessions import known
from adapters.http.starting import started
from adapters.http.streaming import stream
from adapters.http.wishes import Body, Claude, UserName, chosen, overrides
from botkit.bot import Bot
from botkit.model import Session
from botkit.runs import Run

SOMEBODY = "default"
"""The user of a script that names none."""
PREFIX = "user:"
"""Before a user's id, the name of their session."""


class Said(Body):
    """What somebody says."""

    text: str = Field(min_length=1)
    user_id: UserName = SOMEBODY
    """Whose session goes on."""
    bot: str = ""
    """`bot` or `bot/model`; may be left out where there is one bot."""
    claude: Claude = Claude()


class Reply(Body):
    """The answer."""

    text: str
    user_id: str
    session_id: str
    """For `/session/{id}/history`."""
    cost: float
    """US dollars."""
    files: list[SentFile] = Field(default_factory=list[SentFile])
    """Those that Claude sent."""


async def chat(call: Call) -> web.StreamResponse:
    question, user = _question(call)
    async with asked(call, question) as answer:
        finished = await answer.finished()
    return _json(answer_of(finished, user))


async def chat_stream(call: Call) -> web.StreamResponse:
    question, user = _question(call)
    return await stream(call, question, TextFrames(user, _claude(call).show))


async def chat_async(call: Call) -> web.StreamResponse:
    question, user = _question(call)
    run = await started(call, question)
    return _json({"task_id": run.id, "status": run.status, "user_id": user}, status=202)


async def task(call: Call) -> web.StreamResponse:
    run = await call.gateway.house.store.runs.get(call.part("id"))
    if run is None or run.key != call.key.id:
        raise not_found("task")
    (now,) = await as_they_are(call, [run])
    return _json(_told(now))


async def history(call: Call) -> web.StreamResponse:
    bot, session = await _session(call)
    said = await bot.runner.history(session.id)
    messages = [{"role": each.role, "text": each.text, "at": each.at} for each in said]
    return told({"session_id": session.id, "messages": messages}, hide=bot.redactor)


async def forget(call: Call) -> web.StreamResponse:
    bot, session = await _session(call)
    async with bot.leases.alone(session.id) as ours:
        if not ours or not await bot.runner.forget(session.id):
            raise busy()
        # Nobody's and nowhere: the row stays until its time is over, so that what it cost is still known.
        now = await bot.store.find_session(session.id) or session
        await bot.store.save_session(replace(now, conversation="", owner="", title="", metadata={}))
    return web.Response(status=204)


def _claude(call: Call) -> Claude:
    return call.parsed(Said).claude


def _question(call: Call) -> tuple[Question, str]:
    body = call.parsed(Said)
    bot, adapter, model = chosen(call, body.bot or _only_bot(call), field="bot")
    if body.claude.session:
        raise invalid("claude.session", "here the session is that of user_id")
    wanted = overrides(call, bot, adapter, body.claude, model=model)
    name, leave = f"{PREFIX}{body.user_id}", body.claude.on_disconnect
    return Question(bot, adapter, body.text, name, body.user_id, overrides=wanted, leave=leave), body.user_id


def _only_bot(call: Call) -> str:
    names = [name for name, bot in call.gateway.house.bots.items() if http_adapter(bot) and call.key.scopes.bot(name)]
    if len(names) != 1:
        raise invalid("bot", f"expected one of {', '.join(sorted(names)) or 'none'}")
    return names[0]


async def _session(call: Call) -> tuple[Bot, Session]:
    """The session with the id in the path, or that of the user of this name. Raises HttpError 404."""
    id = call.part("id")
    for name, bot in call.gateway.house.bots.items():
        if http_adapter(bot) is None or not call.key.scopes.bot(name):
            continue
        _, adapter = call.reach(name)
        found = await bot.store.session(f"{name}/{conversation(call, adapter, f'{PREFIX}{id}').key}")
        if found is not None:
            return bot, found
    other = await known(call, id)
    return other.bot, other.session


def _told(run: Run) -> dict[str, object]:
    said: dict[str, object] = {"task_id": run.id, "status": run.status, "user_id": run.user, "created": run.created}
    outcome = run.finished or run.failed
    if outcome is None:
        return said
    problem = of_outcome(outcome)
    said |= {"ended": run.ended, "cost": outcome.usage.cost, "session_id": outcome.session}
    if problem is not None:
        return said | problem.body("native")
    return said | {"text": run.finished.text if run.finished else ""}


def _json(body: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")

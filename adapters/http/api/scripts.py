"""The small API for scripts: say something as somebody, and get the answer. One session for each user."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import Field

from adapters.http.api import sessions
from adapters.http.api.answers import Told, told
from adapters.http.api.run_shape import RunError, as_it_is, shown
from adapters.http.api.text_frames import Reply, TextFrames, reply
from adapters.http.asking import Question, conversation
from adapters.http.call import Call, http_adapter
from adapters.http.endpoint import Endpoint
from adapters.http.errors import invalid, not_found
from adapters.http.sent_files import SentFile
from adapters.http.sessions import Known, known
from adapters.http.starting import finished, refuse_repeats, started, waited
from adapters.http.streaming import stream
from adapters.http.wishes import Body, Claude, UserName, chosen, overrides
from botkit.runs import Run, RunStatus

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


class Begun(Told):
    """A task, as it is now."""

    task_id: str
    status: RunStatus
    user_id: str


class Task(Begun):
    """What became of it; the rest is there once it has ended. Times are Unix seconds."""

    created: float
    ended: float | None
    session_id: str
    """For `/session/{id}/history`."""
    text: str | None
    error: RunError | None
    cost: float
    """US dollars."""
    files: list[SentFile]
    """Those that Claude sent."""


class OneSaid(Told):
    """What one side said. `at` is in Unix seconds."""

    role: Literal["user", "assistant"]
    text: str
    at: float


class SaidBefore(Told):
    """Oldest first."""

    session_id: str
    messages: list[OneSaid]


async def chat(call: Call) -> web.StreamResponse:
    _, answer = await waited(call, _question(call))
    return told(reply(answer, call.user))


async def chat_again(call: Call, run: Run) -> web.StreamResponse:
    return told(reply(finished(call, run), run.user))


async def chat_stream(call: Call) -> web.StreamResponse:
    refuse_repeats(call)
    question = _question(call)
    return await stream(call, question, TextFrames(question.user, call.parsed(Said).claude.show))


async def chat_async(call: Call) -> web.StreamResponse:
    return await begun(call, await started(call, _question(call)))


async def begun(call: Call, run: Run) -> web.StreamResponse:
    del call
    return told(Begun(task_id=run.id, status=run.status, user_id=run.user), status=202)


async def task(call: Call) -> web.StreamResponse:
    run = await call.gateway.house.store.runs.get(call.part("id"))
    if run is None or run.key != call.key.id:
        raise not_found("task")
    return told(_task(await as_it_is(call, run)))


async def history(call: Call) -> web.StreamResponse:
    found = await _known(call)
    said = await found.bot.runner.history(found.session.id)
    messages = [OneSaid(role=each.role, text=each.text, at=each.at) for each in said]
    return told(SaidBefore(session_id=found.session.id, messages=messages), hide=found.bot.redactor)


async def forget(call: Call) -> web.StreamResponse:
    await sessions.forget(await _known(call))
    return web.Response(status=204)


def _question(call: Call) -> Question:
    body = call.parsed(Said)
    bot, adapter, model = chosen(call, body.bot or _only_bot(call), field="bot")
    if body.claude.session:
        raise invalid("claude.session", "here the session is that of user_id")
    wanted = overrides(call, bot, adapter, body.claude, model=model)
    name, leave = f"{PREFIX}{body.user_id}", body.claude.on_disconnect
    return Question(bot, adapter, body.text, name, body.user_id, overrides=wanted, leave=leave)


def _only_bot(call: Call) -> str:
    names = [name for name, bot in call.gateway.house.bots.items() if http_adapter(bot) and call.key.scopes.bot(name)]
    if len(names) != 1:
        raise invalid("bot", f"expected one of {', '.join(sorted(names)) or 'none'}")
    return names[0]


async def _known(call: Call) -> Known:
    """The session of the user of the name in the path, or that with this id. Raises HttpError 404."""
    id = call.part("id")
    for name, bot in call.gateway.house.bots.items():
        if (adapter := http_adapter(bot)) is None or not call.key.scopes.bot(name):
            continue
        found = await bot.store.session(f"{name}/{conversation(call, adapter, f'{PREFIX}{id}').key}")
        if found is not None:
            return await known(call, found.id)
    return await known(call, id)


def _task(run: Run) -> Task:
    now = shown(run)
    return Task(
        task_id=run.id,
        status=run.status,
        user_id=run.user,
        created=run.created,
        ended=run.ended or None,
        session_id=now.session,
        text=now.text,
        error=now.error,
        cost=now.usage.cost if now.usage is not None else 0.0,
        files=now.files,
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/chat",
        chat,
        "Say something, get the answer",
        "chat",
        body=Said,
        answer=Reply,
        counts="run",
        repeatable=True,
        again=chat_again,
    ),
    Endpoint(
        "POST",
        "/chat/stream",
        chat_stream,
        "The same, streamed",
        "chat",
        body=Said,
        media="text/event-stream",
        counts="run",
    ),
    Endpoint(
        "POST",
        "/chat/async",
        chat_async,
        "The same, to be asked for later",
        "chat",
        body=Said,
        answer=Begun,
        status=202,
        counts="run",
        repeatable=True,
        again=begun,
    ),
    Endpoint("GET", "/task/{id}", task, "What became of an async one", "chat", answer=Task),
    Endpoint("GET", "/session/{id}/history", history, "What was said in a user's session", "chat", answer=SaidBefore),
    Endpoint("DELETE", "/session/{id}", forget, "Forget a user's session wholly", "chat", status=204),
)

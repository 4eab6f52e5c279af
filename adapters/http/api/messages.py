"""`POST /api/sessions/{id}/messages`: say something in a session, and wait, watch, or come back later."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from adapters.http.answer_schema import object_schema
from adapters.http.api.answers import Told, told
from adapters.http.api.event_frames import EventFrames
from adapters.http.api.run_shape import RunShown, UsageShown, shown, used
from adapters.http.api.uploads import read_upload
from adapters.http.asking import Question
from adapters.http.call import Call
from adapters.http.endpoint import Endpoint
from adapters.http.errors import invalid
from adapters.http.files import Sent, held, of_base64
from adapters.http.sent_files import SentFile, sent_files
from adapters.http.sessions import Known, known
from adapters.http.starting import finished, refuse_repeats, started, waited
from adapters.http.streaming import stream
from adapters.http.wishes import NOTHING, Body, Claude, Given, UserName, chosen, overrides
from botkit.events import TurnFinished
from botkit.runs import Run


class FileSent(Body):
    """A file with its bytes, or the name of one that was uploaded to the session."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    data: str = ""
    """Base64; "" for an uploaded one."""
    media_type: Annotated[str, Field(max_length=100)] = "application/octet-stream"


class NewMessage(Body):
    """What is said."""

    text: Annotated[str, Field(min_length=1, max_length=10_000_000)]
    mode: Literal["sync", "stream", "async"] = "sync"
    """Wait for the answer; get the events as they come; or get a run, and ask for it later."""
    user: UserName | None = None
    """The end user who says it."""
    files: Annotated[tuple[FileSent, ...], Field(max_length=100)] = ()
    model: str = ""
    system: str = ""
    """Added to the system prompt for this turn."""
    answer_schema: dict[str, Any] | None = None
    """JSON schema of an object: the answer's text is then JSON that fits it."""
    claude: Claude = Claude()
    """What else is asked of Claude; `session` and `project` are the session's own."""
    webhook: Annotated[str, Field(max_length=2000)] = ""
    """With "async": where the outcome is posted."""


class Answered(Told):
    """The answer."""

    turn: str
    session: str
    text: str
    denials: list[str]
    """Tools that were refused."""
    usage: UsageShown
    files: list[SentFile]
    """Those that Claude sent."""


async def say(call: Call) -> web.StreamResponse:
    found, body = await known(call, call.part("id")), call.parsed(NewMessage)
    if body.webhook and body.mode != "async":
        raise invalid("webhook", 'only with mode "async"')
    webhook = call.gateway.webhooks.allowed(body.webhook)
    if body.mode == "stream":
        refuse_repeats(call)
    question = await _question(call, found, body)
    if body.mode == "async":
        return told(shown(await started(call, question, webhook=webhook)), status=202)
    if body.mode == "stream":
        return await stream(call, question, EventFrames(found.bot, found.session.id))
    return await answered(call, question)


async def answered(call: Call, question: Question) -> web.Response:
    """The whole answer, when it is there."""
    return _told(*await waited(call, question))


async def say_again(call: Call, run: Run) -> web.Response:
    if call.parsed(NewMessage).mode == "async":
        return told(shown(run), status=202)
    return await answered_again(call, run)


async def answered_again(call: Call, run: Run) -> web.Response:
    """The answer somebody waited for. Raises HttpError, 409 while it is at work."""
    return _told(run.id, finished(call, run))


def _told(turn: str, answer: TurnFinished) -> web.Response:
    return told(
        Answered(
            turn=turn,
            session=answer.session,
            text=answer.text,
            denials=list(answer.denials),
            usage=used(answer.usage),
            files=sent_files(answer.files),
        )
    )


async def _question(call: Call, found: Known, body: NewMessage) -> Question:
    claude = body.claude
    for field in ("session", "project", "workdir"):
        if getattr(claude, field):
            raise invalid(f"claude.{field}", "a session keeps its own")
    schema = object_schema(body.answer_schema, "answer_schema") if body.answer_schema is not None else NOTHING
    system = Given(body.system, "system")
    if body.model:
        chosen(call, f"{found.bot.name}/{body.model}")
    wanted = overrides(call, found.bot, found.adapter, claude, model=body.model, system=system, schema=schema)
    name = found.name(call.key)
    files = [await _sent(found, each, f"files.{place}") for place, each in enumerate(body.files)]
    return Question(
        found.bot,
        found.adapter,
        body.text,
        name,
        body.user or "",
        files=await held(found.bot, found.adapter, files, found.session.workdir),
        overrides=wanted,
        leave=claude.on_disconnect,
    )


async def _sent(found: Known, file: FileSent, field: str) -> Sent:
    if file.data:
        return of_base64(file.data, file.media_type, f"{field}.data", name=file.name)
    data = await read_upload(found, file.name, field=f"{field}.name")
    return Sent(file.name, file.media_type, data, f"{field}.name")


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/sessions/{id}/messages",
        say,
        "Say something: `mode` is sync, stream (server-sent events) or async (202 with a run)",
        "sessions",
        body=NewMessage,
        answer=Answered,
        counts="run",
        repeatable=True,
        again=say_again,
        also={202: RunShown},
        events=True,
    ),
)

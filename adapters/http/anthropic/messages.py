"""`POST /v1/messages`."""

from __future__ import annotations

import msgspec
from aiohttp import web

from adapters.http.answer_schema import object_schema
from adapters.http.anthropic.frames import Frames, usage
from adapters.http.anthropic.reading import lines
from adapters.http.anthropic.schema import NEUTRAL, MessagesRequest, Refused
from adapters.http.asking import Answer, Question, asked
from adapters.http.call import Call
from adapters.http.errors import invalid
from adapters.http.files import held
from adapters.http.refusing import refuse
from adapters.http.sent_files import extra
from adapters.http.streaming import stream
from adapters.http.transcript import read
from adapters.http.wishes import NOTHING, Claude, Given, chosen, overrides, session_of
from botkit.events import ThinkingDelta


async def messages(call: Call) -> web.StreamResponse:
    body = call.parsed(MessagesRequest)
    claude = _claude(body)
    question = await _question(call, body, claude)
    headers = {"X-Session-Id": question.session} if question.session else {}
    if body.stream:
        frames = Frames(body.model, claude.show, whole=bool(question.overrides.schema), session=bool(question.session))
        return await stream(call, question, frames, headers)
    async with asked(call, question) as answer:
        return await _whole(body, claude, question, answer, headers)


async def _question(call: Call, body: MessagesRequest, claude: Claude) -> Question:
    refuse(body, Refused, NEUTRAL)
    if body.max_tokens and call.key.scopes.max_tokens and body.max_tokens > call.key.scopes.max_tokens:
        raise invalid("max_tokens", f"this API key may ask for {call.key.scopes.max_tokens} tokens at most")
    bot, adapter, model = chosen(call, body.model)
    session = session_of(call, claude=claude.session)
    said = read(lines(body), "messages", alone=bool(session))
    schema = _schema(body)
    wanted = overrides(
        call, bot, adapter, claude, model=model, system=said.system, schema=schema, session=bool(session)
    )
    files = await held(bot, adapter, said.files, wanted.workdir)
    user = (body.metadata.user_id if body.metadata else None) or ""
    return Question(bot, adapter, said.text, session, user, files=files, overrides=wanted, leave=claude.on_disconnect)


def _claude(body: MessagesRequest) -> Claude:
    """What the API's own parameters say of thinking; `claude` says it louder."""
    more: dict[str, object] = {}
    config, thinking = body.output_config, body.thinking
    if thinking is not None and body.claude.thinking is None:
        more["thinking"] = 0 if thinking.type == "disabled" else thinking.budget_tokens
        if thinking.type != "disabled" and thinking.display != "omitted":
            more["show"] = tuple(dict.fromkeys((*body.claude.show, "thinking")))
    if config is not None and config.effort is not None and body.claude.effort is None:
        more["effort"] = config.effort
    return body.claude.model_copy(update=more)


def _schema(body: MessagesRequest) -> Given:
    if body.output_config is not None and body.output_config.format is not None:
        return object_schema(body.output_config.format.schema_, "output_config.format.schema")
    if body.output_format is not None:
        return object_schema(body.output_format.schema_, "output_format.schema")
    return NOTHING


async def _whole(
    body: MessagesRequest, claude: Claude, question: Question, answer: Answer, headers: dict[str, str]
) -> web.Response:
    thoughts: list[str] = []
    async for batch in answer.batches():
        if "thinking" in claude.show:
            thoughts += [event.text for event in batch if isinstance(event, ThinkingDelta) and not event.parent]
    finished = answer.answered()
    content: list[dict[str, object]] = [{"type": "text", "text": finished.text}]
    if thoughts:
        content.insert(0, {"type": "thinking", "thinking": "".join(thoughts), "signature": ""})
    files = extra(finished.files, session=bool(question.session))
    said = {
        "id": f"msg_{answer.turn}",
        "type": "message",
        "role": "assistant",
        "model": body.model,
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage(finished.usage),
        **({"claude": files} if files else {}),
    }
    return web.Response(body=msgspec.json.encode(said), content_type="application/json", headers=headers)

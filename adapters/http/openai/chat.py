"""`POST /v1/chat/completions`."""

from __future__ import annotations

import msgspec
from aiohttp import web

from adapters.http.answer_schema import ANY_OBJECT, object_schema
from adapters.http.asking import Answer, Question, asked
from adapters.http.call import Call
from adapters.http.errors import invalid
from adapters.http.extension import extension
from adapters.http.files import held
from adapters.http.openai.chunks import Chunks, usage
from adapters.http.openai.reading import lines
from adapters.http.openai.schema import NEUTRAL, ChatRequest, Refused, ResponseFormat
from adapters.http.refusing import refuse
from adapters.http.sent_files import extra
from adapters.http.streaming import stream
from adapters.http.transcript import read
from adapters.http.wishes import NOTHING, Given, chosen, overrides, session_of
from botkit.events import ThinkingDelta


async def chat(call: Call) -> web.StreamResponse:
    body = call.parsed(ChatRequest)
    question = await _question(call, body)
    headers = {"X-Session-Id": question.session} if question.session else {}
    if body.stream:
        with_usage = body.stream_options is not None and body.stream_options.include_usage
        chunks = Chunks(
            call,
            body.model,
            body.claude.show,
            usage=with_usage,
            whole=bool(question.overrides.schema),
            session=bool(question.session),
        )
        return await stream(call, question, chunks, headers)
    async with asked(call, question) as answer:
        return await _whole(call, body, question, answer, headers)


async def _question(call: Call, body: ChatRequest) -> Question:
    _check(call, body)
    bot, adapter, model = chosen(call, body.model)
    session = session_of(call, claude=body.claude.session, conversation=body.conversation)
    said = read(lines(body.messages), "messages", alone=bool(session))
    claude = body.claude
    if body.reasoning_effort is not None and claude.effort is None and claude.thinking is None:
        quiet = body.reasoning_effort == "none"
        claude = claude.model_copy(update={"thinking": 0} if quiet else {"effort": body.reasoning_effort})
    schema = _schema(body.response_format)
    wanted = overrides(
        call, bot, adapter, claude, model=model, system=said.system, schema=schema, session=bool(session)
    )
    return Question(
        bot,
        adapter,
        said.text,
        session,
        body.user or "",
        files=await held(bot, adapter, said.files, wanted.workdir),
        overrides=wanted,
        leave=claude.on_disconnect,
    )


def _check(call: Call, body: ChatRequest) -> None:
    refuse(body, Refused, NEUTRAL)
    asked_for, most = body.max_completion_tokens or body.max_tokens or 0, call.key.scopes.max_tokens
    if most and asked_for > most:
        field = "max_completion_tokens" if body.max_completion_tokens else "max_tokens"
        raise invalid(field, f"this API key may ask for {most} tokens at most")


def _schema(wanted: ResponseFormat | None) -> Given:
    if wanted is None or wanted.type == "text":
        return NOTHING
    if wanted.type == "json_object":
        return ANY_OBJECT
    schema = wanted.json_schema.schema_ if wanted.json_schema is not None else None
    return object_schema(schema, "response_format.json_schema.schema")


async def _whole(
    call: Call, body: ChatRequest, question: Question, answer: Answer, headers: dict[str, str]
) -> web.Response:
    thoughts: list[str] = []
    shown: list[dict[str, object]] = []
    async for batch in answer.batches():
        for event in batch:
            if isinstance(event, ThinkingDelta) and not event.parent and "thinking" in body.claude.show:
                thoughts.append(event.text)
            elif "tools" in body.claude.show and (tool := extension(event)):
                shown.append(tool)
    finished = answer.answered()
    message: dict[str, object] = {"role": "assistant", "content": finished.text, "refusal": None}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    beside: dict[str, object] = {"cost": finished.usage.cost, "denials": finished.denials}
    beside |= {**({"tools": shown} if shown else {}), **extra(finished.files, session=bool(question.session))}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    said = {
        "id": f"chatcmpl-{answer.turn}",
        "object": "chat.completion",
        "created": call.created,
        "model": body.model,
        "choices": [choice],
        "usage": usage(finished.usage),
        "claude": beside,
    }
    return web.Response(body=msgspec.json.encode(said), content_type="application/json", headers=headers)

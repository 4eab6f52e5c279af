"""`POST /v1/responses`."""

from __future__ import annotations

import msgspec
from aiohttp import web

from adapters.http.answer_schema import ANY_OBJECT, object_schema
from adapters.http.asking import Question, asked
from adapters.http.call import Call
from adapters.http.errors import invalid
from adapters.http.files import Sent, held, of_url
from adapters.http.openai.chain import Chain, chain
from adapters.http.openai.reading import of_file
from adapters.http.openai.response_frames import ResponseFrames
from adapters.http.openai.responses_schema import (
    InputFile,
    InputImage,
    InputMessage,
    InputRefusal,
    InputText,
    RefusedHere,
    ResponsesRequest,
)
from adapters.http.refusing import Neutral, refuse
from adapters.http.streaming import stream
from adapters.http.transcript import Line, read
from adapters.http.wishes import NOTHING, Claude, Given, chosen, overrides

NEUTRAL: Neutral = {
    "tools": ((),),
    "tool_choice": ("none", "auto"),
    "top_logprobs": (0,),
    "background": (False,),
}


async def responses(call: Call) -> web.StreamResponse:
    body = call.parsed(ResponsesRequest)
    _check(call, body)
    bot, adapter, model = chosen(call, body.model)
    place = await chain(call, body, bot, adapter)
    said = read(_lines(body), "input", alone=bool(place.session))
    claude, schema = _claude(body), _schema(body)
    wanted = overrides(
        call, bot, adapter, claude, model=model, system=said.system, schema=schema, session=bool(place.session)
    )
    files = await held(bot, adapter, said.files, wanted.workdir)
    user, leave = body.user or "", claude.on_disconnect
    question = Question(bot, adapter, said.text, place.session, user, files=files, overrides=wanted, leave=leave)
    return await _answer(call, body, question, place)


async def _answer(call: Call, body: ResponsesRequest, question: Question, place: Chain) -> web.StreamResponse:
    headers = {"X-Session-Id": place.session} if place.session else {}
    frames = ResponseFrames(call, body, place, whole=bool(question.overrides.schema))
    if body.stream:
        return await stream(call, question, frames, headers)
    async with asked(call, question) as answer:
        finished = await answer.finished()
        said = frames.response(answer.turn, "completed", finished)
    return web.Response(body=msgspec.json.encode(said), content_type="application/json", headers=headers)


def _check(call: Call, body: ResponsesRequest) -> None:
    refuse(body, RefusedHere, NEUTRAL)
    most = call.key.scopes.max_tokens
    if most and (body.max_output_tokens or 0) > most:
        raise invalid("max_output_tokens", f"this API key may ask for {most} tokens at most")


def _claude(body: ResponsesRequest) -> Claude:
    effort = body.reasoning.effort if body.reasoning is not None else None
    if effort is None or body.claude.effort is not None or body.claude.thinking is not None:
        return body.claude
    return body.claude.model_copy(update={"thinking": 0} if effort == "none" else {"effort": effort})


def _schema(body: ResponsesRequest) -> Given:
    wanted = body.text.format if body.text is not None else None
    if wanted is None or wanted.type == "text":
        return NOTHING
    return ANY_OBJECT if wanted.type == "json_object" else object_schema(wanted.schema_, "text.format.schema")


def _lines(body: ResponsesRequest) -> list[Line]:
    system = [Line("system", body.instructions, "instructions")] if body.instructions else []
    if isinstance(body.input, str):
        return [*system, Line("user", body.input, "input")]
    return [*system, *(_line(item, f"input.{number}.content") for number, item in enumerate(body.input))]


def _line(item: InputMessage, field: str) -> Line:
    role = "system" if item.role == "developer" else item.role
    if isinstance(item.content, str):
        return Line(role, item.content, field)
    texts: list[str] = []
    files: list[Sent] = []
    for place, part in enumerate(item.content):
        match part:
            case InputText(text=text) | InputRefusal(refusal=text):
                texts.append(text)
            case InputImage(image_url=url):
                files.append(of_url(url, f"{field}.{place}.image_url"))
            case InputFile(file_data=data, filename=name):
                files.append(of_file(data, name, f"{field}.{place}.file_data"))
    return Line(role, "\n\n".join(texts), field, tuple(files))

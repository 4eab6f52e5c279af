"""OpenAI's own Python client talks to the gateway."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
from pydantic import BaseModel

from tests.adapters.http.desk import PATIENCE, Desk

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
async def client(gateway: Desk) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=gateway.v1, api_key=gateway.token, max_retries=0, timeout=PATIENCE) as client:
        yield client


async def collect(stream: AsyncIterator[ChatCompletionChunk], seen: list[ChatCompletionChunk]) -> None:
    async for chunk in stream:
        seen.append(chunk)


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


async def test_the_models_are_each_bot_and_each_of_its_models(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["main", "main/claude-haiku-4-5"]


async def test_a_completion_holds_the_answer_and_what_it_took(client: AsyncOpenAI, gateway: Desk) -> None:
    said = await client.chat.completions.create(model="main", messages=user("!say hello"))
    assert said.choices[0].message.content == "hello"
    assert said.choices[0].finish_reason == "stop"
    assert said.model == "main"
    assert said.usage is not None
    assert said.usage.prompt_tokens > 0
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens
    (record,) = await gateway.records()
    assert (record.bot, record.status, record.error, record.endpoint) == (
        "main",
        200,
        "",
        "POST /v1/chat/completions",
    )
    assert record.output_tokens == said.usage.completion_tokens


async def test_a_stream_grows_word_by_word_and_ends_with_its_usage(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="main", messages=user("!words 5 100ms"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(pieces) == "word1 word2 word3 word4 word5"
    assert len(pieces) > 1
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


async def test_system_messages_become_part_of_the_system_prompt(client: AsyncOpenAI, gateway: Desk) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Answer like a pirate."},
        {"role": "developer", "content": "Be short."},
        *user("!say arr"),
    ]
    await client.chat.completions.create(model="main", messages=messages)
    system = json.dumps(gateway.model.requests[-1]["system"])
    assert "Answer like a pirate." in system
    assert "Be short." in system


async def test_what_was_said_before_stands_ahead_of_the_question(client: AsyncOpenAI, gateway: Desk) -> None:
    messages: list[ChatCompletionMessageParam] = [
        *user("My cat is called Mio."),
        {"role": "assistant", "content": "A fine name."},
        *user("What is my cat called?"),
    ]
    await client.chat.completions.create(model="main", messages=messages)
    prompt = gateway.model.asks[-1].prompt
    order = [prompt.index(part) for part in ("My cat is called Mio.", "A fine name.", "What is my cat called?")]
    assert order == sorted(order)


async def test_nothing_of_one_call_is_known_to_the_next(client: AsyncOpenAI, gateway: Desk) -> None:
    await client.chat.completions.create(model="main", messages=user("the password is hunter22"))
    said = await client.chat.completions.create(model="main", messages=user("!history"))
    assert "hunter22" not in (said.choices[0].message.content or "")
    assert "hunter22" not in json.dumps(gateway.model.requests[-1])
    assert await gateway.application.store.list_sessions("main") == []


async def test_a_session_goes_on_without_being_sent_again(client: AsyncOpenAI) -> None:
    for header in ({"X-Session-Id": "trip-1"},):
        await client.chat.completions.create(model="main", messages=user("remember the plum"), extra_headers=header)
        said = await client.chat.completions.with_raw_response.create(
            model="main", messages=user("!history"), extra_headers=header
        )
        assert said.headers["X-Session-Id"] == "trip-1"
        assert "remember the plum" in (said.parse().choices[0].message.content or "")
    named = await client.chat.completions.create(
        model="main", messages=user("!history"), extra_body={"claude": {"session": "trip-1"}}
    )
    assert "remember the plum" in (named.choices[0].message.content or "")


async def test_a_session_belongs_to_the_key_that_began_it(client: AsyncOpenAI, gateway: Desk) -> None:
    header = {"X-Session-Id": "same"}
    await client.chat.completions.create(model="main", messages=user("remember the plum"), extra_headers=header)
    async with AsyncOpenAI(base_url=gateway.v1, api_key=await gateway.key(), timeout=PATIENCE) as other:
        said = await other.chat.completions.create(model="main", messages=user("!history"), extra_headers=header)
    assert "plum" not in (said.choices[0].message.content or "")


async def test_an_image_is_shown_to_claude(client: AsyncOpenAI, gateway: Desk) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    await client.chat.completions.create(
        model="main",
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}],
            }
        ],
    )
    assert gateway.model.asks[-1].images == 1
    assert not [path for path in await asyncio.to_thread(gateway.files) if path.suffix == ".png"]


async def test_a_file_lies_in_the_workdir_while_its_turn_runs(client: AsyncOpenAI, gateway: Desk) -> None:
    data = base64.b64encode(b"the secret word is plum").decode()
    said = await client.chat.completions.create(
        model="main",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "!echo"},
                    {"type": "file", "file": {"filename": "notes.txt", "file_data": f"data:text/plain;base64,{data}"}},
                ],
            }
        ],
    )
    content = said.choices[0].message.content or ""
    assert "notes.txt" in content
    assert str(gateway.workdir) in content
    assert not [path for path in await asyncio.to_thread(gateway.files) if "notes" in path.name]


class Weather(BaseModel):
    city: str
    degrees: int


async def test_an_answer_follows_the_schema_it_was_asked_for(client: AsyncOpenAI) -> None:
    said = await client.chat.completions.parse(
        model="main",
        messages=user('!say Let me look.\n!tool StructuredOutput {"city": "Rome", "degrees": 30}'),
        response_format=Weather,
    )
    assert said.choices[0].message.parsed == Weather(city="Rome", degrees=30)


async def test_an_answer_that_does_not_follow_its_schema_is_an_error_and_how_it_is_made_is_not_shown(
    client: AsyncOpenAI,
) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="I would rather not") as caught:
        await client.chat.completions.parse(
            model="main", messages=user("!say I would rather not."), response_format=Weather
        )
    assert caught.value.code == "schema_not_followed"
    said = await client.chat.completions.parse(
        model="main",
        messages=user('!tool StructuredOutput {"city": "Rome", "degrees": 30}'),
        response_format=Weather,
        extra_body={"claude": {"show": ["tools"]}},
    )
    assert "tools" not in (said.model_extra or {})["claude"]


async def test_a_streamed_answer_by_a_schema_is_json_alone(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="main",
        messages=user('!say Let me look.\n!tool StructuredOutput {"city": "Rome", "degrees": 30}'),
        stream=True,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "weather", "schema": Weather.model_json_schema(), "strict": True},
        },
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert Weather.model_validate_json(text) == Weather(city="Rome", degrees=30)


async def test_thinking_and_tools_are_shown_when_asked_for(client: AsyncOpenAI, gateway: Desk) -> None:
    await asyncio.to_thread((gateway.workdir / "here.txt").write_text, "plum")
    stream = await client.chat.completions.create(
        model="main",
        messages=user(f'!think Hmm.\n!tool Read {{"file_path": "{gateway.workdir}/here.txt"}}\n!say done'),
        stream=True,
        extra_body={"claude": {"show": ["thinking", "tools"]}},
    )
    chunks = [chunk async for chunk in stream]
    thoughts = "".join(
        (chunk.choices[0].delta.model_extra or {}).get("reasoning_content", "") for chunk in chunks if chunk.choices
    )
    shown = [extra for chunk in chunks if (extra := (chunk.model_extra or {}).get("claude"))]
    assert thoughts.startswith("Hmm.")
    assert [event["type"] for event in shown] == ["tool_started", "tool_finished"]
    assert shown[0]["name"] == "Read"
    assert shown[1]["ok"] is True


async def test_what_would_need_a_person_is_denied_at_once(client: AsyncOpenAI, gateway: Desk) -> None:
    said = await client.chat.completions.create(
        model="main", messages=user('!tool Bash {"command": "touch made.txt"}\n!result')
    )
    assert "Nobody can be asked during this call" in (said.choices[0].message.content or "")
    assert not await asyncio.to_thread((gateway.workdir / "made.txt").exists)


async def test_a_failed_turn_is_an_error_and_never_an_answer(client: AsyncOpenAI, gateway: Desk) -> None:
    with pytest.raises(openai.APIStatusError) as failed:
        await client.chat.completions.create(model="main", messages=user("!status 400"))
    assert failed.value.status_code == 502
    assert failed.value.code == "model_unavailable"
    (record,) = await gateway.records()
    assert (record.status, record.error) == (502, "model_unavailable")


async def test_a_stream_that_breaks_ends_with_an_error(client: AsyncOpenAI, gateway: Desk) -> None:
    stream = await client.chat.completions.create(
        model="main", messages=user("!words 3 20ms\n!status 400"), stream=True
    )
    seen: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError) as failed:
        await collect(stream, seen)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen).startswith("word1")
    assert all(chunk.choices[0].finish_reason is None for chunk in seen)
    assert failed.value.code == "model_unavailable"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"n": 2}, "n"),
        ({"stop": ["x"]}, "stop"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"extra_body": {"surprise": 1}}, "surprise"),
        ({"extra_body": {"claude": {"sessions": "x"}}}, "claude.sessions"),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(client: AsyncOpenAI, more: dict[str, Any], field: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="main", messages=user("hi"), **more)
    assert refused.value.param == field


async def test_calls_of_tools_in_what_was_said_before_may_be_anything(gateway: Desk) -> None:
    for call in ({"function": {"name": "look"}}, {"function": None}, {"id": "1", "type": "custom"}):
        said = [{"role": "assistant", "tool_calls": [call]}, *user("!echo")]
        assert (await post(gateway, {"messages": said}))[0] == 200
    wrong = [{"role": "assistant", "tool_calls": [{"function": "look"}]}, *user("hi")]
    status, body = await post(gateway, {"messages": wrong})
    assert (status, body["error"]["param"]) == (400, "messages.0.tool_calls.0.function")


@pytest.mark.parametrize("text", ["a" * 200_000, "zero \0 byte"])
async def test_instructions_that_no_session_can_be_started_with_are_refused(gateway: Desk, text: str) -> None:
    said = {"messages": [{"role": "system", "content": text}, *user("!say hi")]}
    assert (await post(gateway, said))[0] == 200
    status, body = await post(gateway, {**said, "conversation": "room"})
    assert (status, body["error"]["param"]) == (400, "messages.0.content")


async def post(gateway: Desk, body: dict[str, Any]) -> tuple[int, Any]:
    """What no client of OpenAI's would send."""
    headers, url = {"Authorization": f"Bearer {gateway.token}"}, f"{gateway.v1}/chat/completions"
    async with gateway.http.post(url, json={"model": "main", **body}, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_what_claude_has_no_setting_for_is_ignored(client: AsyncOpenAI) -> None:
    said = await client.chat.completions.create(
        model="main", messages=user("!say ok"), temperature=0.1, top_p=0.5, seed=1, max_tokens=5, n=1
    )
    assert said.choices[0].message.content == "ok"


async def test_unknown_models_and_keys_are_told_in_openais_words(client: AsyncOpenAI, gateway: Desk) -> None:
    for model in ("other", "main/other", "main/claude-haiku-4-5/x"):
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(model=model, messages=user("hi"))
        assert unknown.value.param == "model"
    async with AsyncOpenAI(base_url=gateway.v1, api_key="bk_wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.chat.completions.create(model="main", messages=user("hi"))
    assert not gateway.model.requests


async def test_another_model_of_the_bot_may_be_asked(client: AsyncOpenAI, gateway: Desk) -> None:
    await client.chat.completions.create(model="main/claude-haiku-4-5", messages=user("!say ok"))
    assert gateway.model.asks[-1].model == "claude-haiku-4-5"


async def test_a_slash_or_a_file_in_the_text_is_text(client: AsyncOpenAI, gateway: Desk) -> None:
    for text in ("/new please", "!stop it", "@/etc/passwd", "--resume=x"):
        said = await client.chat.completions.create(model="main", messages=user(text))
        assert "You said:" in (said.choices[0].message.content or "")
        assert "root:" not in gateway.model.asks[-1].prompt


async def test_a_session_takes_another_model_and_instructions_for_one_turn(client: AsyncOpenAI, gateway: Desk) -> None:
    header = {"X-Session-Id": "trip-1"}
    await client.chat.completions.create(model="main", messages=user("remember the plum"), extra_headers=header)
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": "Like a pirate."}, *user("!history")]
    said = await client.chat.completions.create(model="main/claude-haiku-4-5", messages=messages, extra_headers=header)
    assert "remember the plum" in (said.choices[0].message.content or "")
    assert gateway.model.asks[-1].model == "claude-haiku-4-5"
    assert "Like a pirate." in json.dumps(gateway.model.requests[-1]["system"])
    await client.chat.completions.create(model="main", messages=user("!say ok"), extra_headers=header)
    assert "pirate" not in json.dumps(gateway.model.requests[-1]["system"])

"""Anthropic's own Python client talks to the gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam, TextBlock, ThinkingBlock

from tests.adapters.http.desk import PATIENCE, Desk


@pytest.fixture
async def client(gateway: Desk) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=gateway.url, api_key=gateway.token, max_retries=0, timeout=PATIENCE) as client:
        yield client


def user(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


async def test_a_message_is_answered_with_its_usage(client: AsyncAnthropic) -> None:
    said = await client.messages.create(model="main", max_tokens=100, messages=user("!say hello"))
    assert [block.text for block in said.content if isinstance(block, TextBlock)] == ["hello"]
    assert said.stop_reason == "end_turn"
    assert said.usage.input_tokens > 0
    assert said.usage.output_tokens > 0


async def test_a_stream_grows_and_comes_to_the_same_message(client: AsyncAnthropic) -> None:
    async with client.messages.stream(model="main", max_tokens=100, messages=user("!words 4 100ms")) as stream:
        pieces = [text async for text in stream.text_stream]
        whole = await stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == "word1 word2 word3 word4"
    assert [block.text for block in whole.content if isinstance(block, TextBlock)] == ["word1 word2 word3 word4"]
    assert whole.usage.output_tokens > 0


async def test_thinking_is_a_block_of_its_own_when_it_is_asked_for(client: AsyncAnthropic) -> None:
    async with client.messages.stream(
        model="main",
        max_tokens=4096,
        messages=user("!think Hmm, well.\n!say done"),
        thinking={"type": "enabled", "budget_tokens": 2048},
    ) as stream:
        whole = await stream.get_final_message()
    thinking, text = whole.content
    assert isinstance(thinking, ThinkingBlock)
    assert thinking.thinking == "Hmm, well."
    assert isinstance(text, TextBlock)
    assert text.text == "done"


async def test_the_system_prompt_and_what_was_said_before_reach_claude(client: AsyncAnthropic, gateway: Desk) -> None:
    messages: list[MessageParam] = [
        *user("My cat is called Mio."),
        {"role": "assistant", "content": [{"type": "text", "text": "A fine name."}]},
        *user("And now?"),
    ]
    await client.messages.create(model="main", max_tokens=100, system="Answer like a pirate.", messages=messages)
    assert "Answer like a pirate." in json.dumps(gateway.model.requests[-1]["system"])
    prompt = gateway.model.asks[-1].prompt
    assert prompt.index("My cat is called Mio.") < prompt.index("A fine name.") < prompt.index("And now?")


async def test_a_session_goes_on_without_being_sent_again(client: AsyncAnthropic) -> None:
    header = {"X-Session-Id": "trip-1"}
    await client.messages.create(model="main", max_tokens=9, messages=user("remember the plum"), extra_headers=header)
    said = await client.messages.create(model="main", max_tokens=9, messages=user("!history"), extra_headers=header)
    assert "remember the plum" in said.content[0].to_json()


async def test_errors_come_in_anthropics_shape(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await client.messages.create(model="other", max_tokens=9, messages=user("hi"))
    assert unknown.value.response.json()["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError, match="tools"):
        await client.messages.create(
            model="main", max_tokens=9, messages=user("hi"), tools=[{"name": "f", "input_schema": {"type": "object"}}]
        )


async def drain(client: AsyncAnthropic, seen: list[str]) -> None:
    async with client.messages.stream(
        model="main", max_tokens=9, messages=user("!words 3 20ms\n!status 400")
    ) as stream:
        async for event in stream:
            seen.append(event.type)


async def test_a_stream_that_breaks_ends_with_an_error(client: AsyncAnthropic) -> None:
    seen: list[str] = []
    with pytest.raises(anthropic.APIStatusError):
        await drain(client, seen)
    assert "content_block_delta" in seen
    assert "message_stop" not in seen

"""OpenAI's responses: chains that go on by the last response's id."""

from __future__ import annotations

from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import ResponseCompletedEvent, ResponseFailedEvent, ResponseTextDeltaEvent

from tests.adapters.http.desk import PATIENCE, Desk


@pytest.fixture
async def client(gateway: Desk) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=gateway.v1, api_key=gateway.token, max_retries=0, timeout=PATIENCE) as client:
        yield client


async def test_a_response_goes_on_from_the_one_before(client: AsyncOpenAI) -> None:
    first = await client.responses.create(model="main", input="remember the plum", instructions="Be short.")
    assert first.output_text.startswith("You said: remember the plum")
    second = await client.responses.create(model="main", input="!history", previous_response_id=first.id)
    assert "remember the plum" in second.output_text
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert second.usage.total_tokens > 0
    with pytest.raises(openai.BadRequestError) as late:
        await client.responses.create(model="main", input="again", previous_response_id=first.id)
    assert late.value.param == "previous_response_id"


async def test_nobody_goes_on_from_what_is_not_theirs_or_was_not_stored(client: AsyncOpenAI, gateway: Desk) -> None:
    mine = await client.responses.create(model="main", input="hello")
    passing = await client.responses.create(model="main", input="hello", store=False)
    async with AsyncOpenAI(base_url=gateway.v1, api_key=await gateway.key(), max_retries=0) as other:
        with pytest.raises(openai.NotFoundError):
            await other.responses.create(model="main", input="!history", previous_response_id=mine.id)
    for unknown in (passing.id, "resp_1_nothing", "resp_x"):
        with pytest.raises(openai.NotFoundError) as missing:
            await client.responses.create(model="main", input="go on", previous_response_id=unknown)
        assert missing.value.code == "previous_response_not_found"


async def test_a_response_streams_its_events_in_order(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(model="main", input="!words 4 100ms", stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:4]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    pieces = [event.delta for event in events if isinstance(event, ResponseTextDeltaEvent)]
    assert "".join(pieces) == "word1 word2 word3 word4"
    last = events[-1]
    assert isinstance(last, ResponseCompletedEvent)
    assert last.response.output_text == "word1 word2 word3 word4"


async def test_a_stream_that_breaks_ends_as_failed(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(model="main", input="!words 3 20ms\n!status 400", stream=True)
    last = [event async for event in stream][-1]
    assert isinstance(last, ResponseFailedEvent)
    assert last.response.status == "failed"
    assert last.response.error is not None


async def test_what_is_not_supported_is_refused_by_name(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model="main", input="hi", tools=[{"type": "web_search"}])
    assert refused.value.param == "tools"
    with pytest.raises(openai.BadRequestError) as unknown:
        await client.responses.create(
            model="main", input=[{"type": "function_call_output", "call_id": "x", "output": "y"}]
        )
    assert (unknown.value.param or "").startswith("input")

"""Programs get the files that Claude sends, whichever API they use."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from openai.types.responses import ResponseCompletedEvent

from tests.adapters.http.desk import PATIENCE, Desk
from tests.adapters.http.program import Program, program

ASK = '!tool mcp__botkit__send_file {"path": "report.txt", "caption": "Look"}\n!say There it is.'
CONTENT = b"plum pie"


@pytest.fixture
async def me(gateway: Desk) -> Program:
    await asyncio.to_thread((gateway.workdir / "report.txt").write_bytes, CONTENT)
    return await program(gateway)


def said(told: Any) -> dict[str, Any]:
    """The one file, but for what says where it is."""
    (file,) = told["files"]
    assert (file["name"], file["caption"], file["size"], file["media_type"]) == (
        "report.txt",
        "Look",
        len(CONTENT),
        "text/plain",
    )
    return dict(file)


async def fetched(me: Program, file: dict[str, Any]) -> bytes:
    async with me.http.get(me.url + file["url"], headers={"Authorization": f"Bearer {me.token}"}) as answer:
        assert answer.status == 200
        return await answer.read()


async def test_openais_client_gets_them_whole_and_streamed(me: Program, gateway: Desk) -> None:
    async with AsyncOpenAI(base_url=gateway.v1, api_key=me.token, max_retries=0, timeout=PATIENCE) as client:
        whole = await client.chat.completions.create(
            model="main", messages=[{"role": "user", "content": ASK}], extra_headers={"X-Session-Id": "room"}
        )
        assert whole.choices[0].message.content == "There it is."
        assert await fetched(me, said((whole.model_extra or {})["claude"])) == CONTENT
        stream = await client.chat.completions.create(
            model="main", messages=[{"role": "user", "content": ASK}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "There it is."
    (told,) = [extra for chunk in chunks if (extra := (chunk.model_extra or {}).get("claude"))]
    assert base64.b64decode(said(told)["data"]) == CONTENT
    assert [path.name for path in await asyncio.to_thread(gateway.files) if path.name.startswith("sent-")] == [
        whole.to_dict()["claude"]["files"][0]["url"].rpartition("/")[2]  # type: ignore[index]
    ], "nothing is kept of the call without a session"


async def test_responses_have_them_beside_the_output(me: Program, gateway: Desk) -> None:
    async with AsyncOpenAI(base_url=gateway.v1, api_key=me.token, max_retries=0, timeout=PATIENCE) as client:
        whole = await client.responses.create(model="main", input=ASK)
        assert whole.output_text == "There it is."
        assert await fetched(me, said((whole.model_extra or {})["claude"])) == CONTENT
        stream = await client.responses.create(model="main", input=ASK, stream=True, store=False)
        last = [event async for event in stream][-1]
    assert isinstance(last, ResponseCompletedEvent)
    assert base64.b64decode(said((last.response.model_extra or {})["claude"])["data"]) == CONTENT


async def test_anthropics_client_gets_them_whole_and_streamed(me: Program, gateway: Desk) -> None:
    async with AsyncAnthropic(base_url=gateway.url, api_key=me.token, max_retries=0, timeout=PATIENCE) as client:
        whole = await client.messages.create(
            model="main", max_tokens=9, messages=[{"role": "user", "content": ASK}], extra_headers={"X-Session-Id": "a"}
        )
        assert await fetched(me, said((whole.model_extra or {})["claude"])) == CONTENT
        async with client.messages.stream(
            model="main", max_tokens=9, messages=[{"role": "user", "content": ASK}]
        ) as stream:
            events = [event async for event in stream]
            text = await stream.get_final_text()
    assert text == "There it is."
    (told,) = [json.loads(event.to_json())["claude"] for event in events if event.type == "message_delta"]
    assert base64.b64decode(said(told)["data"]) == CONTENT


async def test_botkits_own_api_has_them_in_every_mode(me: Program) -> None:
    id = await me.session()
    assert await fetched(me, said(await me.say(id, ASK))) == CONTENT
    assert await fetched(me, said(await me.ended(await me.begin(id, ASK)))) == CONTENT
    async with me.streamed(id, ASK) as seen:
        events = [event async for event in seen]
    (offered,) = [event for event in events if event["type"] == "file_offered"]
    assert await fetched(me, said({"files": [offered]})) == CONTENT
    assert said(events[-1]) == {name: offered[name] for name in said(events[-1])}
    assert await fetched(me, said(await me.post("/chat", {"text": ASK}))) == CONTENT


async def test_a_file_that_came_along_goes_and_the_one_that_is_sent_is_still_given(me: Program, gateway: Desk) -> None:
    file = {"type": "file", "file": {"file_data": base64.b64encode(b"hi").decode(), "filename": "in.txt"}}
    body = {"model": "main", "messages": [{"role": "user", "content": [{"type": "text", "text": ASK}, file]}]}
    answer = await me.post("/v1/chat/completions", body)
    assert base64.b64decode(said(answer["claude"])["data"]) == CONTENT
    left = [path.name for path in await asyncio.to_thread(gateway.files) if path.name != ".gitignore"]
    assert left == ["report.txt"]

"""Clients that go before the end, and keys that are taken away while they are used."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import Program, events, program

WITHIN = 8.0
"""Seconds after which a key that was taken away is of no more use; five, on a busy machine."""
LONG = "!words 4000 20ms"


async def take_away(desk: Desk, me: Program) -> None:
    keys = desk.application.store.keys
    key = await keys.get(me.token.split("_")[1])
    assert key is not None
    assert await keys.put(replace(key, suspended=True, revision=key.revision + 1))


@pytest.mark.parametrize("leave", ["stop", "finish"])
async def test_what_was_used_before_a_client_went_is_on_record(gateway: Desk, leave: str) -> None:
    body: dict[str, Any] = {"model": "main", "messages": [{"role": "user", "content": "!words 60 20ms"}]}
    headers = {"Authorization": f"Bearer {gateway.token}"}
    async with aiohttp.ClientSession() as http:
        body |= {"stream": True, "claude": {"on_disconnect": leave}}
        async with http.post(f"{gateway.v1}/chat/completions", json=body, headers=headers) as answer:
            await answer.content.readany()
    (record,) = await gateway.records()
    assert (record.status, record.error) == (499, "client_gone")
    assert record.session
    assert record.cost > 0


async def test_a_stream_ends_when_its_key_is_taken_away(gateway: Desk) -> None:
    me = await program(gateway, limits=None)
    id = await me.session()
    async with me.streamed(id, LONG) as seen:
        assert (await anext(seen))["type"] == "turn"
        await take_away(gateway, me)
        async with asyncio.timeout(WITHIN):
            last = [event async for event in seen][-1]
    assert (last["type"], last["error"]["code"]) == ("error", "invalid_api_key")
    _, record = await gateway.records(2)
    assert record.error == "invalid_api_key"
    assert await gateway.bot.tasks.drain(PATIENCE)


async def test_an_answer_that_is_waited_for_is_refused_when_its_key_is_taken_away(gateway: Desk) -> None:
    me = await program(gateway, limits=None)
    id = await me.session()
    asking = asyncio.create_task(me.refused("POST", f"/api/sessions/{id}/messages", {"text": LONG}))
    await gateway.model.asked("!words 4000")
    await take_away(gateway, me)
    async with asyncio.timeout(WITHIN):
        assert (await asking)[:2] == (401, "invalid_api_key")


async def test_who_only_watches_is_cut_off_with_the_key(gateway: Desk) -> None:
    me, other = await program(gateway, limits=None), await program(gateway)
    head = {"Authorization": f"Bearer {me.token}"}
    url = f"{me.url}/api/sessions/{await me.session()}"
    others = f"{me.url}/api/sessions/{await other.session()}/events"
    async with (
        me.http.get(f"{url}/events", headers=head) as watching,
        me.http.get(others, headers={"Authorization": f"Bearer {other.token}"}) as another,
        me.http.ws_connect(f"{url}/stream", headers=head) as socket,
    ):
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        await take_away(gateway, me)
        async with asyncio.timeout(WITHIN):
            (last,) = [event async for event in events(watching)]
            told: list[Any] = [json.loads(message.data) async for message in socket]
        assert (last["type"], last["error"]["code"]) == ("error", "invalid_api_key")
        assert (told[-1]["type"], told[-1]["error"]["code"]) == ("error", "invalid_api_key")
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await another.content.readuntil(b"event: error")


async def test_a_stream_has_an_end_also_when_it_is_never_silent(tmp_path: Path) -> None:
    async with desk(tmp_path, gateway={"request_time": 3}) as it:
        me = await program(it)
        async with me.streamed(await me.session(), LONG) as seen:
            last = [event async for event in seen][-1]
    assert (last["type"], last["error"]["code"]) == ("error", "request_timeout")

"""Watching a session as server-sent events, and talking over a WebSocket: the real CLI behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from botkit.keys import Scopes
from tests.adapters.http import program
from tests.adapters.http.desk import PATIENCE, Desk

TOUCH = '!tool Bash {"command": "touch made", "description": "make a file"}\n!say Done.'


async def begin(gateway: Desk, text: str = "!say Hello.", name: str = "room") -> str:
    """A session of this key that has had one turn; its id."""
    await ask(gateway, text, name)
    (session,) = await gateway.application.store.list_sessions("main")
    return session.id


async def ask(gateway: Desk, text: str, name: str = "room") -> None:
    body = {"model": "main", "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {gateway.token}", "X-Session-Id": name}
    async with gateway.http.post(f"{gateway.v1}/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def until(events: AsyncIterator[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            found.append(event)
            if event["type"] == kind:
                return found
    raise AssertionError(f"no {kind} in {found}")


def text(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "text_delta")


async def test_a_reader_sees_the_turns_of_a_session_and_goes_on_where_it_was(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/events"
    async with gateway.http.get(url, headers=bearer(gateway.token)) as answer:
        assert answer.content_type == "text/event-stream"
        events = program.events(answer)
        await ask(gateway, "!words 5 1ms")
        seen = await until(events, "turn_finished")
    assert seen[0]["type"] == "turn"
    assert seen[0]["text"] == "!words 5 1ms"
    assert text(seen).split() == [f"word{number}" for number in range(1, 6)]
    assert seen[-1]["text"].split() == text(seen).split()
    assert all(event["under"] == event["position"] for event in seen)
    assert len({event["position"] for event in seen}) == len(seen)
    middle = len(seen) // 2
    again = {**bearer(gateway.token), "Last-Event-ID": seen[middle]["under"]}
    async with gateway.http.get(url, headers=again) as answer:
        assert text(await until(program.events(answer), "turn_finished")) == text(seen[middle + 1 :])


async def test_a_position_that_is_forgotten_is_said(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/events"
    async with gateway.http.get(url, params={"since": "gone:7"}, headers=bearer(gateway.token)) as answer:
        assert [event["type"] for event in await until(program.events(answer), "reset")] == ["reset"]
    async with gateway.http.get(url, params={"since": "nonsense"}, headers=bearer(gateway.token)) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "since"


async def test_what_is_another_keys_is_not_there(gateway: Desk) -> None:
    session = await begin(gateway)
    other, admin = await gateway.key(), await gateway.key(scopes=Scopes(admin=True))
    for path in ("events", "stream"):
        async with gateway.http.get(f"{gateway.url}/api/sessions/{session}/{path}", headers=bearer(other)) as answer:
            assert answer.status == 404
    async with gateway.http.get(f"{gateway.url}/api/sessions/{session}/events", headers=bearer(admin)) as answer:
        assert answer.status == 200
    mute = await gateway.key(scopes=Scopes(streaming=False, admin=True))
    async with gateway.http.get(f"{gateway.url}/api/sessions/{session}/events", headers=bearer(mute)) as answer:
        assert answer.status == 403


async def frames(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        yield json.loads(message.data)


async def test_a_socket_takes_messages_and_tells_what_happens(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        events = frames(socket)
        await socket.send_json({"type": "message", "text": "!words 3 1ms", "ref": "a"})
        seen = await until(events, "turn_finished")
        (accepted,) = (event for event in seen if event["type"] == "accepted")
        assert accepted["ref"] == "a"
        assert {event["turn"] for event in seen} == {accepted["turn"]}
        assert text(seen).split() == ["word1", "word2", "word3"]
        await socket.send_json({"type": "ping", "ref": "p"})
        assert await until(events, "pong") == [{"type": "pong", "ref": "p"}]
        await socket.send_json({"type": "message", "text": "!say Again.", "ref": "b"})
        await until(events, "turn_finished")
    records = await gateway.records(3)
    assert {record.endpoint.partition(" ")[0] for record in records} == {"POST", "WS"}
    assert all(record.output_tokens for record in records)


async def test_a_running_turn_is_stopped(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        events = frames(socket)
        await socket.send_json({"type": "message", "text": "!words 2000 20ms"})
        await until(events, "text_delta")
        await socket.send_json({"type": "stop"})
        seen = await until(events, "stopped")
        assert seen[-1]["stopped"] is True
        failed = [event for event in seen if event["type"] == "turn_failed"] or await until(events, "turn_failed")
        assert failed[-1]["reason"] == "stopped"


async def test_an_approval_is_decided_over_the_socket(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        events = frames(socket)
        await socket.send_json({"type": "message", "text": TOUCH})
        asked = (await until(events, "approval_asked"))[-1]
        assert asked["tool"] == "Bash"
        await socket.send_json({"type": "approve", "request": asked["id"], "allow": True})
        seen = await until(events, "turn_finished")
    assert (gateway.workdir / "made").exists()
    assert "decided" in [event["type"] for event in seen]


async def test_a_question_is_answered_over_the_socket(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        events = frames(socket)
        await socket.send_json({"type": "message", "text": "!ask Tea or coffee? | Tea | Coffee\n!result"})
        asked = (await until(events, "question_asked"))[-1]
        await socket.send_json({"type": "answer", "request": asked["id"], "labels": []})
        wrong = (await until(events, "error"))[-1]
        assert wrong["error"]["field"] == "labels"
        await socket.send_json({"type": "answer", "request": asked["id"], "labels": [["Tea"]]})
        assert "Tea" in (await until(events, "turn_finished"))[-1]["text"]


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type": "message"}', "text"),
        ('{"type": "message", "text": "x", "model": "y"}', "model"),
        ('{"type": "nothing"}', "type"),
        ("[1, 2]", ""),
        ("not json", ""),
        ('{"type": "approve", "request": "r", "allow": "perhaps"}', "allow"),
    ],
)
async def test_a_wrong_frame_is_answered_with_what_is_wrong(frame: str, field: str, gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        events = frames(socket)
        await socket.send_str(frame)
        wrong = (await until(events, "error"))[-1]["error"]
        assert wrong.get("field", "") == field
        await socket.send_json({"type": "message", "text": "", "ref": "e"})
        empty = (await until(events, "error"))[-1]
        assert (empty["error"]["field"], empty["ref"]) == ("text", "e")
        await socket.send_json({"type": "approve", "request": "none", "allow": True, "ref": "r"})
        missing = (await until(events, "error"))[-1]
        assert (missing["error"]["code"], missing["ref"]) == ("not_found", "r")


async def test_row_e41_bad_origins_big_frames_and_binary_frames_are_refused(gateway: Desk) -> None:
    url = f"{gateway.url}/api/sessions/{await begin(gateway)}/stream"
    page = {**bearer(gateway.token), "Origin": "https://evil.example.com"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await gateway.http.ws_connect(url, headers=page)
    assert refused.value.status == 403
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        await socket.send_bytes(b"\x00")
        assert (await socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    async with gateway.http.ws_connect(url, headers=bearer(gateway.token)) as socket:
        with suppress(ConnectionError):  # it is cut off while it still sends
            await socket.send_str("x" * (8 * 1024 * 1024))
        ended = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert (await socket.receive(timeout=PATIENCE)).type in ended
        assert socket.close_code in (aiohttp.WSCloseCode.MESSAGE_TOO_BIG, aiohttp.WSCloseCode.ABNORMAL_CLOSURE)


@pytest.mark.parametrize("leave", ["stop", "finish"])
async def test_a_lost_client_ends_its_turn_or_lets_it_finish(leave: str, gateway: Desk) -> None:
    session = await begin(gateway)
    url = f"{gateway.url}/api/sessions/{session}/stream"
    socket = await gateway.http.ws_connect(url, headers=bearer(gateway.token), params={"leave": leave})
    await socket.send_json({"type": "message", "text": "!words 60 20ms"})
    await until(frames(socket), "text_delta")
    events = gateway.http.get(f"{gateway.url}/api/sessions/{session}/events", headers=bearer(gateway.token))
    async with events as answer:
        watched = program.events(answer)
        await until(watched, "text_delta")
        await socket.close()
        seen = await until(watched, "turn_finished" if leave == "finish" else "turn_failed")
    assert ("word60" in text(seen)) is (leave == "finish")

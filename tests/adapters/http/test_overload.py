"""Too many requests, readers that do not read, and what becomes of runs when botkit stops."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from botkit.keys import Scopes
from botkit.testing.model import LoopbackModel
from botkit.web import CLOSE_TIME
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import Program

CHAT = "/v1/chat/completions"
SITE = Scopes(projects=("site",))


def body(text: str, **more: object) -> dict[str, object]:
    return {"model": "main", "messages": [{"role": "user", "content": text}], **more}


def bearer(desk: Desk) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.token}"}


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Desk]:
    """One request of a key at a time; readers must read."""
    gateway = {"max_requests_per_key": 1, "slow_reader": 1}
    async with desk(tmp_path, gateway=gateway, bot={"limits": {"user": "2 per hour"}}) as it:
        yield it


async def test_a_key_with_too_many_requests_is_told_to_come_again(narrow: Desk) -> None:
    async with narrow.http.post(
        narrow.url + CHAT, json=body("!words 200 50ms", stream=True), headers=bearer(narrow)
    ) as first:
        assert first.status == 200
        async with narrow.http.post(narrow.url + CHAT, json=body("!say hi"), headers=bearer(narrow)) as second:
            assert second.status == 429
            assert int(second.headers["Retry-After"]) >= 1
            assert (await second.json())["error"]["type"] == "rate_limit_error"
        url = f"{narrow.url}/api/sessions"
        async with narrow.http.post(url, json={"bot": "main"}, headers=bearer(narrow)) as third:
            assert third.status == 429
        async with narrow.http.get(url, headers=bearer(narrow)) as looking:
            assert looking.status == 200


async def test_who_has_taken_all_places_can_still_decide_and_stop_what_is_at_work(narrow: Desk) -> None:
    me = Program(narrow.http, narrow.url, narrow.token)
    id = await me.session()
    text = '!tool Bash {"command": "touch made", "description": "x"}\n!say Done.'
    saying = asyncio.create_task(me.ask("POST", f"/api/sessions/{id}/messages", {"text": text}))
    async with asyncio.timeout(PATIENCE):
        while not (waiting := (await me.get("/api/approvals"))["data"]):  # noqa: ASYNC110 (that signals nothing)
            await asyncio.sleep(0.05)
    decision = f"/api/approvals/{waiting[0]['id']}"
    assert (await me.refused("POST", decision, {"allow": True, "reason": "x" * 300_000}))[0] == 413
    await me.post(decision, {"allow": True})
    assert (await saying)[0] == 200
    assert (narrow.workdir / "made").exists()
    saying = asyncio.create_task(me.ask("POST", f"/api/sessions/{id}/messages", {"text": "!words 2000 20ms"}))
    await narrow.model.asked("!words 2000")
    assert (await me.post(f"/api/sessions/{id}/stop", {"queue": True}))["stopped"] is True
    assert (await saying)[0] == 409


async def test_nobody_waits_for_the_body_of_a_stranger(gateway: Desk) -> None:
    for path, status in (("/v1/health", b"200"), ("/v1/chat/completions", b"401")):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.application.web.port)
        writer.write(b"GET " if status == b"200" else b"POST ")
        writer.write(f"{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode())
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == status
        writer.close()


async def test_the_limits_of_the_bot_hold_for_programs(narrow: Desk) -> None:
    file = {"type": "file", "file": {"filename": "notes.txt", "file_data": "cGx1bQ=="}}
    said = {"model": "main", "messages": [{"role": "user", "content": [{"type": "text", "text": "!say hi"}, file]}]}
    for expected in (200, 200, 429):
        async with narrow.http.post(narrow.url + CHAT, json=said, headers=bearer(narrow)) as response:
            assert response.status == expected
    assert not [path for path in await asyncio.to_thread(narrow.files) if path.name != ".gitignore"]
    assert int(response.headers["Retry-After"]) > 60
    assert (await narrow.records(3))[-1].error == "rate_limited"


async def test_a_reader_that_does_not_read_is_cut_off_and_its_turn_stopped(narrow: Desk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", narrow.application.web.port, limit=1024)
    data = json.dumps(body("!huge 3000000\n!huge 3000000\n!huge 3000000\n!words 500 50ms", stream=True)).encode()
    lines = (
        f"POST {CHAT} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {narrow.token}",
        f"Content-Length: {len(data)}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode() + data)
    (record,) = await narrow.records()
    assert record.error == "client_gone"
    assert await narrow.bot.tasks.drain(2.0)
    writer.close()
    del reader


async def test_a_run_that_a_restart_cut_off_is_answered_after_it(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'botkit.db'}"
    async with LoopbackModel() as model:
        async with desk(tmp_path, store=store, drain=0.0, model=model) as before:
            token = before.token
            said = {"text": "!words 40 50ms", "user_id": "ann"}
            async with before.http.post(f"{before.url}/chat/async", json=said, headers=bearer(before)) as begun:
                task = (await begun.json())["task_id"]
            await model.asked("!words 40")
        async with desk(tmp_path, store=store, model=model) as after:
            headers = {"Authorization": f"Bearer {token}"}
            assert await after.bot.tasks.drain(PATIENCE)
            async with after.http.get(f"{after.url}/task/{task}", headers=headers) as told:
                answer = await told.json()
    assert answer["status"] == "finished"
    assert answer["user_id"] == "ann"
    assert answer["text"]


async def test_what_nobody_waits_for_any_more_is_not_taken_up(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'botkit.db'}"
    async with LoopbackModel() as model:
        async with desk(tmp_path, store=store, drain=0.0, model=model) as before:
            asking = asyncio.create_task(post(before, body("!words 200 50ms")))
            await model.asked("!words 200")
        assert await asking == 503
        asks = len(model.asks)
        async with desk(tmp_path, store=store, model=model) as after:
            assert len(after.bot.tasks) == 0
        assert len(model.asks) == asks


async def test_a_stream_is_finished_before_botkit_stops_and_nothing_new_begins(tmp_path: Path) -> None:
    async with LoopbackModel() as model, aiohttp.ClientSession() as http:
        async with desk(tmp_path, drain=PATIENCE, model=model) as stopping:
            headers, url = bearer(stopping), stopping.url + CHAT
            said = body("!words 30 50ms", stream=True)
            reading = asyncio.create_task(read(http, url, said, headers))
            await model.asked("!words 30")
            leaving = asyncio.create_task(reading_ends(stopping, http, url, headers))
        assert (await reading).endswith("data: [DONE]\n\n")
        assert await leaving == 503
    assert len([ask for ask in model.asks if "!say late" in ask.prompt]) == 0


async def test_who_only_watches_is_told_that_botkit_stops_and_does_not_hold_it_up(tmp_path: Path) -> None:
    async with LoopbackModel() as model, aiohttp.ClientSession() as http, asyncio.TaskGroup() as readers:
        async with desk(tmp_path, model=model) as stopping:
            me = Program(http, stopping.url, stopping.token)
            url = f"{me.url}/api/sessions/{await me.session()}"
            watching = await http.get(f"{url}/events", headers=bearer(stopping))
            socket = await http.ws_connect(f"{url}/stream", headers=bearer(stopping))
            told = readers.create_task(watching.text())
            heard = readers.create_task(all_of(socket))
            began = time.monotonic()
        assert time.monotonic() - began < CLOSE_TIME
        assert "event: error" in await told
        assert [event["error"]["code"] for event in await heard] == ["stopping"]
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


async def all_of(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    return [json.loads(message.data) async for message in socket]


async def reading_ends(desk: Desk, http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> int:
    """The status of a request that comes once the bot takes nothing more."""
    for _ in range(int(PATIENCE / 0.01)):
        if not desk.bot.connected:
            break
        await asyncio.sleep(0.01)
    async with http.post(url, json=body("!say late"), headers=headers) as response:
        return response.status


async def read(http: aiohttp.ClientSession, url: str, said: dict[str, object], headers: dict[str, str]) -> str:
    async with http.post(url, json=said, headers=headers) as response:
        return await response.text()


async def post(desk: Desk, said: dict[str, object]) -> int:
    """The status of the answer, 503 too when the connection was closed instead."""
    try:
        async with aiohttp.ClientSession() as http, http.post(desk.url + CHAT, json=said, headers=bearer(desk)) as got:
            return got.status
    except aiohttp.ClientError:
        return 503


async def test_a_project_is_worked_on_in_its_folder(gateway: Desk) -> None:
    site = gateway.root / "site"
    await asyncio.to_thread(site.mkdir)
    scoped = await gateway.key(scopes=SITE)
    asked = body("!say hi", claude={"project": "site"})
    for token, status in ((gateway.token, 404), (scoped, 200)):
        headers = {"Authorization": f"Bearer {token}"}
        async with gateway.http.post(gateway.url + CHAT, json=asked, headers=headers) as response:
            assert response.status == status
    assert str(site) in json.dumps(gateway.model.requests[-1])

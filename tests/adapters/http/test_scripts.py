"""The small API for scripts, as `curl` would use it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from botkit.keys import Scopes
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import program


class Script:
    """Says things with a key."""

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk, self._headers = desk, {"Authorization": f"Bearer {token}"}

    async def __call__(self, method: str, path: str, **body: object) -> tuple[int, dict[str, Any]]:
        async with (
            asyncio.timeout(PATIENCE),
            self._desk.http.request(
                method, self._desk.url + path, json=body or None, headers=self._headers
            ) as response,
        ):
            return response.status, await response.json() if response.content_type == "application/json" else {}

    async def text(self, path: str, **body: object) -> str:
        async with (
            asyncio.timeout(PATIENCE),
            self._desk.http.post(self._desk.url + path, json=body, headers=self._headers) as response,
        ):
            assert response.status == 200
            return await response.text()


@pytest.fixture
def script(gateway: Desk) -> Script:
    return Script(gateway, gateway.token)


async def test_a_user_has_a_session_that_goes_on_until_it_is_forgotten(script: Script, gateway: Desk) -> None:
    status, first = await script("POST", "/chat", text="remember the plum", user_id="ann")
    assert status == 200
    _, again = await script("POST", "/api/chat", text="!history", user_id="ann")
    assert "remember the plum" in str(again["text"])
    assert again["session_id"] == first["session_id"]
    _, other = await script("POST", "/chat", text="!history", user_id="bob")
    assert "plum" not in str(other["text"])

    status, history = await script("GET", "/session/ann/history")
    assert status == 200
    assert [message["role"] for message in history["messages"]] == ["user", "assistant"] * 2
    assert await script("GET", f"/session/{first['session_id']}/history") == (200, history)

    stranger = Script(gateway, await gateway.key())
    for path in ("/session/ann/history", f"/session/{first['session_id']}/history"):
        assert (await stranger("GET", path))[0] == 404

    assert (await script("DELETE", "/session/ann"))[0] == 204
    for path in ("/session/ann/history", f"/session/{first['session_id']}/history"):
        assert (await script("GET", path))[0] == 404
    _, after = await script("POST", "/chat", text="!history", user_id="ann")
    assert "plum" not in str(after["text"])


@pytest.mark.parametrize("user", ["../etc/passwd", "a/b:c d", "Zoë", "%2F", "u" * 200])
async def test_a_user_may_be_called_anything_and_is_found_again(gateway: Desk, user: str) -> None:
    me = await program(gateway)
    await me.post("/chat", {"text": "!say Hello.", "user_id": user})
    url = URL(f"{me.url}/session/{quote(user, safe='')}", encoded=True)
    head = {"Authorization": f"Bearer {me.token}"}
    async with me.http.get(URL(f"{url}/history", encoded=True), headers=head) as answer:
        assert [said["text"] for said in (await answer.json())["messages"]] == ["!say Hello.", "Hello."]
    async with me.http.delete(url, headers=head) as answer:
        assert answer.status == 204


async def test_a_streamed_answer_ends_with_done(script: Script) -> None:
    said = await script.text("/chat/stream", text="!words 3 50ms")
    names = [line.removeprefix("event: ") for line in said.splitlines() if line.startswith("event: ")]
    assert names[0] == "start"
    assert names[-1] == "done"
    assert set(names[1:-1]) == {"text"}


async def test_an_async_answer_is_there_later_and_only_for_its_key(script: Script, gateway: Desk) -> None:
    status, begun = await script("POST", "/chat/async", text="!words 3 50ms", user_id="ann")
    assert status == 202
    path = f"/task/{begun['task_id']}"
    assert (await script("GET", path))[1]["status"] in ("queued", "running")
    assert await gateway.bot.tasks.drain(PATIENCE)
    told = await script("GET", path)
    assert told[0] == 200
    assert told[1]["text"] == "word1 word2 word3"
    assert told[1]["user_id"] == "ann"
    assert (await Script(gateway, await gateway.key())("GET", path))[0] == 404
    assert (await script("GET", "/task/nothing"))[0] == 404
    runs = [record for record in await gateway.records(2) if record.endpoint == "run"]
    assert [record.output_tokens > 0 for record in runs] == [True]


async def test_the_same_request_sent_twice_is_asked_once(gateway: Desk) -> None:
    me = await program(gateway)
    head, body = {"Idempotency-Key": "once"}, {"text": "!say sent twice", "user_id": "ann"}
    first = await me.post("/chat", body, headers=head)
    assert await me.post("/chat", body, headers=head) == first
    head = {"Idempotency-Key": "later"}
    task = (await me.post("/chat/async", body, headers=head, expected=202))["task_id"]
    await me.ended(task)
    again = await me.post("/chat/async", body, headers=head, expected=202)
    assert (again["task_id"], again["status"]) == (task, "finished")
    assert len([ask for ask in gateway.model.asks if ask.prompt == "!say sent twice"]) == 2
    assert await me.refused("POST", "/chat/stream", body, headers=head) == (400, "invalid_request", "Idempotency-Key")


async def test_a_task_has_the_files_that_claude_sent(gateway: Desk) -> None:
    await asyncio.to_thread((gateway.workdir / "report #1.txt").write_bytes, b"plum pie")
    me = await program(gateway)
    text = '!tool mcp__botkit__send_file {"path": "report #1.txt"}\n!say There it is.'
    begun = await me.post("/chat/async", {"text": text}, expected=202)
    await me.ended(begun["task_id"])
    told = await me.get(f"/task/{begun['task_id']}")
    (file,) = told["files"]
    assert (told["text"], file["name"]) == ("There it is.", "report #1.txt")
    assert await me.get(file["url"]) == "plum pie"


async def test_what_a_user_said_in_a_project_is_there_only_for_keys_that_may_use_it(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    async with desk(tmp_path, http={"projects": {"site": str(site)}}) as it:
        me = await program(it, scopes=Scopes(projects=("site",)))
        await me.post("/chat", {"text": "!say Hello.", "claude": {"project": "site"}})
        assert (await me.get("/session/default/history"))["messages"]
        keys, id = it.application.store.keys, me.token.split("_")[1]
        key = await keys.get(id)
        assert key is not None
        narrow = replace(key.scopes, projects=("other",))
        assert await keys.put(replace(key, scopes=narrow, revision=key.revision + 1))
        async with asyncio.timeout(PATIENCE):
            while (await me.ask("GET", "/session/default/history"))[0] == 200:  # noqa: ASYNC110 (nothing signals it)
                await asyncio.sleep(0.1)
        assert (await me.refused("DELETE", "/session/default"))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": "ann"}, "text"),
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"text": "hi", "user_id": ""}, "user_id"),
        ({"text": "hi", "txet": 1}, "txet"),
        ({"text": "hi", "claude": {"permission_mode": "nothing"}}, "claude.permission_mode"),
        ({"text": "hi", "claude": {"project": "other"}}, "claude.project"),
    ],
)
async def test_bad_input_is_told_by_field_and_starts_nothing(
    script: Script, gateway: Desk, body: dict[str, object], field: str
) -> None:
    status, said = await script("POST", "/chat", **body)
    assert status in (400, 404)
    assert said["error"]["field"] == field
    assert not gateway.model.requests


async def test_what_is_no_json_is_told(gateway: Desk) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    for data in (b"{", b"\xff\xfe", b"[" * 5000, b'{"text": "\\ud800"}', b""):
        async with gateway.http.post(gateway.url + "/chat", data=data, headers=headers) as response:
            assert response.status == 400, data[:20]
            assert (await response.json())["error"]["message"]


async def test_without_a_key_nothing_is_answered(gateway: Desk) -> None:
    async with gateway.http.post(gateway.url + "/chat", json={"text": "hi"}) as response:
        assert response.status == 401


async def test_a_client_that_goes_stops_its_turn_within_a_second(gateway: Desk) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    await _leave(gateway, headers, "/chat/stream", {"text": "!words 500 50ms"})
    await _stopped(gateway)
    await _leave(gateway, headers, "/chat", {"text": "!words 500 50ms", "user_id": "bob"})
    await _stopped(gateway)


async def test_a_turn_may_go_on_when_its_client_has_gone(gateway: Desk, script: Script) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    body = {"text": "!words 10 100ms\n!say the end", "claude": {"on_disconnect": "finish"}}
    await _leave(gateway, headers, "/chat/stream", body)
    _, said = await script("POST", "/chat", text="!say and now?")
    assert said["text"] == "and now?"
    _, history = await script("GET", "/session/default/history")
    assert "the end" in str(history["messages"])


async def _leave(desk: Desk, headers: dict[str, str], path: str, body: Mapping[str, object]) -> None:
    """Ask, and close the connection once Claude answers."""
    async with aiohttp.ClientSession() as http:
        asking = asyncio.create_task(_read(http, desk.url + path, body, headers))
        async with asyncio.timeout(PATIENCE):
            await desk.model.asked(str(body["text"])[:12])
        asking.cancel()
        await asyncio.wait([asking])


async def _read(http: aiohttp.ClientSession, url: str, body: Mapping[str, object], headers: dict[str, str]) -> None:
    async with http.post(url, json=body, headers=headers) as response:
        await response.read()


async def _stopped(desk: Desk) -> None:
    """Within a second Claude no longer answers; a busy machine may take another."""
    assert await desk.bot.tasks.drain(2.0)

"""Messages over botkit's own API: waited for, streamed, come back for; stopped, approved, sent twice."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import io
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.http.settings import WebhookSettings
from adapters.http.webhooks import Webhooks
from botkit.keys import Scopes
from botkit.runs import Run
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import program

TOUCH = '!tool Bash {"command": "touch made", "description": "make a file"}\n!say Done.'
SECRET = "whsec-0123456789abcdefghijklmnopqrstuvwxyz"


async def test_a_streamed_message_shows_the_events_that_watchers_see(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    async with me.streamed(id, "!words 5 1ms") as events:
        seen = [event async for event in events]
    assert seen[0]["type"] == "turn"
    assert seen[0]["session"] == id
    assert seen[-1]["type"] == "turn_finished"
    told = "".join(event["text"] for event in seen if event["type"] == "text_delta")
    assert told.split() == [f"word{number}" for number in range(1, 6)]
    numbered = [event for event in seen if "under" in event]
    assert [event["under"] for event in numbered] == [f"{seen[0]['turn']}:{n}" for n in range(len(numbered))]
    middle = numbered[len(numbered) // 2]["under"]
    head = {"Authorization": f"Bearer {me.token}", "Last-Event-ID": middle}
    async with me.http.get(f"{me.url}/api/sessions/{id}/events", headers=head) as answer:
        async with asyncio.timeout(PATIENCE):
            async for line in answer.content:
                if line.startswith(b"id: "):
                    assert line.decode().strip() == f"id: {numbered[len(numbered) // 2 + 1]['under']}"
                    break


async def test_a_stream_that_fails_ends_with_an_error(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    async with me.streamed(id, "!words 2000 20ms") as events:
        seen: list[dict[str, Any]] = []
        async for event in events:
            seen.append(event)
            if event["type"] == "text_delta" and len(seen) < 10:
                assert (await me.post(f"/api/sessions/{id}/stop"))["stopped"] is True
    assert [event["type"] for event in seen[-2:]] == ["turn_failed", "error"]
    assert seen[-1]["error"]["code"] == "stopped"


async def test_an_answer_fits_the_schema_that_was_asked_for(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    answer = await me.say(id, '!tool StructuredOutput {"a": 1}', answer_schema=schema)
    assert json.loads(answer["text"]) == {"a": 1}
    assert (
        await me.refused("POST", f"/api/sessions/{id}/messages", {"text": "x", "answer_schema": {"type": "array"}})
    )[2] == "answer_schema.type"


async def test_files_are_sent_along_or_uploaded_before(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    path = f"/api/sessions/{id}/files"
    head = {"Content-Type": "application/octet-stream"}
    (raw,) = (await me.post(f"{path}/upload?name=../../evil.txt", data=b"raw bytes", headers=head, expected=201))[
        "data"
    ]
    assert raw["name"] == "evil.txt"
    form = aiohttp.FormData()
    form.add_field("file", b"first", filename="a.txt")
    form.add_field("file", b"second", filename="a.txt")
    made = (await me.post(f"{path}/upload", data=form, expected=201))["data"]
    assert [each["name"] for each in made] == ["a.txt", "a-2.txt"]
    assert [each["name"] for each in (await me.get(path))["data"]] == ["a-2.txt", "a.txt", "evil.txt"]
    assert await me.get(f"{path}/a-2.txt") == "second"
    assert (await me.post(f"/api/sessions/{id}/tools/read", {"path": raw["path"]}))["text"] == "raw bytes"
    files = [{"name": "a.txt"}, {"name": "b.txt", "data": base64.b64encode(b"inline").decode()}]
    await me.say(id, "!echo", files=files)
    (ask,) = [ask for ask in gateway.model.asks if "b.txt" in ask.prompt]
    assert "a.txt" in ask.prompt
    other = await me.session()
    assert (await me.get(f"/api/sessions/{other}/files"))["data"] == []
    assert (await me.refused("GET", f"/api/sessions/{other}/files/a.txt"))[0] == 404
    assert (await me.refused("POST", f"/api/sessions/{other}/tools/read", {"path": raw["path"]}))[0] == 404
    assert (await me.refused("POST", f"{path}/upload", headers=head))[2] == "files"
    bad = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await me.refused("POST", f"{path}/upload", data=b"nonsense", headers=bad))[:2] == (400, "invalid_request")
    wrong = {"text": "x", "files": [{"name": "nope.txt"}]}
    assert await me.refused("POST", f"/api/sessions/{id}/messages", wrong) == (404, "not_found", "files.0.name")


async def test_a_form_may_be_large_and_hides_nothing(gateway: Desk) -> None:
    me = await program(gateway)
    path = f"/api/sessions/{await me.session()}/files"
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(b"x" * 3_000_000), filename="large.bin")
    (made,) = (await me.post(f"{path}/upload", data=form, expected=201))["data"]
    assert made["size"] == 3_000_000
    part = b"Content-Disposition: form-data; name=f; filename=bomb\r\nContent-Encoding: gzip\r\n\r\n"
    packed = b"--b\r\n" + part + gzip.compress(b"x" * 1000) + b"\r\n--b--\r\n"
    form_of = {"Content-Type": "multipart/form-data; boundary=b"}
    assert (await me.refused("POST", f"{path}/upload", data=packed, headers=form_of))[::2] == (400, "files")
    broken = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    assert (await me.refused("POST", f"{path}/upload", data=b"not gzip", headers=broken))[:2] == (400, "invalid_body")


async def test_files_of_a_message_that_is_turned_down_are_not_kept(gateway: Desk) -> None:
    mute = await program(gateway, scopes=Scopes(streaming=False))
    path = f"/api/sessions/{await mute.session()}/messages"
    said = {"text": "!say x", "files": [{"name": "x.txt", "data": "cGx1bQ=="}]}
    assert (await mute.refused("POST", path, {**said, "mode": "stream"}))[0] == 403
    hooked = {**said, "mode": "async", "webhook": "https://example.com/"}
    assert (await mute.refused("POST", path, hooked))[::2] == (400, "webhook")
    assert not [file for file in await asyncio.to_thread(gateway.files) if file.name != ".gitignore"]


async def test_a_run_is_started_looked_up_and_told_once(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session(name="room")
    run = await me.begin(id, "!words 3 5ms", user="ada")
    done = await me.ended(run)
    assert (done["status"], done["text"], done["session"], done["name"]) == (
        "finished",
        "word1 word2 word3",
        id,
        "room",
    )
    assert (done["user"], done["error"]) == ("ada", None)
    assert done["usage"]["output_tokens"] > 0
    slow = await me.begin(id, "!words 2000 20ms")
    waiting = await me.begin(id, "!say later")
    await gateway.model.asked("!words 2000")
    assert [(await me.get(f"/api/runs/{each}"))["status"] for each in (slow, waiting)] == ["running", "queued"]
    assert await me.post(f"/api/sessions/{id}/stop", {"queue": True}) == {"stopped": True, "withdrawn": 1}
    assert {(await me.ended(each))["status"] for each in (slow, waiting)} == {"stopped"}
    failed = await me.ended(await me.begin(id, "!status 400"))
    assert (failed["status"], failed["text"], failed["error"]["code"]) == ("failed", None, "model_unavailable")
    listed = await me.get("/api/runs", params={"limit": 1})
    assert [each["id"] for each in listed["data"]] == [failed["id"]]
    more = await me.get("/api/runs", params={"limit": 3, "after": listed["next"]})
    assert [each["id"] for each in more["data"]] == [waiting, slow, run]
    other = await program(gateway, scopes=Scopes())
    assert (await other.refused("GET", f"/api/runs/{run}"))[0] == 404
    calls = await me.get(f"/api/sessions/{id}/tool-calls")
    assert calls["data"] == []


async def test_a_request_that_is_sent_twice_is_carried_out_once(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    path, head = f"/api/sessions/{id}/messages", {"Idempotency-Key": "one"}
    running = asyncio.create_task(me.ask("POST", path, {"text": "!delay 500ms\n!say once"}, headers=head))
    await gateway.model.asked("once")
    assert await me.refused("POST", path, {"text": "!delay 500ms\n!say once"}, headers=head) == (
        409,
        "in_progress",
        "Idempotency-Key",
    )
    status, first = await running
    assert (status, first["text"]) == (200, "once")
    assert await me.post(path, {"text": "!delay 500ms\n!say once"}, headers=head) == first
    assert len([ask for ask in gateway.model.asks if "once" in ask.prompt]) == 1
    assert (await me.refused("POST", path, {"text": "other"}, headers=head))[:2] == (422, "idempotency_key_reused")
    for body, name in (({"text": "x"}, "a b"), ({"text": "x", "mode": "stream"}, "three")):
        assert (await me.refused("POST", path, body, headers={"Idempotency-Key": name}))[2] == "Idempotency-Key"
    wrong = {"Idempotency-Key": "two"}
    assert (await me.refused("POST", path, {"text": ""}, headers=wrong))[0] == 400
    assert (await me.post(path, {"text": "!say now"}, headers=wrong))["text"] == "now"
    other = await program(gateway, scopes=Scopes())
    made = await other.post("/api/sessions", {"bot": "main"}, headers=head, expected=201)
    assert (await other.post("/api/sessions", {"bot": "main"}, headers=head, expected=201))["id"] == made["id"]


async def test_approvals_are_listed_and_decided_by_their_own_program(gateway: Desk) -> None:
    me, other = await program(gateway), await program(gateway, scopes=Scopes())
    id = await me.session()
    for decision, made in (({"allow": False, "reason": "no"}, False), ({"allow": True}, True)):
        run = await me.begin(id, TOUCH)
        async with asyncio.timeout(PATIENCE):
            while not (open_ := (await me.get("/api/approvals"))["data"]):  # noqa: ASYNC110 (asking signals nothing)
                await asyncio.sleep(0.02)
        (asked,) = open_
        assert (asked["kind"], asked["tool"], asked["session"], asked["turn"]) == ("approval", "Bash", id, run)
        assert "touch made" in asked["detail"]
        path = f"/api/approvals/{asked['id']}"
        assert (await other.get("/api/approvals"))["data"] == []
        assert (await other.refused("POST", path, {"allow": True}))[0] == 404
        assert (await me.refused("POST", path, {"labels": [["x"]]}))[2] == "labels"
        assert (await me.refused("POST", path, {}))[2] == "allow"
        assert (await me.get(path))["id"] == asked["id"]
        await me.post(path, decision)
        await me.ended(run)
        assert (await me.refused("POST", path, {"allow": True}))[0] in (404, 409)
        assert (gateway.workdir / "made").exists() is made
    said = (await me.get(f"/api/sessions/{id}/tool-calls"))["data"]
    assert [(call["name"], call["ok"]) for call in said] == [("Bash", False), ("Bash", True)]


async def test_a_conversation_is_exported(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    await me.say(id, "!say Hello.")
    path = f"/api/sessions/{id}/export"
    assert "**Claude**" in await me.get(path)
    whole = await me.get(path, params={"format": "json"})
    assert [each["text"] for each in whole["messages"]] == ["!say Hello.", "Hello."]
    lines = await me.get(path, params={"format": "transcript"})
    assert {json.loads(line)["sessionId"] for line in lines.splitlines() if '"sessionId"' in line} == {id}
    assert (await me.refused("GET", path, params={"format": "pdf"}))[2] == "format"


@pytest.mark.parametrize("first", [200, 503])
async def test_a_program_is_told_when_its_run_has_ended(tmp_path: Path, first: int) -> None:
    async with (
        desk(tmp_path, gateway={"webhooks": {"secret": SECRET, "allow": ["127.0.0.1"]}}) as it,
        hook(first) as told,
    ):
        me = await program(it)
        run = await me.begin(await me.session(), "!say Hello.", webhook=told.url)
        await me.ended(run)
        async with asyncio.timeout(PATIENCE):
            heard = [await told.next.get() for _ in range(1 if first == 200 else 2)]
        headers, body = heard[-1]
        assert json.loads(body)["text"] == "Hello."
        secret = (await me.get("/api/webhooks/secret"))["secret"]
        assert signed(secret, headers, body) in headers["webhook-signature"].split()
        assert headers["webhook-id"] == f"run_{run}"
        assert heard[0][0]["webhook-id"] == headers["webhook-id"]


async def test_a_program_that_does_not_answer_its_webhook_holds_up_no_turn(tmp_path: Path) -> None:
    async with desk(tmp_path, gateway={"webhooks": {"secret": SECRET, "allow": ["127.0.0.1"]}}) as it:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and nothing is ever said
            me = await program(it)
            id = await me.session()
            told = await me.begin(id, "!say Hello.", webhook=f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
            next = await me.begin(id, "!say Next.")
            assert (await me.ended(told))["text"] == "Hello."
            assert (await me.ended(next))["text"] == "Next."
            await it.bot.tasks.drain(0)  # the webhook would be tried for a minute


async def test_webhooks_go_to_no_private_address(tmp_path: Path) -> None:
    async with desk(tmp_path, gateway={"webhooks": {"secret": SECRET}}) as it, hook(200) as told:
        me = await program(it)
        id = await me.session()
        for url in (
            told.url,
            "https://127.0.0.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://10.0.0.1/x",
            "https://１２７.0.0.1/x",
            "https://①⓪.⓪.⓪.①/x",
            "https://[64:ff9b::10.0.0.1]/x",
            "https://[2002:7f00:1::]/x",
            "https://[::127.0.0.1]/x",
            "https://user:secret@example.com/",
            "ftp://example.com/",
            "https://",
            "https://[bad",
            "not a url",
        ):
            body = {"text": "!say x", "mode": "async", "webhook": url}
            assert await me.refused("POST", f"/api/sessions/{id}/messages", body) == (400, "invalid_request", "webhook")
        # A name is looked up when it is posted to, and leads nowhere private either.
        run = await me.begin(
            id, "!say Hello.", webhook=told.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
        )
        assert (await me.ended(run))["status"] == "finished"
        assert told.next.empty()
        sync = {"text": "x", "webhook": "https://example.com/"}
        assert (await me.refused("POST", f"/api/sessions/{id}/messages", sync))[2] == "webhook"


async def test_a_name_that_leads_to_a_private_address_is_not_posted_to(tmp_path: Path) -> None:
    webhooks = WebhookSettings.model_validate({"secret": SECRET, "allow": ["10.1.0.0/16"]})
    run = Run("1", "key", "main", "room", 0.0, status="finished", ended=1.0)
    async with hook(200) as told:
        for host in ("localhost", "127.0.0.1", "0x7f000001"):
            hooks = Webhooks(webhooks, pauses=())
            async with hooks.opened():
                await hooks.post(replace(run, webhook=told.url.replace("127.0.0.1", host)))
        assert told.next.empty()


async def test_without_a_secret_there_are_no_webhooks(gateway: Desk) -> None:
    me = await program(gateway)
    body = {"text": "x", "mode": "async", "webhook": "https://example.com/"}
    assert (await me.refused("POST", f"/api/sessions/{await me.session()}/messages", body))[2] == "webhook"
    assert (await me.refused("GET", "/api/webhooks/secret"))[:2] == (404, "webhooks_off")


class Hook:
    """A program's own server."""

    def __init__(self, first: int) -> None:
        self.url = ""
        self.next: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.answers = [first]


@asynccontextmanager
async def hook(first: int) -> AsyncGenerator[Hook]:
    """Answers the first time with this status."""
    told = Hook(first)

    async def take(request: web.Request) -> web.Response:
        told.next.put_nowait((dict(request.headers), await request.read()))
        return web.Response(status=told.answers.pop() if told.answers else 204)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield told
    await runner.cleanup()


def signed(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As the Standard Webhooks specification says."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()}"

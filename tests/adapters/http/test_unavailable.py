"""What programs are told while something botkit needs is not there: 503, and when to come again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from structlog.testing import capture_logs

from botkit.keys import Scopes
from botkit.testing.model import LoopbackModel
from botkit.testing.proxy import TcpProxy
from tests.adapters.http.desk import Desk, desk
from tests.adapters.http.program import program

FILE = {"type": "file", "file": {"file_data": "aGk=", "filename": "a.txt"}}


async def test_a_store_that_is_gone_is_said_and_nothing_begins(tmp_path: Path, redis_url: str) -> None:
    socket = redis_url.removeprefix("unix://")
    async with TcpProxy(socket) as proxy, desk(tmp_path, store=f"redis://127.0.0.1:{proxy.port}/0") as it:
        me = await program(it)
        id = await me.session()
        await me.say(id, "!say one")
        asks = len(it.model.asks)
        proxy.refusing = True
        proxy.cut()
        for method, path, body in (
            ("GET", "/api/sessions", None),
            ("POST", f"/api/sessions/{id}/messages", {"text": "!say two"}),
            ("POST", f"/api/sessions/{id}/messages", {"text": "!say two", "mode": "async"}),
            ("POST", "/api/sessions", {"bot": "main"}),
        ):
            assert (await me.refused(method, path, body))[:2] == (503, "unavailable"), path
        async with me.http.get(f"{me.url}/api/sessions", headers={"Authorization": f"Bearer {me.token}"}) as answer:
            assert answer.headers["Retry-After"] == "1"
        assert len(it.model.asks) == asks
        proxy.refusing = False
        assert (await me.say(id, "!history"))["text"].startswith("I see 2 prompts")


async def test_a_claude_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path, pool={"spares": 0}, http={"projects": {"gone": str(tmp_path / "gone")}}) as it:
        me = await program(it, scopes=Scopes(projects=("gone",)))
        id = await me.session(project="gone")
        assert (await me.refused("POST", f"/api/sessions/{id}/messages", {"text": "x"}))[:2] == (
            503,
            "claude_unavailable",
        )
        done = await me.ended(await me.begin(id, "x"))
        assert (done["status"], done["error"]["code"]) == ("failed", "claude_unavailable")


async def test_the_log_says_where_on_the_machine_and_programs_are_not_told(tmp_path: Path) -> None:
    async with desk(tmp_path, pool={"spares": 0}, http={"projects": {"gone": str(tmp_path / "gone")}}) as it:
        me = await program(it, scopes=Scopes(projects=("gone",)))
        id = await me.session(project="gone")
        with capture_logs() as logs:
            told = [await me.ask("POST", f"/api/sessions/{id}/messages", {"text": "x"})]
            async with me.streamed(id, "x") as seen:
                told.append((200, [event async for event in seen]))
            told.append((200, await me.ended(await me.begin(id, "x"))))
        assert str(tmp_path) not in json.dumps(told)
        assert [str(tmp_path / "gone") in line["problem"] for line in logs if line["event"] == "message"] == [True] * 3


async def test_files_that_cannot_be_kept_are_no_ones_business_but_the_operators(gateway: Desk) -> None:
    await asyncio.to_thread((gateway.workdir / ".botkit").write_text, "no folder")
    me = await program(gateway)
    id = await me.session()
    file = {"name": "a.txt", "data": "aGk="}
    with capture_logs() as logs:
        for path, body in (
            (f"/api/sessions/{id}/messages", {"text": "x", "files": [file]}),
            ("/v1/chat/completions", {"model": "main", "messages": [{"role": "user", "content": [FILE]}]}),
            (f"/api/sessions/{id}/files/upload?name=a.txt", b"hi"),
        ):
            data = body if isinstance(body, bytes) else json.dumps(body)
            status, answer = await me.ask("POST", path, data=data)
            assert (status, answer["error"]["code"]) == (503, "unavailable"), answer
            assert str(gateway.root) not in json.dumps(answer)
    lines = [line for line in logs if line["event"] == "files_not_kept"]
    assert [line["folder"] for line in lines if line["problem"]] == [str(gateway.workdir)] * 3


async def test_a_claude_without_credentials_is_said_in_words_for_whoever_can_help(tmp_path: Path) -> None:
    async with LoopbackModel() as model:
        environment = model.environment(tmp_path)
        for name in ("PATH", "HOME", "ANTHROPIC_API_KEY"):
            del environment[name]
        async with desk(tmp_path, bot={"environment": dict(environment)}, model=model) as it:
            me = await program(it)
            status, answer = await me.ask("POST", "/chat", {"text": "hello", "user_id": "ann"})
    assert (status, answer["error"]["code"]) == (503, "claude_not_logged_in")
    assert "botkit doctor" in answer["error"]["message"]
    assert "/login" not in answer["error"]["message"]
    assert not model.asks

"""botkit is killed while programs wait: runs are answered after the restart, once, and nothing else is taken up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import msgspec
import psutil

from botkit.stores import open_store
from botkit.tokens import new_key
from tests.adapters.http.program import Program
from tests.faults.gateway_office import PATIENCE, Office, programs


async def test_only_runs_are_taken_up_after_a_kill_and_told_once(office: Office) -> None:
    async with open_store(office.store) as store, aiohttp.ClientSession() as http:
        key, token = new_key("test", "tests", time.time())
        assert await store.keys.put(key)
        me = Program(http, f"http://127.0.0.1:{office.port}", token.text)
        process = await office.start()
        room, other = await me.session(name="room"), await me.session(name="other")
        waiting = asyncio.create_task(ask(me, other, "!words 100000 50ms"))
        cut = await me.begin(room, "!words 100000 50ms")
        queued = await me.begin(room, "!say I was waiting")
        await office.model.asked("!words 100000")
        async with asyncio.timeout(PATIENCE):
            while len(office.model.asks) < 2:  # noqa: ASYNC110 (the second of two alike signals nothing)
                await asyncio.sleep(0.02)
        workers = psutil.Process(process.pid).children(recursive=True)
        await office.kill(process)
        assert await waiting is None, "its connection broke"
        await asyncio.to_thread(psutil.wait_procs, workers, timeout=3)
        assert not [each for each in workers if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        asked = len(office.model.asks)
        await office.start()
        assert (await me.get(f"/api/runs/{cut}"))["ended"] is None
        async with asyncio.timeout(PATIENCE):
            await office.model.asked("interrupted by a restart")
        assert (await me.post(f"/api/sessions/{room}/stop"))["stopped"] is True
        assert (await me.ended(cut))["status"] == "stopped"
        assert (await me.ended(queued))["text"] == "I was waiting"
        after = [ask.prompt for ask in list(office.model.asks)[asked:]]
        assert len(after) == 2, "what nobody waits for any more is not taken up"
        assert (await me.get(f"/api/sessions/{other}"))["status"] == "idle"
        assert (await me.say(other, "!say still here"))["text"] == "still here"


async def test_a_run_that_ended_is_told_although_botkit_was_killed_meanwhile(office: Office) -> None:
    """The outcome is stored before anybody is told, and the journal's line goes only when somebody was."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    silent = asyncio.Event()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        told.put_nowait(msgspec.json.decode(await reader.readexactly(length)))
        if silent.is_set():
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        else:
            await reader.read()  # says nothing until botkit is dead
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    hook = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server, open_store(office.store) as store, aiohttp.ClientSession() as http:
        key, token = new_key("test", "tests", time.time())
        assert await store.keys.put(key)
        me = Program(http, f"http://127.0.0.1:{office.port}", token.text)
        process = await office.start()
        run = await me.begin(await me.session(), "!say Hello.", webhook=hook)
        async with asyncio.timeout(PATIENCE):
            first = await told.get()
        await office.kill(process)
        silent.set()
        await office.start()
        async with asyncio.timeout(PATIENCE):
            again = await told.get()
        assert (first["id"], first["text"]) == (run, "Hello.")
        assert (again["id"], again["text"]) == (run, "Hello.")
        assert len([ask for ask in office.model.asks if "Hello" in ask.prompt]) == 1


async def ask(me: Program, session: str, text: str) -> Any:
    """The answer; None when the connection broke."""
    try:
        return await me.say(session, text)
    except aiohttp.ClientError:
        return None


async def test_requests_that_a_kill_cut_off_are_repeated_without_doubling_their_turns(office: Office) -> None:
    """Whenever botkit dies between a request and its answer: each of these sends until it is answered."""
    async with programs(office) as (_, (me,)):
        process = await office.start()
        path = f"/api/sessions/{await me.session()}/messages"
        for number, seconds in enumerate((0.0, 0.003, 0.01, 0.03, 0.3)):
            said = f"answer {number}"
            bodies = [{"text": f"!delay 200ms\n!say {said} {mode}", "mode": mode} for mode in ("async", "sync")]
            heads = [{"Idempotency-Key": f"{number}-{body['mode']}"} for body in bodies]
            sent = [
                asyncio.create_task(me.ask("POST", path, body, headers=head))
                for body, head in zip(bodies, heads, strict=True)
            ]
            await asyncio.sleep(seconds)
            await office.kill(process)
            await asyncio.gather(*sent, return_exceptions=True)
            process = await office.start()
            for body, head in zip(bodies, heads, strict=True):
                told = await me.until_told(path, body, head)
                done = await me.ended(told.get("turn") or told["id"])
                assert done["text"] == f"{said} {body['mode']}"
                prompts = [ask.prompt for ask in office.model.asks if done["text"] in ask.prompt]
                assert len([prompt for prompt in prompts if "interrupted" not in prompt]) <= 1
        runs = (await me.get("/api/runs"))["data"]
        assert [run["status"] for run in runs] == ["finished"] * 10

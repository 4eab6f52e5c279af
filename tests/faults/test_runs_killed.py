"""botkit is killed while programs wait: runs are answered after the restart, once, and nothing else is taken up."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from botkit.stores import open_store
from botkit.testing.model import LoopbackModel
from botkit.tokens import new_key
from tests.adapters.http.program import Program

PATIENCE = 30.0
SECRET = "whsec-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Office:
    """botkit as a process of its own that programs use, with the real CLI."""

    root: Path
    store: str
    model: LoopbackModel
    port: int
    processes: list[Process] = field(default_factory=list[Process])

    async def start(self) -> Process:
        with (self.root / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "botkit", "run", "-c", str(self.root / "bots.toml")),
                cwd=self.root,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.root / "home"),
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                },
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
            )
        self.processes.append(process)
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{self.port}/readyz") as ready:
                        if ready.status == 200:
                            return process
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def kill(self, process: Process) -> None:
        process.send_signal(signal.SIGKILL)
        await process.wait()

    def write(self) -> None:
        environment = self.model.environment(self.root / "home")
        del environment["PATH"]
        lines = "\n".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in environment.items())
        (self.root / "home").mkdir()
        (self.root / "work").mkdir()
        (self.root / "bots.toml").write_text(
            f'drain = 5\n[http]\nport = {self.port}\n[store]\nurl = "{self.store}"\n'
            f'[gateway.webhooks]\nsecret = "{SECRET}"\nallow = ["127.0.0.1"]\n'
            f'[bots.main]\nworkdir = "{self.root / "work"}"\n[bots.main.http]\n[bots.main.environment]\n{lines}\n',
            encoding="utf-8",
        )


@pytest.fixture
async def office(tmp_path: Path, store_url: str) -> AsyncGenerator[Office]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    async with LoopbackModel() as model:
        office = Office(tmp_path, store_url, model, port)
        office.write()
        try:
            yield office
        finally:
            for process in office.processes:
                if process.returncode is None:
                    await office.kill(process)


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

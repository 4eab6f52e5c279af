"""botkit behind its gateway as processes that share a store, with the real CLI: to be killed, or to meet."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
import pytest

from botkit.protocols import Store
from botkit.stores import open_store
from botkit.testing.model import LoopbackModel
from botkit.tokens import new_key
from tests.adapters.http.program import Program

PATIENCE = 30.0
SECRET = "whsec-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Office:
    """One of the processes; it may be started again after a kill."""

    root: Path
    name: str
    store: str
    model: LoopbackModel
    port: int
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Process:
        with (self.root / f"{self.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "botkit", "run", "-c", str(self.root / f"{self.name}.toml")),
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
                    async with http.get(f"{self.url}/readyz") as ready:
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
        (self.root / "home").mkdir(exist_ok=True)
        (self.root / "work").mkdir(exist_ok=True)
        (self.root / f"{self.name}.toml").write_text(
            f'drain = 5\n[http]\nport = {self.port}\n[store]\nurl = "{self.store}"\n'
            f'[gateway.webhooks]\nsecret = "{SECRET}"\nallow = ["127.0.0.1"]\n'
            f'[bots.main]\nworkdir = "{self.root / "work"}"\n[bots.main.http]\n[bots.main.environment]\n{lines}\n',
            encoding="utf-8",
        )


@pytest.fixture
async def offices(tmp_path: Path, store_url: str) -> AsyncGenerator[tuple[Office, Office]]:
    """Two with one store, not yet started."""
    ports: list[int] = []
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("127.0.0.1", 0))
            ports.append(int(free.getsockname()[1]))
    async with LoopbackModel() as model:
        one_, two_ = (Office(tmp_path, f"office{n}", store_url, model, port) for n, port in enumerate(ports))
        for office in (one_, two_):
            office.write()
        try:
            yield one_, two_
        finally:
            for office in (one_, two_):
                for process in office.processes:
                    if process.returncode is None:
                        await office.kill(process)


@pytest.fixture
def office(offices: tuple[Office, Office]) -> Office:
    return offices[0]


@asynccontextmanager
async def programs(*offices: Office) -> AsyncGenerator[tuple[Store, tuple[Program, ...]]]:
    """The store, and a program with one key at each of them."""
    async with open_store(offices[0].store) as store, aiohttp.ClientSession() as http:
        key, token = new_key("test", "tests", time.time())
        assert await store.keys.put(key)
        yield store, tuple(Program(http, office.url, token.text) for office in offices)

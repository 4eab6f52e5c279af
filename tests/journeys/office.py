"""An office that uses botkit: a loopback platform, the real CLI with a loopback model, and an operator's config."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from adapters.slack.testing import LoopbackSlack
from botkit.application import Application
from botkit.config import load
from botkit.testing.model import LoopbackModel
from tests.journeys.place import File, Place, Shown, Thread
from tests.journeys.places.slack import SlackPlace

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds a person in a journey waits: the CLI needs up to two to start on a busy machine."""


@dataclass
class Office:
    """People write in a place; `root` holds the config, the workdir and Claude's home."""

    place: Place
    model: LoopbackModel
    root: Path
    store: str
    options: dict[str, str] = field(default_factory=dict[str, str])
    """More lines for a table of the config, by the table's name."""
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def slack(self) -> LoopbackSlack:
        """The loopback Slack, for journeys that only Slack knows."""
        assert isinstance(self.place, SlackPlace)
        return self.place.slack

    @property
    def workdir(self) -> Path:
        return self.root / "work"

    @property
    def config(self) -> Path:
        return self.root / "bots.toml"

    def write_config(self) -> None:
        """The config as it is now; `options` override what stands here."""
        everybody = ", ".join(f'"{self.place.id(name)}"' for name in ("alice", "bob"))
        boss = self.place.id("carol")
        tables = {
            "http": "port = 0",
            "store": f'url = "{self.store}"',
            "claude.pool": "spares = 1\nmax_workers = 4",
            "bots.main": f'workdir = "{self.workdir}"',
            "bots.main.environment": "\n".join(f'{key} = "{value}"' for key, value in self._claude().items()),
            "bots.main.access": f'allow_users = [{everybody}]\napprovers = ["{boss}"]\nstrangers = "tell"',
            f"bots.main.{self.place.table}": self.place.settings,
        }
        for name, lines in self.options.items():
            tables[name] = f"{tables[name]}\n{lines}" if name in tables else lines
        text = "\n\n".join(f"[{name}]\n{lines}" for name, lines in tables.items())
        self.workdir.mkdir(exist_ok=True)
        self.config.write_text(f"drain = 5\n\n{text}\n", encoding="utf-8")

    def _claude(self) -> Mapping[str, str]:
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        environment = self.model.environment(home)
        del environment["PATH"]
        return environment

    @property
    def environ(self) -> dict[str, str]:
        """botkit's own environment: nothing of the machine's but the path."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            **self.place.secrets,
        }

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        """botkit in this process."""
        self.write_config()
        async with Application(load(self.config, self.environ), self.environ) as application:
            await self.place.connected(PATIENCE)
            yield application

    async def start(self) -> Process:
        """botkit as a process of its own, for journeys in which it dies."""
        self.write_config()
        with (self.root / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "botkit", "run", "-c", str(self.config)),
                env=self.environ,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        await self.place.connected(PATIENCE)
        return process

    async def close(self) -> None:
        """End what a journey that failed has left."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def end(self, process: Process, how: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            code = await process.wait()
        if all(each.returncode is not None for each in self.processes):
            await self.place.gone(PATIENCE)
        return code

    async def mention(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> Thread:
        """Address the bot in the channel; gives the thread that its answer will stand in."""
        return await self.place.mention(text, person=person, files=files)

    async def direct(self, text: str, *, person: str = "alice", files: Sequence[File] = ()) -> Thread:
        """Write to the bot alone; gives all direct messages with it."""
        return await self.place.direct(text, person=person, files=files)

    def shown(self, thread: Thread) -> list[str]:
        """What the bot shows in a thread, top to bottom."""
        return [post.shown for post in thread.posts()]

    def posts(self, thread: Thread) -> Sequence[Shown]:
        return thread.posts()

    async def seen(self, holds: Callable[[], T], within: float = PATIENCE) -> T:
        """Wait for what the platform, or the model, shows."""
        return await self.place.until(holds, within)

    async def until(self, thread: Thread, holds: Callable[[list[str]], bool]) -> list[str]:
        """Wait until something holds for what the bot shows in a thread."""
        try:
            await self.place.until(lambda: holds(self.shown(thread)), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"the thread only shows {self.shown(thread)}") from None
        return self.shown(thread)

    async def until_shown(self, thread: Thread, text: str) -> Shown:
        """Wait for a bot message with a text in a thread."""
        await self.until(thread, lambda shown: any(text in each for each in shown))
        return next(post for post in self.posts(thread) if text in post.shown)

"""An office that uses botkit: a loopback Slack, the real CLI with a loopback model, and an operator's config."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.slack.testing import LoopbackSlack, Post
from botkit.application import Application
from botkit.config import load
from botkit.testing.model import LoopbackModel

PATIENCE = 20.0
"""Seconds a person in a journey waits: the CLI needs up to two to start on a busy machine."""


@dataclass
class Office:
    """People write in Slack; `root` holds the config, the workdir and Claude's home."""

    slack: LoopbackSlack
    model: LoopbackModel
    root: Path
    store: str
    options: dict[str, str] = field(default_factory=dict[str, str])
    """More lines for a table of the config, by the table's name."""
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def workdir(self) -> Path:
        return self.root / "work"

    @property
    def config(self) -> Path:
        return self.root / "bots.toml"

    def write_config(self) -> None:
        """The config as it is now; `options` override what stands here."""
        everybody = ", ".join(f'"{self.slack.person(name).id}"' for name in ("alice", "bob"))
        boss = self.slack.person("carol").id
        tables = {
            "http": "port = 0",
            "store": f'url = "{self.store}"',
            "claude.pool": "spares = 1\nmax_workers = 4",
            "bots.main": f'workdir = "{self.workdir}"',
            "bots.main.environment": "\n".join(f'{key} = "{value}"' for key, value in self._claude().items()),
            "bots.main.access": f'allow_users = [{everybody}]\napprovers = ["{boss}"]\nstrangers = "tell"',
            "bots.main.slack": f'bot_token = "${{SLACK_BOT_TOKEN}}"\napp_token = "${{SLACK_APP_TOKEN}}"\n'
            f'api_url = "{self.slack.url}"\nstatus = "off"\nedits_per_minute = 1200',
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
            "SLACK_BOT_TOKEN": self.slack.app.bot_token,
            "SLACK_APP_TOKEN": self.slack.app.app_token,
        }

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        """botkit in this process."""
        self.write_config()
        async with Application(load(self.config, self.environ), self.environ) as application:
            await self.slack.connected()
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
        await self.slack.connected(within=PATIENCE)
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
            return await process.wait()

    async def mention(self, text: str, *, person: str = "alice", thread: Post | None = None) -> Post:
        """Address the bot in #general; returns the person's message, which is the thread's root without `thread`."""
        return await self.slack.say(person, "general", f"{self.slack.app.mention} {text}", thread)

    def shown(self, thread: Post) -> list[str]:
        """What the bot shows in a thread, top to bottom."""
        return [post.shown for post in self.posts(thread)]

    def posts(self, thread: Post) -> list[Post]:
        return [
            post
            for post in self.slack.messages(thread.channel, thread)
            if post.app is not None and not post.deleted and post.ts != thread.ts
        ]

    async def until(self, thread: Post, holds: Callable[[list[str]], bool]) -> list[str]:
        """Wait until something holds for what the bot shows in a thread."""
        try:
            await self.slack.until(lambda: holds(self.shown(thread)), within=PATIENCE)
        except TimeoutError:
            raise AssertionError(f"the thread only shows {self.shown(thread)}") from None
        return self.shown(thread)

    async def until_shown(self, thread: Post, text: str) -> Post:
        """Wait for a bot message with a text in a thread."""
        await self.until(thread, lambda shown: any(text in each for each in shown))
        return next(post for post in self.posts(thread) if text in post.shown)

"""A Discord server that uses botkit: the loopback Discord, the real CLI with a loopback model, an operator's config."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.discord.testing import Channel, LoopbackDiscord, Post
from botkit.application import Application
from botkit.config import load
from botkit.testing.model import LoopbackModel

PATIENCE = 20.0
"""Seconds a person in a journey waits: the CLI needs up to two to start on a busy machine."""


@dataclass
class Office:
    """People write in Discord; `root` holds the config, the workdir and Claude's home."""

    discord: LoopbackDiscord
    model: LoopbackModel
    root: Path
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def workdir(self) -> Path:
        return self.root / "work"

    @property
    def config(self) -> Path:
        return self.root / "bots.toml"

    @property
    def environ(self) -> dict[str, str]:
        """botkit's own environment: nothing of the machine's but the path."""
        token = self.discord.token
        return {"PATH": os.environ["PATH"], "HOME": str(self.root / "home"), "DISCORD_BOT_TOKEN": token}

    def write_config(self) -> None:
        home = self.root / "home"
        for folder in (home, self.workdir):
            folder.mkdir(exist_ok=True)
        claude = {key: value for key, value in self.model.environment(home).items() if key != "PATH"}
        people = ", ".join(f'"{self.discord.person(name).id}"' for name in ("alice", "bob"))
        tables = {
            "http": "port = 0",
            "store": f'url = "sqlite:///{self.root / "botkit.db"}"',
            "claude.pool": "spares = 1\nmax_workers = 4",
            "bots.main": f'workdir = "{self.workdir}"',
            "bots.main.environment": "\n".join(f'{key} = "{value}"' for key, value in claude.items()),
            "bots.main.access": f"allow_users = [{people}]",
            "bots.main.discord": f'bot_token = "${{DISCORD_BOT_TOKEN}}"\napi_url = "{self.discord.url}"\n'
            f'gateway_url = "{self.discord.gateway_url}"',
        }
        text = "\n\n".join(f"[{name}]\n{lines}" for name, lines in tables.items())
        self.config.write_text(f"drain = 5\n\n{text}\n", encoding="utf-8")

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        """botkit in this process."""
        self.write_config()
        async with Application(load(self.config, self.environ), self.environ) as application:
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
        await self.discord.connected(within=PATIENCE)
        return process

    async def end(self, process: Process, how: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            return await process.wait()

    async def close(self) -> None:
        """End what a journey that failed has left."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def mention(self, text: str) -> Channel:
        """Alice addresses the bot in #general; returns the thread in which it answers."""
        said = await self.discord.say("alice", "general", f"{self.discord.app.mention} {text}")
        await self.discord.until(lambda: said.thread, within=PATIENCE)
        assert said.thread is not None
        return said.thread

    def posts(self, where: Channel) -> list[Post]:
        return [post for post in self.discord.messages(where) if post.app is not None]

    async def until_shown(self, where: Channel, text: str) -> Post:
        """Wait for a bot message with a text."""

        def found() -> Post | None:
            return next((post for post in self.posts(where) if text in post.shown), None)

        try:
            post = await self.discord.until(found, within=PATIENCE)
        except TimeoutError:
            shown = [post.shown for post in self.posts(where)]
            raise AssertionError(f"{text!r} is not there, only {shown}") from None
        assert post is not None
        return post

"""A company that uses botkit in Feishu: a loopback Feishu, the real CLI with a loopback model, a config."""

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

from adapters.feishu.testing import Chat, LoopbackFeishu, Post
from botkit.application import Application
from botkit.config import load
from botkit.testing.model import LoopbackModel

PATIENCE = 20.0
"""Seconds a person in a journey waits: the CLI needs up to two to start on a busy machine."""


@dataclass
class Office:
    """People write in Feishu; `root` holds the config, the workdir and Claude's home."""

    feishu: LoopbackFeishu
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
        secret = self.feishu.app.secret
        return {"PATH": os.environ["PATH"], "HOME": str(self.root / "home"), "FEISHU_APP_SECRET": secret}

    def write_config(self) -> None:
        home = self.root / "home"
        for folder in (home, self.workdir):
            folder.mkdir(exist_ok=True)
        claude = {key: value for key, value in self.model.environment(home).items() if key != "PATH"}
        people = ", ".join(f'"{self.feishu.open_id(name)}"' for name in ("alice", "bob"))
        tables = {
            "http": "port = 0",
            "store": f'url = "sqlite:///{self.root / "botkit.db"}"',
            "claude.pool": "spares = 1\nmax_workers = 4",
            "bots.main": f'workdir = "{self.workdir}"',
            "bots.main.environment": "\n".join(f'{key} = "{value}"' for key, value in claude.items()),
            "bots.main.access": f"allow_users = [{people}]",
            "bots.main.feishu": f'app_id = "{self.feishu.app.id}"\napp_secret = "${{FEISHU_APP_SECRET}}"\n'
            f'domain = "{self.feishu.url}"',
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
        await self.feishu.connected(within=PATIENCE)
        return process

    async def end(self, process: Process, how: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            code = await process.wait()
        await self.feishu.until(lambda: not self.feishu.connections(), within=PATIENCE)
        return code

    async def close(self) -> None:
        """End what a journey that failed has left."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def mention(self, text: str, who: str = "alice") -> Post:
        """Somebody addresses the bot in the group; returns the message, whose topic the answers are in."""
        return await self.feishu.say(who, "general", f"{self.feishu.app.mention} {text}")

    def posts(self, where: Post | Chat) -> list[Post]:
        """What the bot has posted in a message's topic, or in a chat."""
        if isinstance(where, Chat):
            return [post for post in self.feishu.messages(where) if post.author is self.feishu.app]
        found = self.feishu.messages(where.chat, where.thread_id) if where.thread_id else []
        return [post for post in found if post.author is self.feishu.app]

    async def until_shown(self, where: Post | Chat, text: str) -> Post:
        """Wait for a bot message with a text."""

        def found() -> Post | None:
            return next((post for post in self.posts(where) if text in post.shown), None)

        try:
            post = await self.feishu.until(found, within=PATIENCE)
        except TimeoutError:
            shown = [post.shown for post in self.posts(where)]
            raise AssertionError(f"{text!r} is not there, only {shown}") from None
        assert post is not None
        return post

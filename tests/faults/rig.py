"""botkit as a process of its own between a loopback Slack and a stand-in CLI, for tests in which something dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from adapters.slack.testing import LoopbackSlack, Post
from tests.faults import claude

PATIENCE = 20.0
"""Seconds for what takes a second on a machine with nothing else to do."""
SECRET = "xoxb-this-must-be-seen-nowhere"


@dataclass
class Rig:
    """`root` holds the config, the log, botkit's home and Claude's; every path in it is this rig's alone."""

    slack: LoopbackSlack
    root: Path
    store: str = ""
    options: dict[str, str] = field(default_factory=dict[str, str])
    """More lines for a table of the config, by the table's name."""
    drain: float = 5.0
    processes: list[Process] = field(default_factory=list[Process])
    port: int = 0
    over_http: bool = False
    """Slack delivers to a URL, not over a socket."""
    command: tuple[str, ...] = (sys.executable, "-m", "botkit")
    """What starts botkit."""
    cli: tuple[str, ...] = (sys.executable, "-S", "-E", str(Path(claude.__file__)))

    @property
    def config(self) -> Path:
        return self.root / "bots.toml"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def home(self) -> Path:
        """Claude's. Whoever has it in its environment is a worker, or what a worker has started."""
        return self.root / "claude-home"

    @property
    def ledger(self) -> Path:
        return self.home / "ledger"

    def write_config(self) -> None:
        """The config as it is now; `options` come after what stands here."""
        people = ", ".join(f'"{self.slack.person(name).id}"' for name in ("alice", "bob"))
        store = self.store or f"sqlite:///{self.root / 'botkit.db'}"
        tables = {
            "http": f"port = {self.port}",
            "log": 'format = "json"',
            "store": f'url = "{store}"',
            "claude": f"command = {msgspec.json.encode(self.cli).decode()}",
            "claude.pool": "spares = 1\nmax_workers = 4",
            "bots.main": f'workdir = "{self.root / "work"}"\nqueue = 100',
            "bots.main.environment": f'HOME = "{self.home}"',
            "bots.main.access": f"allow_users = [{people}]",
            "bots.main.slack": f'bot_token = "${{SLACK_BOT_TOKEN}}"\n{self._way_in()}\n'
            f'api_url = "{self.slack.url}"\nstatus = "off"\nedits_per_minute = 1200',
        }
        for name, lines in self.options.items():
            tables[name] = f"{tables[name]}\n{lines}" if name in tables else lines
        text = "\n\n".join(f"[{name}]\n{lines}" for name, lines in tables.items())
        for folder in (self.root / "work", self.home, self.root / "home"):
            folder.mkdir(exist_ok=True)
        self.config.write_text(f"drain = {self.drain}\n\n{text}\n", encoding="utf-8")

    def _way_in(self) -> str:
        if self.over_http:
            return f'signing_secret = "{self.slack.app.signing_secret}"'
        return 'app_token = "${SLACK_APP_TOKEN}"'

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "SLACK_BOT_TOKEN": self.slack.app.bot_token,
            "SLACK_APP_TOKEN": self.slack.app.app_token,
            "SOME_SECRET": SECRET,
        }

    async def start(self, *, connected: bool = True, more: Mapping[str, str] | None = None) -> Process:
        self.write_config()
        begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(*self.command, "run", "-c", str(self.config)),
                env={**self.environ, **(more or {})},
                cwd=self.root,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        if connected:
            await self.slack.connected(within=PATIENCE)
            await self.until_logged("ready", begins)
        return process

    async def until_logged(self, event: str, begins: int = 0, within: float = PATIENCE) -> None:
        async with asyncio.timeout(within):
            while not self.logged(event, begins):  # noqa: ASYNC110 (a file signals nothing)
                await asyncio.sleep(0.02)

    async def end(self, process: Process, how: signal.Signals = signal.SIGTERM, within: float = PATIENCE) -> int:
        process.send_signal(how)
        async with asyncio.timeout(within):
            return await process.wait()

    async def doctor(self) -> str:
        """What `botkit doctor` says."""
        process = await asyncio.create_subprocess_exec(
            *(*self.command, "doctor", "-c", str(self.config)),
            env=self.environ,
            cwd=self.root,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            return (await process.communicate())[0].decode()

    async def close(self) -> None:
        """End what a test that failed has left."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        for left in self.workers():
            left.kill()

    async def ask(self, number: int, channel: str = "general", thread: Post | None = None, more: str = "") -> Post:
        """Put question N; the CLI's answer ends with `done N.`"""
        return await self.slack.say("alice", channel, f"{self.slack.app.mention} q{number} {more}".rstrip(), thread)

    def posts(self, thread: Post) -> list[Post]:
        """The bot's messages in a thread."""
        found = self.slack.messages(thread.channel, thread.thread_ts or thread.ts)
        return [post for post in found if post.app is not None]

    def shown(self, thread: Post) -> str:
        return "\n---\n".join(post.shown for post in self.posts(thread))

    async def until_shown(self, thread: Post, text: str, within: float = PATIENCE) -> None:
        await self.until(lambda: text in self.shown(thread), lambda: self.shown(thread), within)

    async def until(self, holds: Callable[[], bool], what: Callable[[], object], within: float = PATIENCE) -> None:
        try:
            await self.slack.until(holds, within=within)
        except TimeoutError as problem:
            raise AssertionError(f"{what()}\n{problem}\n{self.tail()}") from None

    def ended(self, thread: Post, number: int) -> bool:
        """The answer to question N stands there, finished."""
        over = [post.shown for post in self.posts(thread) if post.stream is None and "Working…" not in post.shown]
        return any(f"done {number}." in shown for shown in over)

    async def until_ended(self, thread: Post, *numbers: int, within: float = PATIENCE) -> None:
        await self.until(
            lambda: all(self.ended(thread, number) for number in numbers), lambda: self.shown(thread), within
        )

    def turns(self) -> list[int]:
        """The questions in the order in which the CLI was given them."""
        return [int(line.split()[1]) for line in self._ledger("turns")]

    def violations(self) -> list[str]:
        """Sessions that two processes had at once."""
        return self._ledger("violations")

    def _ledger(self, name: str) -> list[str]:
        path = self.ledger / name
        return path.read_text().splitlines() if path.exists() else []

    def logged(self, event: str, begins: int = 0) -> list[dict[str, object]]:
        """The lines of botkit's log with that event, from a place in it on."""
        needle = f'"event":"{event}"'.encode()
        lines = self.log.read_bytes()[begins:].splitlines() if self.log.exists() else []
        return [msgspec.json.decode(line, type=dict[str, object]) for line in lines if needle in line]

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(line[:400] for line in lines[-25:])

    def workers(self) -> list[psutil.Process]:
        """Live CLIs and tools of this rig, whoever their parent is."""
        needle = f"HOME={self.home}".encode()
        found: list[psutil.Process] = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and needle in (entry / "environ").read_bytes().split(b"\0"):
                    process = psutil.Process(int(entry.name))
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
            except (OSError, psutil.Error):
                continue
        return found

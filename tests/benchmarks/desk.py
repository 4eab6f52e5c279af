"""botkit in Slack on this machine, with the real CLI and a loopback model, for measuring what a person waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.slack.testing import ApiCall, LoopbackSlack
from botkit.assemble import adapters_of, middleware_of, routes_of
from botkit.bot import Bot
from botkit.claude.install import bundled_command
from botkit.claude.pool import Pool
from botkit.claude.process import use_pidfd_watcher
from botkit.claude.runner import ClaudeRunner
from botkit.config import build
from botkit.errors import ClaudeMissing
from botkit.events import Decision, TextDelta, TurnEvent, TurnFinished
from botkit.expand import Toml
from botkit.history import Said
from botkit.leases import owner
from botkit.model import PLAIN, Conversation, Message, Overrides, Session, Turn, User
from botkit.protocols import Runner
from botkit.redact import Redactor
from botkit.stores import open_store
from botkit.surroundings import CliCommand, Surroundings
from botkit.testing.model import LoopbackModel
from botkit.testing.model_directives import directives
from botkit.testing.model_script import Ask, Step

PATIENCE = 30.0
"""Seconds a person here waits."""
LOOK = 0.02
"""Seconds between two looks at the pool, which tells nobody when a spare is ready."""


class Stamped:
    """A runner that notes when a turn reaches it, when its first word comes out and when its outcome does."""

    def __init__(self, runner: Runner) -> None:
        self.asked: list[float] = []
        self.spoken: list[float] = []
        self.ended: list[float] = []
        self._runner = runner

    @asynccontextmanager
    async def start(self, turn: Turn) -> AsyncGenerator[AsyncIterator[TurnEvent]]:
        self.asked.append(time.monotonic())
        async with self._runner.start(turn) as events:
            yield self._stamp(events)

    async def _stamp(self, events: AsyncIterator[TurnEvent]) -> AsyncGenerator[TurnEvent]:
        first = True
        async for event in events:
            if first and isinstance(event, TextDelta):
                self.spoken.append(time.monotonic())
                first = False
            elif isinstance(event, TurnFinished):
                self.ended.append(time.monotonic())
            yield event

    async def reserve(self, overrides: Overrides = PLAIN, *, stateless: bool = False) -> str:
        return await self._runner.reserve(overrides, stateless=stateless)

    async def stop(self, session: str) -> bool:
        return await self._runner.stop(session)

    async def answer(self, request: str, decision: Decision) -> bool:
        return await self._runner.answer(request, decision)

    async def warm(self, session: Session | None) -> bool:
        return await self._runner.warm(session)

    @property
    def live(self) -> Collection[str]:
        return self._runner.live

    async def park(self, session: str) -> bool:
        return await self._runner.park(session)

    async def history(self, session: str) -> Sequence[Said]:
        return await self._runner.history(session)

    async def forget(self, session: str) -> bool:
        return await self._runner.forget(session)

    async def fork(self, session: Session, id: str) -> bool:
        return await self._runner.fork(session, id)

    async def commands(self, session: Session) -> Sequence[CliCommand] | None:
        return await self._runner.commands(session)

    def surroundings(self, session: Session) -> Surroundings:
        return self._runner.surroundings(session)


@dataclass
class Desk:
    """People write in threads of their own; `requests` are the times at which questions reached the model."""

    slack: LoopbackSlack
    bot: Bot
    pool: Pool
    runner: Stamped
    requests: list[float]
    numbers: int = 0
    threads: dict[str, Conversation] = field(default_factory=dict[str, Conversation])

    async def thread(self, channel: str) -> Conversation:
        """A thread in a channel of its own, so that no limit of Slack's on a channel is in the way."""
        where = self.slack.channel(channel, self.slack.person("alice"), self.slack.app)
        root = await self.slack.say("alice", where, "hello everybody")
        return Conversation("slack", self.slack.team.id, where.id, root.ts)

    async def ask(self, where: Conversation, text: str) -> float:
        """Hand a message to the bot; returns when that was."""
        self.numbers += 1
        author = User(self.slack.person("alice").id, "alice")
        message = Message(f"ask{self.numbers}", where, author, text, time.time())
        began = time.monotonic()
        await self.bot.deliver(message)
        return began

    async def posted(self, where: Conversation, since: float) -> float:
        """When the first post for a thread reached Slack."""
        return await self.slack.record.until(lambda: _first(self.slack.record.calls, where, since), PATIENCE)

    async def done(self) -> None:
        """Wait until every answer stands."""
        await self.bot.tasks.drain(PATIENCE)

    async def warm(self, spares: int) -> None:
        """Wait until so many spares are ready."""
        async with asyncio.timeout(PATIENCE):
            while sum(self.pool.state(each) == "spare" for each in self.pool.workers) < spares:  # noqa: ASYNC110
                await asyncio.sleep(LOOK)

    async def leave(self, where: Conversation) -> None:
        """Close a thread's worker, so that the next one finds the machine as this one did."""
        session = await self.bot.store.session(f"{self.bot.name}/{where.key}")
        if session is not None:
            await self.runner.park(session.id)


@asynccontextmanager
async def opened(root: Path, *, spares: int, workers: int) -> AsyncGenerator[tuple[Desk, LoopbackModel]]:
    """A bot as `botkit run` makes it, over SQLite, with all spares warm."""
    use_pidfd_watcher()
    requests: list[float] = []

    def script(ask: Ask) -> Sequence[Step]:
        requests.append(time.monotonic())
        return directives(ask)

    async with LoopbackSlack(limits=False) as slack, LoopbackModel(script) as model:
        desk = _desk(root, slack, model.environment(root), requests, spares=spares, workers=workers)
        async with desk as ready:
            await ready.warm(spares)
            yield ready, model


@asynccontextmanager
async def _desk(
    root: Path,
    slack: LoopbackSlack,
    environ: Mapping[str, str],
    requests: list[float],
    *,
    spares: int,
    workers: int,
) -> AsyncGenerator[Desk]:
    workdir = root / "work"
    workdir.mkdir(exist_ok=True)
    slack_settings: dict[str, Toml] = {
        "bot_token": slack.app.bot_token,
        "app_token": slack.app.app_token,
        "api_url": slack.url,
    }
    tree: dict[str, Toml] = {
        "store": {"url": f"sqlite:///{root / 'bench.db'}"},
        "claude": {"command": [str(claude())], "pool": {"spares": spares, "max_workers": workers, "memory": 1_000_000}},
        "bots": {
            "main": {
                "workdir": str(workdir),
                "access": {"allow_users": ["*"]},
                "slack": {**slack_settings, "status": "off", "edits_per_minute": 1200, "catch_up": 0},
            }
        },
    }
    config = build(tree, {}, root=root)
    bot_config = config.bots["main"]
    async with (
        open_store(config.store.url) as store,
        Pool(config.pool, config.turn, ambient=environ) as pool,
        ClaudeRunner(bot_config.profile, pool) as claude_runner,
    ):
        runner = Stamped(claude_runner)
        bot = Bot(
            "main",
            settings=bot_config.settings,
            adapters=adapters_of(bot_config),
            routes=routes_of(bot_config),
            middleware=middleware_of(bot_config),
            runner=runner,
            store=store,
            owner=owner(),
            access=bot_config.access,
            limits=bot_config.limits,
            redactor=Redactor(config.secrets),
        )
        async with bot:
            await slack.record.until(lambda: bot.connected == set(bot.adapters), PATIENCE)
            yield Desk(slack, bot, pool, runner, requests)


def claude() -> Path:
    """The bundled CLI, which all that is compared here uses."""
    found = bundled_command()
    if found is None:
        raise ClaudeMissing("the benchmarks need the CLI of `botkit[claude]`")
    return found


def _first(calls: Sequence[ApiCall], where: Conversation, since: float) -> float:
    for call in calls:
        if call.at >= since and call.method == "chat.postMessage" and call.arguments.get("channel") == where.channel:
            return call.at
    return 0.0

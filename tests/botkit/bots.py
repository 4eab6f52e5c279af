"""Bots for tests: a real bot with real handlers over a memory store, a memory platform and a scripted runner."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from botkit.access import Access
from botkit.assemble import middleware_of, routes_of
from botkit.bot import Bot, BotSettings
from botkit.claude.options import Profile
from botkit.config import BotConfig
from botkit.display import Display
from botkit.leases import owner
from botkit.limits import Limits
from botkit.protocols import Store
from botkit.redact import Redactor
from botkit.stores.memory import MemoryStore
from botkit.testing.memory_adapter import MemoryAdapter
from botkit.testing.scripted_runner import ScriptedRunner

EVERYBODY = Access(allow_users=frozenset({"*"}), approvers=frozenset({"boss"}))
HANDLERS = ("commands", "permissions", "chat")
MIDDLEWARE = ("errors", "log", "refusals", "lane", "session", "attachments")


@dataclass
class Parts:
    """What a test bot is made of; change a part before `bot()`."""

    workdir: Path
    store: Store = field(default_factory=MemoryStore)
    runner: ScriptedRunner = field(default_factory=ScriptedRunner)
    adapter: MemoryAdapter = field(default_factory=MemoryAdapter)
    access: Access = EVERYBODY
    limits: Limits = field(default_factory=Limits)
    secrets: frozenset[str] = frozenset()
    owner: str = field(default_factory=owner)
    settings: dict[str, object] = field(default_factory=dict[str, object])

    def bot(self) -> Bot:
        usual = {"drain": 1.0, "display": Display(footer=False)}
        settings = BotSettings(self.workdir, **{**usual, **self.settings})  # type: ignore[arg-type]
        config = BotConfig(
            name="main",
            adapters={},
            handlers=HANDLERS,
            middleware=MIDDLEWARE,
            settings=settings,
            profile=Profile(self.workdir),
            access=self.access,
            limits=self.limits,
        )
        return Bot(
            "main",
            settings=settings,
            adapters=[self.adapter],
            routes=routes_of(config),
            middleware=middleware_of(config),
            runner=self.runner,
            store=self.store,
            owner=self.owner,
            access=self.access,
            limits=self.limits,
            redactor=Redactor(self.secrets),
        )

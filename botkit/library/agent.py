"""Ask Claude from one's own program: one call for an answer, or its events as they come."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack, cast

import structlog

from botkit.application import Application
from botkit.bot import Bot
from botkit.config import Config, build
from botkit.errors import BotkitError, ConfigError
from botkit.events import (
    ApprovalAsked,
    Decision,
    Deny,
    QuestionAsked,
    TextDelta,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.expand import Toml
from botkit.history import Said
from botkit.library.adapter import NAME, LibraryAdapter
from botkit.logs import configure
from botkit.model import Conversation, PermissionMode
from botkit.protocols import Store
from botkit.tasks import Tasks

PLUGIN = "botkit.library.adapter:plugin"
BOT = "agent"
NOBODY = "Nobody is there to approve this: the program that asks has no `approve`."

Approve = Callable[[ApprovalAsked | QuestionAsked], "Decision | Awaitable[Decision]"]
"""Decides what Claude asks: `Allow()`, `Deny(reason)`, or `Answer(labels)` for a question."""


class Options(TypedDict, total=False):
    """How Claude runs: the keys of a bot's table in bots.toml, with the same meanings and defaults."""

    model: str
    fallback_model: str
    permission_mode: PermissionMode
    allowed_tools: Sequence[str]
    disallowed_tools: Sequence[str]
    append_system_prompt: str
    agents: str
    mcp_config: Sequence[str]
    settings: str
    add_dirs: Sequence[str]
    effort: str
    environment: Mapping[str, str]
    prompt_caching: bool
    turn_budget: float
    launcher: Sequence[str]
    trust_workdir: bool
    slash_commands: bool
    session_idle: str | float
    approval_timeout: str | float
    queue: int


class TurnError(BotkitError):
    """The turn failed; `outcome` says why and what it took, `text` is what Claude had said until then."""

    def __init__(self, outcome: TurnFailed, text: str = "") -> None:
        super().__init__(f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason)
        self.outcome, self.text = outcome, text


class Agent:
    """Claude Code with a session for each user, kept between calls.

    Use it as `async with Agent(...) as agent`, or call `close` at the end: it owns live processes.
    """

    def __init__(
        self,
        workdir: str | Path = ".",
        *,
        store: str | Store = "memory://",
        approve: Approve | None = None,
        spares: int = 1,
        max_workers: int = 8,
        environ: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """`workdir`: the folder Claude works in. `store`: a URL as in bots.toml, or a `Store` of one's own (not yet
        entered). `approve`: without it, what would need a person is denied. `spares`: processes started ahead of need.
        `environ`: the variables Claude sees some of, by default this process's. Raises ConfigError for wrong options.
        """
        if not Path(workdir).is_dir():
            raise ConfigError(f"there is no such folder: {workdir}", key="workdir")
        self._environ = dict(os.environ if environ is None else environ)
        self._store = None if isinstance(store, str) else store
        self._approve = approve
        self._slash_commands = options.get("slash_commands", False)
        url = store if isinstance(store, str) else "memory://"
        pool: dict[str, Toml] = {"spares": spares, "max_workers": max_workers}
        self._config = _config(Path(workdir), url, pool, options, self._environ)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._bot: Bot | None = None
        self._closed = False
        self._deciding = Tasks()

    async def __aenter__(self) -> Agent:
        await self._open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the processes; running turns have a few seconds to finish."""
        self._closed = True
        async with self._opening:  # what is opening just now is closed as well
            self._bot = None
            await self._deciding.drain(0.0)
            await self._stack.aclose()

    async def chat(self, text: str, *, user_id: str = "", files: Sequence[str | Path] = ()) -> TurnFinished:
        """The answer (`.text`, `.usage`), in the user's session. Raises TurnError when the turn fails."""
        said: list[str] = []
        async with aclosing(self.stream(text, user_id=user_id, files=files)) as events:
            async for event in events:
                match event:
                    case TurnFinished():
                        return event
                    case TurnFailed():
                        raise TurnError(event, "".join(said))
                    case TextDelta(text=more, parent=""):
                        said.append(more)
                    case _:
                        pass
        raise TurnError(TurnFailed("interrupted"), "".join(said))

    async def stream(
        self, text: str, *, user_id: str = "", files: Sequence[str | Path] = ()
    ) -> AsyncGenerator[TurnEvent]:
        """What happens in the turn, as it happens; the last event is the outcome. Leaving early stops the turn."""
        bot, adapter = await self._open()
        where = _conversation(user_id)
        paths, verbatim = [Path(path) for path in files], not self._slash_commands
        async with adapter.ask(bot, text, where, user_id or "-", paths, verbatim=verbatim) as events:
            async for event in events:
                if isinstance(event, ApprovalAsked | QuestionAsked):
                    self._deciding.start(self._decide(bot, event), f"decide-{event.id}")
                yield event

    async def history(self, user_id: str = "") -> Sequence[Said]:
        """What was said in the user's session, oldest first."""
        bot, _ = await self._open()
        session = await bot.store.session(_key(user_id))
        return await bot.runner.history(session.id) if session is not None else ()

    async def clear(self, user_id: str = "") -> bool:
        """Forget the user's session, also on disk; False while a turn of it runs."""
        bot, _ = await self._open()
        session = await bot.store.session(_key(user_id))
        if session is None:
            return True
        if not await bot.runner.forget(session.id):
            return False
        await bot.store.save_session(replace(session, conversation=""))
        return True

    async def _open(self) -> tuple[Bot, LibraryAdapter]:
        async with self._opening:
            if self._closed:
                raise BotkitError("the agent is closed")
            if self._bot is None:
                if not structlog.is_configured():
                    configure("warning", "auto", self._config.secrets)
                application = Application(self._config, self._environ, serving=False, store=self._store)
                self._bot = (await self._stack.enter_async_context(application)).bots[BOT]
        adapter = self._bot.adapters[NAME]
        assert isinstance(adapter, LibraryAdapter)
        return self._bot, adapter

    async def _decide(self, bot: Bot, asked: ApprovalAsked | QuestionAsked) -> None:
        decision: Decision = Deny(NOBODY)
        try:
            if self._approve is not None:
                decision = Deny("the program that was asked failed")
                decided = self._approve(asked)
                decision = await decided if inspect.isawaitable(decided) else decided
        finally:
            await bot.runner.answer(asked.id, decision)


def _conversation(user_id: str) -> Conversation:
    return Conversation(NAME, "", user_id or "-", direct=True)


def _key(user_id: str) -> str:
    return f"{BOT}/{_conversation(user_id).key}"


def _config(workdir: Path, store: str, pool: dict[str, Toml], options: Options, environ: Mapping[str, str]) -> Config:
    bot: dict[str, Toml] = {key: _plain(value) for key, value in options.items()}
    tree: dict[str, Toml] = {
        "drain": 5,
        "store": {"url": _plain(store)},
        "claude": {"pool": pool},
        "bots": {
            BOT: {
                "workdir": _plain(str(workdir.absolute())),
                "handlers": ["chat"],
                "access": {"allow_users": ["*"]},
                **bot,
                PLUGIN: {},
            }
        },
    }
    # BOTKIT_… variables are for the application; what a program says in its code is what it gets.
    ours = {name: value for name, value in environ.items() if not name.startswith("BOTKIT_")}
    return build(tree, ours, root=Path.cwd())


def _plain(value: object) -> Toml:
    """As TOML would hold it; a `${` in a text is just that."""
    match value:
        case str():
            return value.replace("${", "$${")
        case bool() | int() | float():
            return value
        case Mapping():
            return {str(key): _plain(each) for key, each in cast("Mapping[object, object]", value).items()}
        case Sequence():
            return [_plain(each) for each in cast("Sequence[object]", value)]
        case _:
            return str(value)

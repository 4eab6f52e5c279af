"""botkit as it runs: the store, the pool, the web server and the bots of one config, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import structlog
from aiohttp import web

from botkit.assemble import adapters_of, middleware_of, routes_of
from botkit.bot import Bot
from botkit.claude.credentials import logged_in
from botkit.claude.environment import environment
from botkit.claude.install import check_version, find_command, refuse_inside
from botkit.claude.pool import Pool
from botkit.claude.process import use_pidfd_watcher
from botkit.claude.runner import ClaudeRunner
from botkit.config import BotConfig, Config
from botkit.errors import BotkitError, ClaudeMissing
from botkit.events import TurnEvent
from botkit.leases import owner
from botkit.logs import configure
from botkit.plugins import load_adapter, load_site
from botkit.protocols import Store
from botkit.redact import Redactor
from botkit.retention import retain
from botkit.routing import Middleware, Routes
from botkit.stores import open_store
from botkit.tasks import Tasks
from botkit.web import REQUEST_TIME, Handler, Unknown, Web

log = structlog.get_logger("botkit")

READY_WITHIN = 2.0
"""Seconds the store has to answer a readiness probe."""
YOUNG = 5_000
"""New objects between two looks of the garbage collector. A request makes hundreds, nearly all gone when it ends:
with Python's 700, an eighth of a request's time went into looking."""


class Application:
    """Everything that one config asks for. Inside the context all bots are connected."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], *, serving: bool = True, store: Store | None = None
    ) -> None:
        """`serving`: with the web server; the terminal chat does without. `store`: instead of the config's own."""
        self.config = config
        self._own_store = store
        self.bots: dict[str, Bot] = {}
        self.web = Web(config.http.host, config.http.port)
        self._serving = serving
        self.environ = environ
        self.owner = owner()
        self._runners: dict[str, ClaudeRunner] = {}
        self._stack = AsyncExitStack()
        self.store: Store
        self._pool: Pool

    async def __aenter__(self) -> Application:
        refuse_inside(self.environ)
        use_pidfd_watcher()
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Intake ends, turns finish for a while, then workers and store are closed: in that order."""
        await self._stack.aclose()

    async def _open(self) -> None:
        config = self.config
        for wanted in config.bots.values():
            find_command(wanted.profile, self.environ)
        store = self._own_store or open_store(config.store.url, session_ttl=config.store.keep_sessions)
        self.store = await self._stack.enter_async_context(store)
        self._pool = await self._stack.enter_async_context(Pool(config.pool, config.turn, ambient=self.environ))
        self.web.check("store", self._store_answers)
        for name, bot_config in config.bots.items():
            bot = self.bots[name] = await self._bot(bot_config)
            self.web.check(name, partial(_connected, bot))
        if self._serving:
            for name, settings in config.sites.items():
                await self._stack.enter_async_context(load_site(name).create(settings).open(self))
            await self._stack.enter_async_context(self.web)
        for bot in self.bots.values():
            await self._stack.enter_async_context(bot)
        cleaning = asyncio.create_task(retain(self.store, config), name="retention")
        self._stack.push_async_callback(_end, cleaning)
        asking = asyncio.create_task(self._ask_versions(), name="claude-version")
        self._stack.push_async_callback(_end, asking)
        log.info("ready", bots=sorted(self.bots), store=config.store.url.partition(":")[0])

    async def _ask_versions(self) -> None:
        """Warn, beside everything else, about a CLI that is untested, does not start, or has no credentials."""
        profiles = {(bot.profile.command, bot.profile.launcher): bot.profile for bot in self.config.bots.values()}
        for profile in profiles.values():
            try:
                await check_version(profile, self.environ)
                command = (*profile.launcher, *find_command(profile, self.environ))
                if not await logged_in(command, environment(profile, self.environ, "")):
                    log.error("claude_not_logged_in", command=command[0], help="botkit doctor says what to do")
            except ClaudeMissing as problem:
                log.error("claude_unusable", problem=str(problem))

    async def _bot(self, config: BotConfig) -> Bot:
        stateless = any(load_adapter(name).stateless for name in config.adapters)
        unasked = partial(self._unasked, config.name)
        runner = ClaudeRunner(config.profile, self._pool, on_unasked=unasked, stateless=stateless)
        self._runners[config.name] = await self._stack.enter_async_context(runner)
        return Bot(
            config.name,
            settings=config.settings,
            adapters=adapters_of(config),
            routes=routes_of(config),
            middleware=middleware_of(config),
            runner=runner,
            store=self.store,
            owner=self.owner,
            access=config.access,
            limits=config.limits,
            mount=self._mount,
            redactor=Redactor(self.config.secrets),
        )

    async def _unasked(self, bot: str, session: str, events: AsyncIterator[TurnEvent]) -> None:
        await self.bots[bot].unasked(session, events)

    @property
    def host(self) -> str:
        return self.config.http.host

    @property
    def redactor(self) -> Redactor:
        return Redactor(self.config.secrets)

    def mount(self, method: str, path: str, handler: Handler, *, seconds: float | None = REQUEST_TIME) -> None:
        """See `House.mount`."""
        self.web.mount(method, path, handler, seconds=seconds)

    def on_close(self, call: Callable[[], None]) -> None:
        """See `House.on_close`."""
        self.web.on_close.append(call)

    def on_unknown(self, prefix: str, answer: Unknown) -> None:
        self.web.on_unknown[prefix] = answer

    def _mount(self, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        # An adapter that connects again with changed settings takes over its own path.
        self.web.unmount(path)
        self.web.mount("POST", path, handler)

    async def _store_answers(self) -> bool:
        async with asyncio.timeout(READY_WITHIN):
            await self.store.check()
        return True

    async def reload(self, config: Config) -> list[str]:
        """Apply a changed config without dropping a turn; returns what only a restart can change."""
        old = self.config
        left = [
            f"[{name}]"
            for name, one, other in (
                ("http", old.http, config.http),
                ("store", old.store, config.store),
                ("claude.pool", old.pool, config.pool),
                ("claude.limits", old.turn, config.turn),
                *((name, old.sites.get(name), config.sites.get(name)) for name in {**old.sites, **config.sites}),
            )
            if one != other
        ]
        left += [f"[bots.{name}]" for name in sorted(old.bots.keys() ^ config.bots.keys())]
        kept = [config.bots[name] for name in self.bots if name in config.bots]
        # Whatever can be wrong is found before anything changes.
        parts = {bot.name: (routes_of(bot), middleware_of(bot)) for bot in kept}
        changed = {bot.name: adapters_of(bot) for bot in kept if _connects_anew(old.bots[bot.name], bot)}
        for bot in kept:
            find_command(bot.profile, self.environ)
        if (config.log, config.secrets) != (old.log, old.secrets):
            configure(config.log.level, config.log.format, old.secrets | config.secrets)
        for bot in kept:
            self._apply(bot, *parts[bot.name], Redactor(config.secrets))
        for name, adapters in changed.items():  # after that: they tell their platforms of the new commands
            await self.bots[name].replace_adapters(adapters)
        # A bot that is no longer in the file runs on until a restart, as it was.
        removed = {name: bot for name, bot in old.bots.items() if name not in config.bots}
        started = {name: bot for name, bot in config.bots.items() if name in self.bots}
        self.config = replace(config, bots={**removed, **started})
        log.info("reloaded", needs_restart=left)
        return left

    def _apply(self, config: BotConfig, routes: Routes, middleware: list[Middleware], redactor: Redactor) -> None:
        self._runners[config.name].apply(config.profile)
        self.bots[config.name].apply(
            settings=config.settings,
            routes=routes,
            middleware=middleware,
            access=config.access,
            limits=config.limits,
            redactor=redactor,
        )


def _connects_anew(old: BotConfig, new: BotConfig) -> bool:
    return (old.adapters, old.handlers) != (new.adapters, new.handlers)


async def _connected(bot: Bot) -> bool:
    return bot.connected == set(bot.adapters)


async def _end(task: asyncio.Task[None]) -> None:
    while not task.done():
        # Again, should a library have swallowed it.
        task.cancel()
        await asyncio.wait([task], timeout=1.0)


async def serve(config: Config, environ: Mapping[str, str], *, again: Callable[[], Config], pid: Path | None) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads the config again. A second signal ends at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    hang_up = asyncio.Event()
    # Before anything begins: a signal that comes early is obeyed late, and SIGHUP would end the process.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop, number)
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    async with Application(config, environ) as application:
        calm_collector()
        if pid is not None:
            await asyncio.to_thread(_note, pid)
        # Among tasks of its own, so that it is said if it fails.
        reloading = Tasks().start(_reload_on(hang_up, application, again), "reload")
        try:
            await stop.wait()
        finally:
            await _end(reloading)
            if pid is not None:
                await asyncio.to_thread(_forget, pid)
            log.info("stopping", bots=sorted(application.bots))


def calm_collector() -> None:
    """Once all is there that stays. Of a whole process only: a program that uses botkit as a library has its own."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _note(pid: Path) -> None:
    """Let `botkit reload` find this process, and not another one that has its number later."""
    try:
        pid.write_text(f"{os.getpid()}\n{psutil.Process().create_time():.2f}\n", encoding="utf-8")
    except OSError as problem:
        log.warning("pid_not_written", file=str(pid), problem=str(problem))


def _forget(pid: Path) -> None:
    with suppress(OSError):
        if pid.read_text(encoding="utf-8").startswith(f"{os.getpid()}\n"):
            pid.unlink()


def noted(pid: Path) -> int | None:
    """The process that noted itself there, if it still runs."""
    try:
        number, began = pid.read_text(encoding="utf-8").split()
        running = psutil.Process(int(number)).create_time()
    except (OSError, ValueError, psutil.Error):
        return None
    return int(number) if f"{running:.2f}" == began else None


def _stop(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        # The journal holds what is unfinished; the keeper ends the workers.
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    stop.set()


async def _reload_on(hang_up: asyncio.Event, application: Application, again: Callable[[], Config]) -> None:
    while True:
        await hang_up.wait()
        hang_up.clear()
        try:
            await application.reload(again())
        except BotkitError as problem:
            log.error("reload_refused", problem=str(problem))

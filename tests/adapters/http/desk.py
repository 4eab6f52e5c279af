"""A whole botkit behind its gateway: the real CLI with a loopback model, a memory store, keys for programs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from botkit.application import Application
from botkit.bot import Bot
from botkit.config import build
from botkit.expand import Toml
from botkit.keys import ApiKey, KeyLimits, Scopes
from botkit.testing.model import LoopbackModel
from botkit.tokens import hashed, new_token
from botkit.usage import UsageQuery, UsageRecord

PATIENCE = 20.0
"""Seconds a test waits: the CLI needs up to two to start on a busy machine."""


@dataclass
class Desk:
    """Programs call `url` with `token`."""

    application: Application
    model: LoopbackModel
    root: Path
    token: str
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.application.web.url

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"

    @property
    def workdir(self) -> Path:
        return self.root / "work"

    @property
    def bot(self) -> Bot:
        return self.application.bots["main"]

    async def key(self, *, scopes: Scopes | None = None, limits: KeyLimits | None = None) -> str:
        """Another key's token."""
        return await new_key(self.application, scopes=scopes, limits=limits)

    async def records(self, count: int = 1) -> list[UsageRecord]:
        """The usage records, once there are so many: they are written in batches."""
        found: Sequence[UsageRecord] = ()
        for _ in range(int(PATIENCE / 0.02)):
            if len(found := await self.application.store.meter.records(UsageQuery())) >= count:
                break
            await asyncio.sleep(0.02)
        return list(found)

    def files(self) -> list[Path]:
        """What lies in the workdir."""
        return [path for path in self.workdir.rglob("*") if path.is_file()]


@asynccontextmanager
async def desk(
    root: Path,
    *,
    bot: Mapping[str, Toml] | None = None,
    http: Mapping[str, Toml] | None = None,
    gateway: Mapping[str, Toml] | None = None,
    pool: Mapping[str, Toml] | None = None,
    store: str = "memory://",
    drain: float = 2.0,
    model: LoopbackModel | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncGenerator[Desk]:
    """One bot, `main`, with more keys for the tables of the config; with a `model` that goes on after it."""
    home, work = root / "home", root / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        answering = model if model is not None else await stack.enter_async_context(LoopbackModel())
        environment = answering.environment(home)
        del environment["PATH"]
        tree: dict[str, Toml] = {
            "drain": drain,
            "http": {"port": 0},
            "store": {"url": store},
            "claude": {"pool": {"spares": 1, "max_workers": 4, **(pool or {})}},
            "gateway": dict(gateway or {}),
            "bots": {
                "main": {
                    "workdir": str(work),
                    "environment": dict(environment),
                    "http": dict(http or {}),
                    **(bot or {}),
                }
            },
        }
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), **(environ or {})}
        config = build(tree, environ, root=root)
        async with Application(config, environ) as application, aiohttp.ClientSession() as session:
            yield Desk(application, answering, root, await new_key(application), session)


async def new_key(application: Application, *, scopes: Scopes | None = None, limits: KeyLimits | None = None) -> str:
    now = time.time()
    token = new_token(now)
    scopes, limits = scopes or Scopes(), limits or KeyLimits()
    key = ApiKey(token.id, "test", "tests", now, hashed(token.secret), token.prefix, scopes=scopes, limits=limits)
    assert await application.store.keys.put(key)
    return token.text

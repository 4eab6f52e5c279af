"""The servers that the gateway's benchmarks ask, each a process: `python -m tests.benchmarks.gateway_server JSON`.

It says its port and its keys on stdout when it listens, and ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import io
import os
import resource
import sys
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec

from botkit.application import Application, calm_collector
from botkit.config import build
from botkit.expand import Toml
from botkit.keys import ApiKey, KeyLimits
from botkit.logs import configure
from botkit.model import Conversation, Session
from botkit.tokens import Token, hashed, new_token
from tests.benchmarks import gateway_floor

Kind = Literal["floor", "handlers", "claude"]
"""A gateway without features; botkit with handlers that need no CLI; botkit with live CLIs."""
FAR = KeyLimits(1_000_000, 10_000_000, 10**9, 1e6, 1e6, 10_000)
"""Every limit, and none that is reached."""


class Wanted(msgspec.Struct):
    """Which server."""

    kind: Kind
    root: str
    store: str = "memory://"
    cli: str = ""
    workers: int = 0
    spares: int = 0
    core: int | None = None
    """The only core it may use."""


class Ready(msgspec.Struct):
    """What it says when it listens."""

    port: int
    pid: int
    token: str = ""
    """Of a key without limits."""
    limited: str = ""
    """Of a key with all limits."""
    session: str = ""
    """The id of a session of the first key, of the bot `speaker`."""


@asynccontextmanager
async def _floor(wanted: Wanted) -> AsyncGenerator[Ready]:
    async with gateway_floor.serving(wanted.cli, wanted.workers) as port:
        yield Ready(port, os.getpid())


@asynccontextmanager
async def _botkit(wanted: Wanted) -> AsyncGenerator[Ready]:
    root = Path(wanted.root)
    pool: dict[str, Toml] = {"spares": wanted.spares, "max_workers": wanted.workers or 1, "memory": 1_000_000}
    bot: dict[str, Toml] = {"workdir": str(root), "http": {}}
    handlers = f"{__package__}.gateway_handlers"
    bots: dict[str, Toml] = {
        "echo": {**bot, "handlers": [f"{handlers}:echoing"]},
        "speaker": {**bot, "handlers": [f"{handlers}:speaking"]},
    }
    tree: dict[str, Toml] = {
        "http": {"port": 0},
        "drain": 1,
        "store": {"url": wanted.store},
        "claude": {"command": [wanted.cli or "/bin/true"], "pool": pool},
        "gateway": {
            "max_requests": 20_000,
            "max_requests_per_key": 20_000,
            "max_streams": 20_000,
            "max_streams_per_key": 20_000,
        },
        "bots": {"main": bot} if wanted.kind == "claude" else bots,
    }
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root)}
    async with Application(build(tree, environ, root=root), environ) as application:
        free, limited = [await _key(application, limits) for limits in (KeyLimits(), FAR)]
        session = await _session(application, free)
        calm_collector()  # as `botkit run` does
        yield Ready(application.web.port, os.getpid(), free.text, limited.text, session)


async def _key(application: Application, limits: KeyLimits) -> Token:
    token = new_token(time.time())
    key = ApiKey(token.id, "bench", "bench", time.time(), hashed(token.secret), token.prefix, limits=limits)
    await application.store.keys.put(key)
    return token


async def _session(application: Application, token: Token) -> str:
    id, now = str(uuid.uuid4()), time.time()
    where = Conversation("http", token.id, "quiet", direct=True)
    session = Session(id, "speaker", f"speaker/{where.key}", "", f"key:{token.id}", now, now)
    await application.store.save_session(session)
    return id


async def serve(wanted: Wanted) -> None:
    opened = _floor if wanted.kind == "floor" else _botkit
    async with opened(wanted) as ready:
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    wanted = msgspec.json.decode(sys.argv[1], type=Wanted)
    if wanted.core is not None:
        os.sched_setaffinity(0, {wanted.core})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    configure("warning", "json", stream=io.StringIO())
    asyncio.run(serve(wanted))


if __name__ == "__main__":
    main()

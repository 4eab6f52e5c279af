"""Messages through the whole bot, store and middleware included, beside slack-bolt's and nonebot2's dispatch."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from botkit.bot import Bot
from botkit.context import Context
from botkit.logs import configure
from botkit.model import Message
from botkit.routing import Route, Routes
from tests.benchmarks.peer import ROOT, bare_environ
from tests.benchmarks.rows import Row
from tests.botkit.bots import Parts

SECRET = "signing-secret"
BATCH = 100
"""Messages handed in at once; their answers end before the next ones come."""


async def measure(n: int = 20_000) -> list[Row]:
    with tempfile.TemporaryDirectory() as place, _quiet():
        root = Path(place)
        silent = await _best(lambda: _messages(root, n, _nothing, routes=1))
        many = await _best(lambda: _messages(root, n, _nothing, routes=200))
        configure("info", "json", stream=io.StringIO())
        logged = await _messages(root, n // 2, _nothing, routes=1)
        configure("warning", "json", stream=io.StringIO())
        spoken = await _messages(root, max(1, n // 40), _hello, routes=1)
        one, twenty = await _best(lambda: _bolt(n // 2, 1)), await _bolt(n // 4, 20)
        matchers = [await _nonebot(root, n // 10, 1), await _nonebot(root, max(5, n // 400), 50)]
    return [
        Row("messages through the whole onion, handler does nothing", silent, "/s", least=20_000),
        Row("— slack-bolt dispatch, 1 listener", one, "/s", silent / one),
        Row("— slack-bolt dispatch, 20 listeners", twenty, "/s", silent / twenty),
        *_beside_nonebot(silent, matchers),
        Row("— with 200 routes instead of one", many, "/s", many / silent, least=0.9),
        Row("— with a log line for each message", logged, "/s"),
        Row("— and a reply for each message, posted at once", spoken, "/s"),
    ]


async def _best(run: Callable[[], Awaitable[float]]) -> float:
    return max([await run() for _ in range(3)])


async def _nothing(_: Context) -> None:
    """The trivial handler."""


async def _hello(ctx: Context) -> None:
    await ctx.say("hello")


async def _messages(root: Path, n: int, handler: Callable[[Context], Awaitable[None]], *, routes: int) -> float:
    """Messages a second, each in a thread of its own."""
    parts = Parts(root)
    bot = parts.bot()
    commands = [Route(handler, commands=(f"command{number}",)) for number in range(routes - 1)]
    bot.routes = Routes([*commands, Route(handler, kinds=("new",))])
    async with bot:
        batches = [
            [parts.adapter.message("hello there", thread=f"{start}.{number}") for number in range(BATCH)]
            for start in range(max(1, n // BATCH))
        ]
        began = time.process_time()
        for batch in batches:
            await _hand_in(bot, batch)
        return len(batches) * BATCH / (time.process_time() - began)


async def _hand_in(bot: Bot, batch: list[Message]) -> None:
    for message in batch:
        await bot.deliver(message)
    await bot.tasks.drain(60.0)


async def _bolt(n: int, listeners: int) -> float:
    """Signed events a second through `async_dispatch`; the last listener is theirs."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="U1", bot_id="B1", bot_token="xoxb-1")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, name="bench")
    for number in range(listeners - 1):
        app.command(f"/command{number}")(_ack)  # pyright: ignore[reportUnknownMemberType]  # Bolt leaves its types open
    app.event("app_mention")(_ack)  # pyright: ignore[reportUnknownMemberType]
    event = {"type": "app_mention", "user": "U2", "text": "<@U1> hello", "ts": "1.1", "channel": "C1"}
    payload = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": event, "event_id": "Ev1"}
    body = msgspec.json.encode(payload).decode()
    began = time.process_time()
    for _ in range(n):
        await app.async_dispatch(AsyncBoltRequest(body=body, headers=_signed(body)))
    return n / (time.process_time() - began)


async def _nonebot(root: Path, messages: int, matchers: int) -> float:
    """Messages a second through nonebot2, in a process of its own; 0 where it is not installed."""
    if find_spec("nonebot") is None:
        return 0.0
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.nonebot", str(messages), str(matchers)),
        env={**bare_environ(root), "PYTHONPATH": str(ROOT)},
        cwd=root,
        stdout=PIPE,
    )
    said, _ = await child.communicate()
    return float(said.split()[-1])


def _beside_nonebot(own: float, found: Sequence[float]) -> list[Row]:
    if not all(found):
        return [Row("— nonebot2 is not installed (pip install nonebot2), so it is left out", 0.0, "")]
    one, fifty = found
    return [
        Row("— nonebot2, 1 matcher", one, "/s", own / one),
        Row("— nonebot2, 50 matchers", fifty, "/s", own / fifty),
    ]


async def _ack() -> None:
    """A listener that does nothing."""


def _signed(body: str) -> dict[str, str | Sequence[str]]:
    stamp = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body) or ""
    return {
        "content-type": ["application/json"],
        "x-slack-request-timestamp": [stamp],
        "x-slack-signature": [signature],
    }


@contextmanager
def _quiet() -> Generator[None]:
    """Warnings only, and as it was before afterwards."""
    before, level = structlog.get_config(), logging.getLogger().level
    configure("warning", "json", stream=io.StringIO())
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.getLogger().setLevel(level)

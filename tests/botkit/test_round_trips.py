"""What a message costs in questions to the store, counted by a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Monitor

from botkit.context import Context
from botkit.errors import StoreError
from botkit.routing import Route, Routes
from botkit.stores.redis import RedisStore
from tests.botkit.bots import Parts
from tests.botkit.stores.proxy import Proxy

SECONDS = 5.0


class _Overheard:
    """The commands that clients send, without what scripts do inside the server."""

    def __init__(self, url: str) -> None:
        self._client: Redis = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] (redis leaves types open)
        self._commands: list[str] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        async with self._client, self._client.monitor() as monitor:
            task = asyncio.create_task(self._listen(monitor))
            await self.so_far()
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _listen(self, monitor: Monitor) -> None:
        async for line in monitor.listen():
            if line["client_type"] != "lua":
                self._commands.append(line["command"].split()[0].upper())
                self._news.set()

    async def so_far(self) -> list[str]:
        """All that came before now, each only once."""
        await cast("Any", self._client).execute_command("ECHO", "now")
        async with asyncio.timeout(SECONDS):
            while "ECHO" not in self._commands:
                self._news.clear()
                await self._news.wait()
        found, self._commands = self._commands[: self._commands.index("ECHO")], []
        return found


@pytest.mark.parametrize("routes", [1, 200])
async def test_a_message_is_one_question_to_redis_until_it_is_acknowledged_and_one_when_it_is_answered(
    tmp_path: Path, redis_url: str, routes: int
) -> None:
    gate = asyncio.Event()

    async def handler(_: Context) -> None:
        await gate.wait()

    async with RedisStore(redis_url) as store:
        parts = Parts(tmp_path, store=store)
        bot = parts.bot()  # not entered: its heartbeat would ask questions of its own
        commands = [Route(handler, commands=(f"command{number}",)) for number in range(routes - 1)]
        bot.routes = Routes([*commands, Route(handler, kinds=("new",))])
        heard = _Overheard(redis_url)
        async with heard.listening():
            gate.set()
            await bot.deliver(parts.adapter.message("the first one loads the scripts"))
            await bot.tasks.drain(SECONDS)
            await heard.so_far()
            gate.clear()
            await bot.deliver(parts.adapter.message("hello"))
            assert await heard.so_far() == ["EVALSHA"]
            gate.set()
            await bot.tasks.drain(SECONDS)
            assert await heard.so_far() == ["EVALSHA"]


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_message_whose_admission_is_not_confirmed_is_answered_once(
    tmp_path: Path, redis_url: str, lost: int
) -> None:
    """The store took it and the connection broke before the answer: the client asks again, and if that answer is lost
    as well the platform delivers again."""
    async with (
        asyncio.timeout(2 * SECONDS),
        Proxy(redis_url.removeprefix("unix://")) as proxy,
        RedisStore(proxy.url) as store,
    ):
        parts = Parts(tmp_path, store=store)
        bot = parts.bot()  # not entered, as above
        await bot.deliver(parts.adapter.message("the first one loads the scripts", thread="2"))
        await bot.tasks.drain(SECONDS)
        message = parts.adapter.message("hello")
        proxy.swallow_answers(lost)
        if lost == 1:
            assert await bot.deliver(message)
        else:
            with pytest.raises(StoreError):
                await bot.deliver(message)
        for _ in range(2):
            assert await bot.deliver(message) == "", "it is known, though perhaps nobody here has heard of it"
        await bot.recover()
        await bot.recover()
        await bot.tasks.drain(SECONDS)
        assert len(parts.runner.turns) == 2
        assert len(parts.adapter.texts()) == 1
        assert not await store.take_over("main", "next", await store.owners(), 1e12)

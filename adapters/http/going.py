"""The requests that go on: each ends soon after its key is taken away, and a stream when the gateway closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol

import structlog

from adapters.http.auth import Auth, presented
from adapters.http.errors import HttpError, outside_scope, unavailable
from botkit.errors import StoreError

if TYPE_CHECKING:
    from adapters.http.call import Call

log = structlog.get_logger("botkit")

LOOK = 2.0
"""Seconds between two looks at the keys. With the time a key is believed, one is of no use 5 s after it was taken."""
GLANCE = 0.5
"""Seconds between two looks at those who wait: for all at once, so that nobody needs a timer for each event."""


class Reader(Protocol):
    """Whoever waits for the events of a turn."""

    def look(self, now: float) -> None:
        """Wake it if there is something to see beside events: the client has gone, say. `now` is the loop's time."""
        ...


class Going:
    """The requests of one gateway, each while it is answered."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self._calls: set[Call] = set()
        self._streams: dict[Call, asyncio.Task[object]] = {}

    def enter(self, call: Call) -> None:
        """A request is being answered; until `leave`, `call.over` may bring its end before its time."""
        self._calls.add(call)

    def leave(self, call: Call) -> None:
        self._calls.discard(call)

    @contextmanager
    def streaming(self, call: Call) -> Generator[None]:
        """Around a stream that has no end of its own. Raises HttpError when it is cut, which is `call.over`."""
        task = asyncio.current_task()
        assert task is not None
        self._streams[call] = task
        try:
            self.enter(call)
            yield
        except asyncio.CancelledError:
            if call.over is None or task.uncancel():
                raise
            raise call.over from None
        finally:
            del self._streams[call]
            self.leave(call)

    def close(self) -> None:
        """Cut every stream: the gateway closes."""
        for call in self._streams:
            self._end(call, unavailable("botkit is stopping", code="stopping"))

    @asynccontextmanager
    async def watched(self, auth: Auth, also: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
        """Meanwhile, what must end ends: `also` is done as often. While the store does not answer, all goes on."""
        tasks = [asyncio.create_task(self._keys(auth, also), name="gateway-keys"), asyncio.create_task(self._glance())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _glance(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(GLANCE)
            for reader in self.readers:
                reader.look(loop.time())
            for call in self._streams:
                if call.gone:
                    self._end(call, HttpError(499, "client_gone", "the client has gone"))

    async def _keys(self, auth: Auth, also: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._look(auth)
                await also()
            except StoreError:
                continue
            except Exception:  # or keys that are taken away would stay of use
                log.exception("keys_not_looked_at")

    async def _look(self, auth: Auth) -> None:
        """Many requests have one key: it is asked about once."""
        groups: dict[tuple[str, str | None], list[Call]] = {}
        for call in self._calls:
            groups.setdefault((presented(call.request), call.request.remote), []).append(call)
        for calls in groups.values():
            try:
                key = await auth.still(calls[0].request)
            except HttpError as problem:
                for call in calls:
                    self._end(call, problem)
                continue
            for call in calls:
                call.key = key
                scopes, bot = key.scopes, call.bot
                if not scopes.endpoint(call.endpoint.scope) or (bot and not scopes.bot(bot)):
                    self._end(call, outside_scope(call.endpoint.path))
                elif call in self._streams and not scopes.streaming:
                    self._end(call, outside_scope("streams"))

    def _end(self, call: Call, problem: HttpError) -> None:
        if call.over is None:
            call.over = problem
            if call in self._streams:
                self._streams[call].cancel()

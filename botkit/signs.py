"""Signs that work goes on (a reaction, a status, "is typing…"): shown while a reply is open and surely taken away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from typing import Protocol

import structlog

from botkit.errors import AdapterError, RateLimited, Unreachable
from botkit.events import TurnEvent, TurnFailed, TurnFinished
from botkit.model import ReplyState
from botkit.protocols import Reply

log = structlog.get_logger("botkit")

PATIENCE = 1.0
"""Seconds for which a reply that is done waits for its sign to go; after that it goes by itself."""
LAST = 5.0
"""The same when the adapter is to leave: nothing goes by itself any more."""
GIVE_UP = 600.0
"""Seconds after which a sign that cannot be taken away stays."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds to wait when the platform does not answer."""


class Sign(Protocol):
    """The sign of one reply, in the way its platform has."""

    @property
    def place(self) -> str:
        """Where it is seen. Two signs at one place look like one: it is taken away with the last of them."""
        ...

    @property
    def fades(self) -> bool:
        """It goes by itself soon after it was shown, so it is not shown anew once the turn has its outcome."""
        ...

    async def show(self) -> float:
        """Show it; the seconds after which it must be shown anew, `inf` if it stays. Raises AdapterErrors."""
        ...

    async def hide(self) -> None:
        """Take it away; no matter if it is not there. Raises AdapterErrors."""
        ...


class Signs:
    """All signs of one account. Nothing depends on them: they never raise."""

    def __init__(self) -> None:
        self._places: Counter[str] = Counter()
        self._late: set[asyncio.Task[None]] = set()
        self._open = False

    def on(self, reply: Reply, sign: Sign) -> Reply:
        """The reply, with its sign shown for as long as it is open."""
        return _ReplyWithSign(reply, self, sign)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """While inside, what could not be taken away in time is taken away later."""
        self._open = True
        try:
            yield
        finally:
            self._open = False
            if self._late:
                _, left = await asyncio.wait(self._late, timeout=LAST)
                await _cut(left)

    async def keep(self, sign: Sign, over: asyncio.Event) -> None:
        """Show a sign until `over`, then take it away."""
        place = sign.place
        self._places[place] += 1
        try:
            shown = await _show(sign, over)
        finally:
            self._places[place] -= 1
            self._places += Counter()  # drops what is zero
        if shown and not sign.fades:
            await self._hide(sign)

    async def ended(self, task: asyncio.Task[None]) -> None:
        """Wait for a sign whose reply is done, for a while."""
        if self._open:
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            await asyncio.wait([task], timeout=PATIENCE)
        else:
            _, left = await asyncio.wait([task], timeout=LAST)
            await _cut(left)

    async def _hide(self, sign: Sign) -> None:
        loop = asyncio.get_running_loop()
        until, wait = loop.time() + GIVE_UP, FIRST_WAIT
        while not self._places[sign.place]:
            try:
                await sign.hide()
                return
            except RateLimited as problem:
                left = problem.retry_after
            except Unreachable:
                left, wait = wait, min(wait * 2, LONGEST_WAIT)
            except AdapterError as problem:
                log.info("sign_not_removed", problem=str(problem))
                return
            if loop.time() + left > until:
                log.warning("sign_stays", place=sign.place)
                return
            await asyncio.sleep(left)


async def _show(sign: Sign, over: asyncio.Event) -> bool:
    """Whether it may be seen."""
    shown = False
    while not over.is_set():
        try:
            again, shown = await sign.show(), True
        except RateLimited as problem:
            again = problem.retry_after
        except Unreachable as problem:
            again, shown = LONGEST_WAIT, shown or problem.acted
        except AdapterError as problem:
            log.info("no_sign", problem=str(problem))
            return shown
        try:
            async with asyncio.timeout(None if again == inf else again):
                await over.wait()
        except TimeoutError:
            continue
    return shown


async def _cut(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


class _ReplyWithSign:
    def __init__(self, reply: Reply, signs: Signs, sign: Sign) -> None:
        self._reply, self._signs, self._sign = reply, signs, sign
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ReplyState:
        return self._reply.state

    @property
    def delivered(self) -> bool:
        return self._reply.delivered

    def push(self, event: TurnEvent) -> None:
        if self._sign.fades and isinstance(event, TurnFinished | TurnFailed):
            self._over.set()
        self._reply.push(event)

    async def __aenter__(self) -> _ReplyWithSign:
        showing = self._signs.keep(self._sign, self._over)
        self._task = asyncio.create_task(showing, name=f"sign-{self._sign.place}")
        await self._reply.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._reply.__aexit__(*exc)
        finally:
            self._over.set()
            if self._task is not None:
                await self._signs.ended(self._task)

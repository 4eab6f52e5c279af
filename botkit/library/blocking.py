"""The same agent for programs without an event loop: it runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, Unpack

from botkit.errors import BotkitError
from botkit.events import TurnEvent, TurnFinished
from botkit.history import Said
from botkit.library.agent import Agent, Approve, Options
from botkit.protocols import Store

_Result = TypeVar("_Result")


class SyncAgent:
    """An `Agent` whose methods wait. Use it as `with SyncAgent(...) as agent`, from any thread."""

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
        """As `Agent`; `approve` is called in the agent's thread."""
        self._agent = Agent(
            workdir,
            store=store,
            approve=approve,
            spares=spares,
            max_workers=max_workers,
            environ=environ,
            **options,
        )
        self._closed, self._closing = False, threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="botkit-agent", daemon=True)
        self._thread.start()

    def __enter__(self) -> SyncAgent:
        try:
            self._wait(self._agent.__aenter__())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes and the thread; whoever still waits is told. May be called twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        try:
            self._result(asyncio.run_coroutine_threadsafe(self._agent.close(), self._loop))
        finally:
            self._result(asyncio.run_coroutine_threadsafe(_end_all(), self._loop))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def chat(self, text: str, *, user_id: str = "", files: Sequence[str | Path] = ()) -> TurnFinished:
        """See `Agent.chat`."""
        return self._wait(self._agent.chat(text, user_id=user_id, files=files))

    def stream(self, text: str, *, user_id: str = "", files: Sequence[str | Path] = ()) -> Iterator[TurnEvent]:
        """See `Agent.stream`. Leaving the loop early stops the turn."""
        events = self._agent.stream(text, user_id=user_id, files=files)
        try:
            while True:
                yield self._wait(_next(events))
        except StopAsyncIteration:
            return
        finally:
            with suppress(BotkitError):  # closed meanwhile: then the stream is, too
                self._wait(events.aclose())

    def history(self, user_id: str = "") -> Sequence[Said]:
        """See `Agent.history`."""
        return self._wait(self._agent.history(user_id))

    def clear(self, user_id: str = "") -> bool:
        """See `Agent.clear`."""
        return self._wait(self._agent.clear(user_id))

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        with self._closing:
            if self._closed:
                work.close()
                raise BotkitError("the agent is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return self._result(future)

    def _result(self, future: Future[_Result]) -> _Result:
        try:
            return future.result()
        except BaseException:
            # Ctrl-C while waiting: what was asked for is not wanted any more.
            future.cancel()
            with suppress(BaseException):
                future.exception(timeout=0)
            raise


async def _end_all() -> None:
    """Nothing may be left that somebody waits for in another thread."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def _next(events: AsyncGenerator[TurnEvent]) -> TurnEvent:
    return await anext(events)

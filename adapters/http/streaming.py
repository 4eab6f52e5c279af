"""Answers as server-sent events, whichever API they are for: begun late, kept alive, cut when nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web

from adapters.http.asking import Gone, Question, asked
from adapters.http.call import Call
from adapters.http.errors import HttpError
from adapters.http.mishaps import mishap
from botkit.events import TurnEvent, TurnFinished

COMMENT = b": still working\n\n"
BEGIN_WITHIN = 5.0
"""Seconds without anything to show until the headers go out all the same. Before, a failure still has a status."""


class Encoder(Protocol):
    """Writes a turn in one API's events."""

    def begin(self, turn: str) -> bytes:
        """What comes before all else. Called first, sent with whatever is the first to be shown."""
        ...

    def events(self, batch: list[TurnEvent]) -> bytes:
        """What the events show; b'' for nothing."""
        ...

    def end(self, finished: TurnFinished, streamed: str) -> bytes:
        """The rest of the answer, of whose text `streamed` is out already."""
        ...

    def error(self, problem: HttpError) -> bytes: ...


class Stream:
    """One response; its headers go out with the first bytes.

    `tell` writes what goes wrong inside `async with` after that; what goes wrong before still has a status.
    """

    def __init__(self, call: Call, headers: Mapping[str, str], tell: Callable[[HttpError], bytes]) -> None:
        self._call, self._tell = call, tell
        self._within = call.gateway.settings.slow_reader
        self.response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
                **call.headers,
                **headers,
            }
        )

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, problem: BaseException | None, _: object) -> bool:
        if not self.begun or isinstance(problem, Gone) or not isinstance(problem, Exception):
            return False
        told = mishap(self._call, problem)
        self._call.error = told.code
        await self.write(self._tell(told))
        return True

    @property
    def begun(self) -> bool:
        return self.response.prepared

    async def write(self, data: bytes) -> None:
        """Raises Gone when the client has gone, or takes nothing for too long."""
        if not data:
            return
        try:
            async with asyncio.timeout(self._within):
                if not self.response.prepared:
                    await self.response.prepare(self._call.request)
                await self.response.write(data)
        except TimeoutError:
            if self._call.request.transport is not None:
                self._call.request.transport.abort()
            raise Gone from None
        except ConnectionError:
            raise Gone from None


async def stream(
    call: Call, question: Question, encoder: Encoder, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Ask and stream the answer. Raises HttpError for what fails before anything was sent, Gone."""
    if not call.key.scopes.streaming:
        await question.adapter.drop(question.files)
        raise HttpError(403, "not_in_scope", "this API key may not stream", field="stream")
    out = Stream(call, headers or {}, encoder.error)
    heartbeat = call.gateway.settings.heartbeat
    async with asked(call, question) as answer, out:
        begin = encoder.begin(answer.turn)
        async for batch in answer.batches(min(BEGIN_WITHIN, heartbeat)):
            data = encoder.events(batch) if batch else COMMENT
            await out.write(data if out.begun or not data else begin + data)
        finished = answer.answered()
        end = encoder.end(finished, answer.text)
        await out.write(end if out.begun else begin + end)
    return out.response


def rest(finished: TurnFinished, streamed: str) -> str:
    """What is missing of the answer once `streamed` is out: its text is what counts, but cannot be taken back."""
    if finished.text.startswith(streamed):
        return finished.text[len(streamed) :]
    return "" if streamed.strip() else finished.text

"""Control requests to the CLI, and whose answer is whose."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from botkit.claude import control, wire

Reply = Callable[[wire.Response], None]


class Asking:
    """The requests of one worker that have not been answered yet."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._replies: dict[str, Reply] = {}

    def tell(self, subtype: str, reply: Reply | None = None, **more: object) -> str:
        """Send a request; `reply` is called with its answer, if one comes."""
        id = secrets.token_hex(8)
        if reply:
            self._replies[id] = reply
        self._write(control.command(id, subtype, **more))
        return id

    async def ask(self, subtype: str, deadline: float, **more: object) -> wire.Response | None:
        """Send a request and wait; None when no answer came within `deadline` seconds."""
        answer: asyncio.Future[wire.Response] = asyncio.get_running_loop().create_future()
        id = self.tell(subtype, lambda response: None if answer.done() else answer.set_result(response), **more)
        try:
            async with asyncio.timeout(deadline):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._replies.pop(id, None)

    def answered(self, response: wire.Response) -> None:
        """A line of the CLI."""
        if reply := self._replies.pop(response.request_id, None):
            reply(response)

    def abandon(self) -> None:
        """The process has ended: every open request fails."""
        for id in list(self._replies):
            self._replies.pop(id)(wire.Response("error", id))

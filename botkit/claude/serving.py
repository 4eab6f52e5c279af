"""Carries out what Claude does with botkit's own tools, on one worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from botkit.claude import control, toolserver, wire
from botkit.claude.feed import Feed
from botkit.claude.options import Profile
from botkit.claude.sending import Given, Place, take
from botkit.errors import Refused

TAKE = 30.0
"""Seconds a disk has to give a file."""
DEAL = 5.0
"""Seconds until Claude is told, while the journal is written."""
SENT = "The file is being sent."
LATE = "Files can only be sent while you answer a message. Send it when you report."

log = structlog.get_logger()


class Serving:
    """The tool calls of one worker. `close` ends those that are under way."""

    def __init__(self, profile: Profile, write: Callable[[bytes], None]) -> None:
        self._profile, self._write = profile, write
        self._calls: set[asyncio.Task[None]] = set()

    def take(self, line: wire.ControlRequest, session: str, feed: Feed | None) -> None:
        """An `mcp_message` line; `feed` is that of the running turn."""
        if line.request.server_name != toolserver.SERVER:
            self._write(control.refuse(line.request_id))
            return
        found = toolserver.read(line.request.message)
        if isinstance(found, toolserver.Call):
            call = asyncio.create_task(self._run(line.request_id, found, session, feed), name=f"tool-{found.tool}")
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        else:
            self._write(control.served(line.request_id, found))

    async def close(self) -> None:
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)

    async def _run(self, id: str, call: toolserver.Call, session: str, feed: Feed | None) -> None:
        try:
            reply = toolserver.done(call, await self._send(call, session, feed))
        except (Refused, OSError, ValueError) as problem:
            # All of it is said to Claude, who can do something about it.
            said = problem.text if isinstance(problem, Refused) else f"The file cannot be read: {problem}"
            log.info("file_not_taken", session=session, problem=said)
            reply = toolserver.done(call, said, ok=False)
        self._write(control.served(id, reply))

    async def _send(self, call: toolserver.Call, session: str, feed: Feed | None) -> str:
        given = _given(call)
        if feed is None:
            raise Refused(LATE)
        place = Place(self._profile.workdir, self._profile.add_dirs, session, self._profile.max_upload)
        try:
            async with asyncio.timeout(TAKE):
                offered = await asyncio.to_thread(take, given, place)
        except TimeoutError:
            raise Refused(f"The disk did not give the file within {TAKE:.0f} s.") from None
        try:
            # Told only when the journal has it: whatever happens from then on, the people get the file.
            async with asyncio.timeout(DEAL):
                if not await feed.offer(offered):
                    raise Refused(LATE)
        except TimeoutError:
            log.warning("file_told_early", session=session)
        return SENT


def _given(call: toolserver.Call) -> Given:
    try:
        given = msgspec.json.decode(call.arguments, type=Given)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Refused(f"The arguments are wrong: {problem}") from None
    if not given.path.strip():
        raise Refused("The arguments are wrong: `path` is empty.")
    return given

"""The two ways of a chat in a terminal: typed lines with a screen, and lines that just come, one after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from adapters.console.desk import Desk
from adapters.console.person import Person
from adapters.console.printer import Printer
from adapters.console.progress import Block
from adapters.console.screen import Screen

QUIT = ("/quit", "/exit")
READ_AHEAD = 100
"""Lines read while an answer is under way."""
COMMAND_DEADLINE = 30.0
"""Seconds after which a command that nothing replies to counts as unanswered."""


async def typed(screen: Screen, person: Person, leaving: asyncio.Event) -> None:
    """Take lines from the person until they leave."""
    gone = asyncio.create_task(leaving.wait())
    try:
        while not gone.done():
            reading = asyncio.create_task(screen.read())
            await asyncio.wait([reading, gone], return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                await asyncio.wait([reading])
                return
            line = reading.result()
            if line is None or line.strip() in QUIT:
                return
            if line.strip():
                await screen.print([Block("line", f"\n❯ {line}")])
                await person.say(line)
    finally:
        gone.cancel()
        await asyncio.wait([gone])


class Piped:
    """Lines are answered in order. A decision waits for its question; `/stop` goes at once; at the end the rest."""

    def __init__(
        self, lines: AsyncIterator[str], person: Person, desk: Desk, printer: Printer, *, scripted: bool
    ) -> None:
        self._lines, self._person, self._desk, self._printer = lines, person, desk, printer
        self._scripted = scripted
        self._held: deque[str] = deque()
        self._ended = False
        self._reading: asyncio.Task[str | None] | None = None

    async def run(self, leaving: asyncio.Event) -> bool:
        """Go on until everything is answered (True) or one must leave."""
        gone = asyncio.create_task(leaving.wait())
        try:
            while not leaving.is_set() and not self._printer.lost:
                self._desk.changed.clear()
                if await self._step():
                    continue
                if self._ended and not self._held and not self._desk.busy:
                    return True
                await self._wait(gone)
            return False
        finally:
            for task in (gone, self._reading):
                if task:
                    task.cancel()
                    await asyncio.wait([task])

    async def _step(self) -> bool:
        """Say the next line whose time has come."""
        if self._desk.requests:
            line = next((line for line in self._held if self._person.decides(line)), None)
            if line is not None:
                self._held.remove(line)
                await self._decide(line)
                return True
            if self._ended:
                await self._decide("")
                return True
        elif self._held and (not self._desk.busy or self._urgent(self._held[0])):
            line = self._held.popleft()
            if self._scripted:
                await self._printer.write(f"> {line}")
            await self._person.say(line)
            return True
        return False

    def _urgent(self, line: str) -> bool:
        return line.strip() == "/stop" and not self._scripted

    async def _decide(self, line: str) -> None:
        """Say a decision and wait until its request has closed (or the next has opened)."""
        before = self._desk.requests
        if line and self._scripted:
            await self._printer.write(f"> {line}")
        await (self._person.say(line) if line else self._person.refuse(before[0]))
        try:
            async with asyncio.timeout(COMMAND_DEADLINE):
                while self._desk.requests == before:
                    self._desk.changed.clear()
                    await self._desk.changed.wait()
        except TimeoutError:
            return

    async def _wait(self, gone: asyncio.Task[bool]) -> None:
        if self._reading is None and not self._ended and len(self._held) < READ_AHEAD:
            self._reading = asyncio.create_task(self._read())
        unheard = self._desk.unheard
        changed = asyncio.create_task(self._desk.changed.wait())
        waited = [task for task in (changed, gone, self._reading) if task]
        done, _ = await asyncio.wait(
            waited, timeout=COMMAND_DEADLINE if unheard else None, return_when=asyncio.FIRST_COMPLETED
        )
        changed.cancel()
        await asyncio.wait([changed])
        if not done:
            for id in unheard:
                self._desk.over(id, None)
        if self._reading and self._reading.done():
            self._take(self._reading.result())
            self._reading = None

    async def _read(self) -> str | None:
        return await anext(self._lines, None)

    def _take(self, line: str | None) -> None:
        if line is None:
            self._ended = True
        elif line.strip():
            self._held.append(line)

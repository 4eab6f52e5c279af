"""A small bot for the console to talk to: run as a program, so that pipes and terminals are real ones."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web

from adapters.console.adapter import ConsoleAdapter
from botkit.commands import Command
from botkit.display import Display
from botkit.events import (
    ApprovalAsked,
    Choice,
    FileOffered,
    Question,
    QuestionAsked,
    RequestClosed,
    TextDelta,
    ThinkingDelta,
    Todo,
    TodoChanged,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
    Waiting,
)
from botkit.model import Conversation, Message, User

USAGE = Usage(cost=0.0123, seconds=4.2, tools=1)
LONG = "".join(f"Paragraph {number} of the answer.\n\n" for number in range(1, 31))


class Room:
    """A hub that answers by rule: `slow` waits to be stopped, `approve` and `ask` ask, the rest is echoed."""

    def __init__(self, adapter: ConsoleAdapter) -> None:
        self.bot = "room"
        self.commands = (Command("status", "how it is going"), Command("sessions", "your sessions"))
        self._adapter = adapter
        self._lane = asyncio.Lock()
        self._stop = asyncio.Event()
        self._decision: asyncio.Queue[Message] = asyncio.Queue()
        self.turns: set[asyncio.Task[None]] = set()

    async def deliver(self, message: Message) -> str:
        if message.text == "stranger":
            return ""
        if message.command in ("allow", "deny", "answer"):
            self._decision.put_nowait(message)
            return message.id
        if message.text == "slow":
            self._stop.clear()
        self.turns.add(asyncio.create_task(self._answer(message)))
        return message.id

    async def stop(self, conversation: Conversation) -> bool:
        self._stop.set()
        return True

    def allowed(self, message: Message) -> bool:
        return True

    async def follows(self, conversation: Conversation) -> bool:
        return False

    async def followed(self, adapter: str, since: float) -> Sequence[tuple[Conversation, float]]:
        return ()

    def warm(self, conversation: Conversation, user: User) -> None:
        (Path(sys.argv[1]) / "typing").touch()

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        raise KeyError(turn)

    def mount(self, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        raise AssertionError(path)

    async def _answer(self, message: Message) -> None:
        async with self._adapter.reply_to(message, nonce=message.id, display=Display("full")) as reply:
            if message.command == "stop":
                await self.stop(message.conversation)
                reply.push(TurnFinished("Stopped."))
                return
            if self._lane.locked():
                reply.push(Waiting(1))
            async with self._lane:
                reply.push(TurnStarted("s", "m"))
                async for event in self._turn(message.text):
                    reply.push(event)

    async def _turn(self, text: str) -> AsyncIterator[TurnEvent]:
        if text == "slow":
            yield TextDelta("It begins")
            await self._stop.wait()
            yield TurnFailed("stopped")
        elif text == "approve":
            yield ApprovalAsked("r1", "Bash", "rm -rf build", detail="rm -rf build\x1b[2K")
            message = await self._decision.get()
            yield RequestClosed("r1", allowed=message.command == "allow", text=f"decided: {message.text}")
            yield TurnFinished(f"You typed {message.text}", USAGE)
        elif text == "ask":
            yield QuestionAsked("q1", (Question("Which?", choices=(Choice("Red"), Choice("Blue"))),))
            message = await self._decision.get()
            yield RequestClosed("q1", allowed=True, text="answered")
            yield TurnFinished(f"You chose by {message.text} ({message.kind})", USAGE)
        elif text == "work":
            yield ThinkingDelta("I think so")
            yield TextDelta("Let me **look**.")
            yield ToolStarted("t1", "Bash", "ls -l")
            yield TodoChanged((Todo("Look", "done"), Todo("Tell", "active")))
            yield ToolFinished("t1", ok=True, output="a.txt\nb.txt")
            yield TextDelta("There are `two` files.")
            yield TurnFinished("Let me **look**.\n\nThere are `two` files.", USAGE)
        elif text == "send":
            yield FileOffered(Path("/srv/report.txt"), "report.txt", "Look", Path("/srv/sent-1"), "1")
            yield TurnFinished("There it lies.", USAGE)
        elif text == "huge":
            yield TextDelta("x" * 3_000_000)
            yield TurnFinished("x" * 3_000_000, USAGE)
        elif text == "fail":
            yield TurnFailed("crashed", "exit code 1")
        elif text == "long":
            for piece in LONG.split(" "):
                yield TextDelta(f"{piece} ")
                await asyncio.sleep(0)
            yield TurnFinished(LONG, USAGE)
        else:
            yield TurnFinished(f"Echo: {text}", USAGE)


async def main() -> int:
    where, *script = sys.argv[1:]
    adapter = ConsoleAdapter(script=script, history=Path(where) / "history")
    room = Room(adapter)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with adapter.connect(room):
        waiting = [asyncio.create_task(adapter.closed()), asyncio.create_task(told.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    await room.stop(Conversation("console", "local", ""))
    await asyncio.gather(*room.turns)
    return 0 if adapter.answered else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""Messages dispatched by nonebot2, in a process of its own: `python -m tests.benchmarks.nonebot MESSAGES MATCHERS`.

Prints how many a second; the last matcher is theirs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from typing import Any

import nonebot
from loguru import logger
from nonebot import on_command, on_message
from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment
from nonebot.message import handle_event


class Segment(MessageSegment["Said"]):
    @classmethod
    def get_message_class(cls) -> type[Said]:
        return Said

    def __str__(self) -> str:
        return str(self.data["text"])

    def is_text(self) -> bool:
        return True


class Said(Message[Segment]):
    @classmethod
    def get_segment_class(cls) -> type[Segment]:
        return Segment

    @staticmethod
    def _construct(msg: str) -> Iterable[Segment]:
        yield Segment("text", {"text": msg})


class Written(Event):
    text: str

    def get_type(self) -> str:
        return "message"

    def get_event_name(self) -> str:
        return "message"

    def get_event_description(self) -> str:
        return "a message"

    def get_user_id(self) -> str:
        return "ann"

    def get_session_id(self) -> str:
        return "here"

    def get_message(self) -> Said:
        return Said(self.text)

    def is_tome(self) -> bool:
        return True


class Nowhere(Adapter):
    @classmethod
    def get_name(cls) -> str:
        return "nowhere"

    async def _call_api(self, bot: Bot, api: str, **data: Any) -> None:
        """Nobody is called."""


class Silent(Bot):
    async def send(self, event: Event, message: Any, **more: Any) -> None:
        """Nothing is said."""


async def measure(messages: int, matchers: int) -> float:
    nonebot.init(driver="~none", log_level="ERROR")
    logger.remove()

    async def nothing() -> None:
        """The handler."""

    for number in range(matchers - 1):
        on_command(f"command{number}", block=True).append_handler(nothing)
    on_message(block=True).append_handler(nothing)
    bot = Silent(Nowhere(nonebot.get_driver()), "self")
    for _ in range(5):
        await handle_event(bot, Written(text="hello there"))
    began = time.process_time()
    for _ in range(messages):
        await handle_event(bot, Written(text="hello there"))
    return messages / (time.process_time() - began)


if __name__ == "__main__":
    print(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]))))

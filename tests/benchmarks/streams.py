"""Many answers grow at once on each platform, within its real budgets: how long a word takes to the screen."""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from botkit.access import Access
from botkit.bot import Bot, BotSettings
from botkit.events import TextDelta, TurnEvent, TurnFinished
from botkit.leases import owner
from botkit.middleware.errors import errors
from botkit.middleware.lane import lane
from botkit.middleware.refusals import refusals
from botkit.middleware.session import session
from botkit.model import Turn
from botkit.routing import Routes
from botkit.stores.memory import MemoryStore
from botkit.testing.scripted_runner import ScriptedRunner
from handlers import chat
from tests.benchmarks.platforms import PLATFORMS, Opening, Platform
from tests.benchmarks.rows import Row

GAP = 0.1
"""Seconds between two words of an answer."""
PATIENCE = 110.0
"""Seconds until all answers stand: fifty finals alone take Slack a minute."""
_WORD, _END = re.compile(rb"word(\d+)x(\d+)"), re.compile(rb"end(\d+)x")
"""Which answer, and the number of the word in it."""


class Speaker(ScriptedRunner):
    """Says numbered words at an even pace, and notes when it said each."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.spoken: list[list[float]] = []
        """Of each answer, the times."""
        self._words = words

    @asynccontextmanager
    async def start(self, turn: Turn) -> AsyncGenerator[AsyncIterator[TurnEvent]]:
        del turn
        self.spoken.append([])
        yield self._speak(len(self.spoken) - 1)

    async def _speak(self, answer: int) -> AsyncGenerator[TurnEvent]:
        text, end = "", f"end{answer}x"
        for number in range(self._words):
            await asyncio.sleep(GAP)
            word = f"word{answer}x{number} "
            text += word
            self.spoken[answer].append(time.monotonic())
            yield TextDelta(word)
        yield TextDelta(end)
        yield TurnFinished(text + end)


@dataclass
class _Seen:
    """Of all answers of one run: seconds from each word to the screen, and what went wrong."""

    lags: list[float] = field(default_factory=list[float])
    refused: Counter[str] = field(default_factory=Counter[str])
    unfinished: int = 0


async def measure(live: Sequence[int] = (1, 10, 50), seconds: float = 20.0) -> list[Row]:
    """All runs at the same time, each with a platform of its own: most of it is waiting."""
    runs = [(opening, count) for opening in PLATFORMS for count in live if count <= opening.most]
    seen = await asyncio.gather(*(_run(opening, count, seconds) for opening, count in runs))
    rows: list[Row] = []
    for (opening, count), found in zip(runs, seen, strict=True):
        rows += _rows(opening, count, found)
    return rows


def _rows(opening: Opening, count: int, seen: _Seen) -> Iterable[Row]:
    name = f"{opening.name}, {count} answers growing at once" if count > 1 else f"{opening.name}, one answer growing"
    tail = statistics.quantiles(seen.lags, n=20)[-1]
    yield Row(f"{name}: a word to the screen, median", statistics.median(seen.lags), "s", most=opening.pace(count))
    yield Row(f"— 95 of 100 words (the budget allows an update every {opening.pace(count):.1f} s)", tail, "s")
    which = ", ".join(f"{call} {times}" for call, times in sorted(seen.refused.items()))
    yield Row(f"— refused with 429: {which or 'nothing'}", seen.refused.total(), "", most=0)
    yield Row("— answers that did not arrive", seen.unfinished, "", most=0)


async def _run(opening: Opening, count: int, seconds: float) -> _Seen:
    runner, seen = Speaker(max(2, round(seconds / GAP))), _Seen()
    with tempfile.TemporaryDirectory() as place:
        async with opening.open() as platform:
            bot = _bot(Path(place), platform, runner)
            async with bot:
                for number in range(count):
                    await platform.ask(number)
                    await asyncio.sleep(GAP)  # people do not write in the same instant
                async with asyncio.timeout(PATIENCE):
                    await platform.until(lambda: len(runner.spoken) == count, PATIENCE)
                    await bot.tasks.drain(PATIENCE)
            _judge(platform, runner, seen)
    return seen


def _judge(platform: Platform, runner: Speaker, seen: _Seen) -> None:
    seen.refused = platform.refused
    shown: dict[int, dict[int, float]] = {}
    finished: set[int] = set()
    for at, content in platform.shown():
        raw = msgspec.json.encode(content)
        finished |= {int(answer) for answer in _END.findall(raw)}
        for answer, newest in {int(answer): int(number) for answer, number in _WORD.findall(raw)}.items():
            times = shown.setdefault(answer, {})
            times[newest] = min(at, times.get(newest, at))
    seen.unfinished = len(runner.spoken) - len(finished)
    for answer, said in enumerate(runner.spoken):
        visible = float("inf")
        for number, at in reversed(list(enumerate(said))):  # what is on the screen has all words before it
            visible = min(visible, shown.get(answer, {}).get(number, visible))
            if visible < float("inf"):
                seen.lags.append(max(0.0, visible - at))


def _bot(root: Path, platform: Platform, runner: Speaker) -> Bot:
    return Bot(
        "main",
        settings=BotSettings(root),
        adapters=[platform.adapter],
        routes=Routes(chat.routes),
        middleware=[errors, refusals, lane, session],
        runner=runner,
        store=MemoryStore(),
        owner=owner(),
        access=Access(allow_users=frozenset({"*"})),
    )

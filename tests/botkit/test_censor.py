from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from botkit.censor import Censor
from botkit.events import (
    CUT,
    ApprovalAsked,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from botkit.model import Turn
from botkit.redact import HIDDEN, Redactor
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts

SECRET = "xoxb-12345-secret"


def shown(events: Iterable[TurnEvent], secret: str = SECRET) -> list[TurnEvent]:
    censor = Censor(Redactor([secret]))
    return [each for event in events for each in censor.clean(event)]


def text(events: Iterable[TurnEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@given(st.lists(st.integers(1, len(SECRET) - 1), max_size=5), st.text(max_size=8), st.text(max_size=8))
def test_a_secret_is_hidden_however_it_is_cut(cuts: list[int], before: str, after: str) -> None:
    whole = before + SECRET + after
    places = sorted({0, len(whole), *(len(before) + cut for cut in cuts)})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    seen = shown([*(TextDelta(piece) for piece in pieces), TurnFinished("")])
    assert text(seen) == before + HIDDEN + after
    assert not any(SECRET[:4] in each.text for each in seen if isinstance(each, TextDelta))


def test_what_only_looks_like_the_beginning_of_a_secret_is_shown_in_the_end() -> None:
    seen = shown([TextDelta("see xoxb"), ToolFinished("1", ok=True), TextDelta("-1"), TurnFinished("see xoxb-1")])
    assert seen == [
        TextDelta("see "),
        TextDelta("xoxb"),
        ToolFinished("1", ok=True),
        TextDelta("-1"),
        TurnFinished("see xoxb-1"),
    ]


def test_text_and_thinking_are_kept_apart() -> None:
    seen = shown([TextDelta("xoxb-123"), ThinkingDelta("45-secret"), TurnFinished("")])
    assert seen[:2] == [TextDelta("xoxb-123"), ThinkingDelta("45-secret")]


@given(st.integers(1, len(SECRET) - 1))
def test_of_a_secret_that_was_cut_off_nothing_is_shown(length: int) -> None:
    half = f"A={SECRET[:length]}{CUT}"
    events = (
        ToolStarted("1", "Bash", half),
        ToolFinished("1", ok=True, output=half),
        ApprovalAsked("r", "Bash", half, half),
    )
    assert shown(events) == [
        ToolStarted("1", "Bash", f"A={CUT}"),
        ToolFinished("1", ok=True, output=f"A={CUT}"),
        ApprovalAsked("r", "Bash", f"A={CUT}", f"A={CUT}"),
    ]


def test_tool_output_and_failures_are_cleaned_too() -> None:
    (tool, failed) = shown([ToolFinished("1", ok=True, output=f"A={SECRET}"), TurnFailed("error", SECRET)])
    assert isinstance(tool, ToolFinished)
    assert tool.output == f"A={HIDDEN}"
    assert isinstance(failed, TurnFailed)
    assert failed.detail == HIDDEN


async def test_a_secret_never_reaches_the_platform_nor_a_reader_of_the_turn(tmp_path: Path) -> None:
    def leak(_turn: Turn) -> Iterator[TurnEvent]:
        yield TextDelta(f"it is {SECRET[:9]}")
        yield TextDelta(SECRET[9:])
        yield TurnFinished(f"it is {SECRET}")

    parts = Parts(tmp_path, runner=ScriptedRunner(leak), secrets=frozenset({SECRET}))
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("what is the token?")
        await parts.adapter.until_text(HIDDEN)
        events = [event async for _, event in bot.attach(parts.runner.turns[0].id)]
    assert SECRET not in repr(events)
    history = [then for shown in parts.adapter.memory.messages for _, then in shown.history]
    assert not any(SECRET[:9] in then for then in history)

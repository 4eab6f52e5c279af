"""A turn's events on their way to a reader, who may be late."""

from __future__ import annotations

import asyncio

from botkit.claude.feed import Feed
from botkit.events import TextDelta, ThinkingDelta, ToolStarted, TurnEvent, TurnFinished

SECONDS = 5.0


async def _read(feed: Feed) -> list[TurnEvent]:
    async with asyncio.timeout(SECONDS):
        return [event async for event in feed]


async def test_text_that_nobody_has_read_yet_is_read_in_one_piece() -> None:
    feed = Feed()
    for word in ("one ", "two ", "three"):
        feed.push(TextDelta(word))
    feed.push(TurnFinished(""))
    assert await _read(feed) == [TextDelta("one two three"), TurnFinished("")]


async def test_what_is_of_another_kind_or_from_elsewhere_stays_apart_and_in_order() -> None:
    feed = Feed()
    tool = ToolStarted("t1", "Bash", "date")
    apart: list[TurnEvent] = [ThinkingDelta("hm"), TextDelta("a"), TextDelta("b", "t1"), tool, TextDelta("c")]
    for event in (*apart, TurnFinished("")):
        feed.push(event)
    assert await _read(feed) == [*apart, TurnFinished("")]


async def test_a_reader_who_keeps_up_gets_every_piece_as_it_comes() -> None:
    feed = Feed()
    pieces = [TextDelta(f"word{number} ") for number in range(5)]
    seen: list[TurnEvent] = []
    async with asyncio.timeout(SECONDS):
        for piece in pieces:
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            feed.push(piece)
            seen.append(await waiting)
    assert seen == pieces


async def test_a_piece_that_was_handed_out_does_not_change_any_more() -> None:
    feed = Feed()
    feed.push(TextDelta("one "))
    first = await anext(feed)
    feed.push(TextDelta("two"))
    feed.push(TurnFinished(""))
    assert first == TextDelta("one ")
    assert await _read(feed) == [TextDelta("two"), TurnFinished("")]

"""Watching a session over its turns."""

from __future__ import annotations

import asyncio

import pytest

from botkit.events import TextDelta, TurnFinished
from botkit.model import Conversation, Message, User
from botkit.turnlog import MAX_EVENTS, RECENT, TurnLog, TurnLogs
from botkit.watching import Seen, Watch, watching


def message(text: str) -> Message:
    return Message(text, Conversation("memory", "s", "c"), User("ann"), text, 0.0)


def begin(logs: TurnLogs, turn: str, session: str = "s") -> TurnLog:
    return logs.open(turn, message(f"asks {turn}"), session)


def play(logs: TurnLogs, turn: str, session: str = "s") -> None:
    log = begin(logs, turn, session)
    log.append(TextDelta(f"says {turn}"))
    log.append(TurnFinished(f"said {turn}"))


def told(seen: list[Seen]) -> list[str]:
    return [getattr(each.event, "text", "") if each.event else each.asked.text if each.asked else "" for each in seen]


async def take(watch: Watch) -> list[str]:
    return told(await watch.take(1.0))


async def test_what_runs_is_seen_from_its_beginning_and_what_is_over_is_not() -> None:
    logs = TurnLogs()
    play(logs, "old")
    log = begin(logs, "now")
    log.append(TextDelta("a"))
    with watching(logs, "s") as watch:
        assert await take(watch) == ["asks now", "a"]
        log.append(TextDelta("b"))
        assert await take(watch) == ["b"]
        log.append(TurnFinished("ab"))
        play(logs, "next")
        assert await take(watch) == ["ab", "asks next", "says next", "said next"]
        assert await watch.take(0.01) == []


async def test_a_session_that_has_not_begun_can_be_watched() -> None:
    logs = TurnLogs()
    with watching(logs, "s") as watch:
        waiting = asyncio.create_task(watch.take(5.0))
        await asyncio.sleep(0)
        play(logs, "elsewhere", "other")
        play(logs, "first")
        assert told(await waiting) == ["asks first", "says first", "said first"]


async def test_a_reader_goes_on_where_it_was() -> None:
    logs = TurnLogs()
    play(logs, "one")
    play(logs, "two")
    with watching(logs, "s", "one:0") as watch:
        assert await take(watch) == ["said one", "asks two", "says two", "said two"]
    with watching(logs, "s", "two:-1") as watch:
        seen = await watch.take(1.0)
        assert told(seen) == ["says two", "said two"]
        assert [each.position for each in seen] == ["two:0", "two:1"]


async def test_two_readers_do_not_take_from_each_other() -> None:
    logs = TurnLogs()
    with watching(logs, "s") as one, watching(logs, "s") as other:
        reads = asyncio.gather(one.take(5.0), other.take(5.0))
        await asyncio.sleep(0)
        play(logs, "turn")
        assert told((await reads)[0]) == told((await reads)[1]) == ["asks turn", "says turn", "said turn"]


async def test_a_reader_that_slept_gets_what_was_folded() -> None:
    logs = TurnLogs()
    log = begin(logs, "long")
    with watching(logs, "s") as watch:
        for number in range(3 * MAX_EVENTS):
            log.append(TextDelta(f"{number} "))
        seen = await watch.take(1.0)
        assert len(seen) < 2 * MAX_EVENTS
        assert "".join(told(seen[1:])) == "".join(f"{number} " for number in range(3 * MAX_EVENTS))


async def test_positions_that_are_forgotten_or_never_were_are_said() -> None:
    logs = TurnLogs()
    play(logs, "old")
    for number in range(RECENT + 1):
        play(logs, f"turn{number}", "other")
    with pytest.raises(KeyError), watching(logs, "s", "old:0"):
        pass
    for wrong in ("nonsense", ":", "turn:", "turn:x"):
        with pytest.raises(ValueError, match="not a position"), watching(logs, "s", wrong):
            pass


async def test_nothing_stays_of_sessions_that_are_neither_read_nor_known() -> None:
    logs = TurnLogs()
    with watching(logs, "idle"):
        pass
    for number in range(3 * RECENT):
        play(logs, f"turn{number}", f"session{number}")
    begin(logs, "last", "last")
    assert len(logs._sessions) <= RECENT + 2  # pyright: ignore[reportPrivateUsage]

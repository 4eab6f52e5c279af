"""What several readers of one turn get, also those that come late or were away while it was folded."""

from __future__ import annotations

import asyncio

import pytest

from botkit.events import TextDelta, ThinkingDelta, ToolFinished, ToolStarted, TurnEvent, TurnFailed, TurnFinished
from botkit.turnlog import MAX_EVENTS, RECENT, TurnLog, TurnLogs


async def read(log: TurnLog, since: int = 0) -> list[tuple[int, TurnEvent]]:
    return [pair async for pair in log.read(since)]


def text(events: list[tuple[int, TurnEvent]]) -> str:
    return "".join(event.text for _, event in events if isinstance(event, TextDelta))


def filled(count: int) -> TurnLog:
    log = TurnLog()
    for number in range(count):
        log.append(TextDelta(f"{number} "))
    return log


async def test_every_reader_gets_every_event_with_its_number() -> None:
    log = TurnLog()
    async with asyncio.timeout(5):
        early = [asyncio.create_task(read(log)) for _ in range(3)]
        await asyncio.sleep(0)
        log.append(TextDelta("one"))
        await asyncio.sleep(0)
        log.append(TextDelta("two"))
        log.append(TurnFinished("onetwo"))
        seen = [await task for task in early]
        late = await read(log)
    assert seen == [late] * 3
    assert late == [(0, TextDelta("one")), (1, TextDelta("two")), (2, TurnFinished("onetwo"))]


async def test_a_reader_goes_on_from_the_number_it_names() -> None:
    log = filled(3)
    log.append(TurnFailed("stopped"))
    async with asyncio.timeout(5):
        assert text(await read(log, 2)) == "2 "
        assert await read(log, 99) == []


async def test_a_long_turn_is_folded_and_a_late_reader_still_gets_the_whole_text() -> None:
    log = TurnLog()
    for number in range(MAX_EVENTS + 10):
        log.append(TextDelta(f"{number} "))
        log.append(ThinkingDelta("hm "))
    log.append(TurnFinished(""))
    async with asyncio.timeout(5):
        events = await read(log)
    assert text(events) == "".join(f"{number} " for number in range(MAX_EVENTS + 10))
    assert len(events) < MAX_EVENTS + 2


@pytest.mark.parametrize("seen", [1, 100, MAX_EVENTS // 2, MAX_EVENTS - 1])
async def test_a_reader_in_the_middle_of_what_is_folded_sees_no_text_twice_and_misses_none(seen: int) -> None:
    log = filled(MAX_EVENTS)
    async with asyncio.timeout(5):
        reader = log.read()
        got = [await anext(reader) for _ in range(seen)]
        for number in range(MAX_EVENTS, 3 * MAX_EVENTS):
            log.append(TextDelta(f"{number} "))
        log.append(TurnFinished(""))
        got += [pair async for pair in reader]
    assert text(got) == "".join(f"{number} " for number in range(3 * MAX_EVENTS))
    numbers = [number for number, _ in got]
    assert numbers == sorted(set(numbers))


async def test_text_of_a_sub_agent_is_not_mixed_into_the_answer_and_tools_stay_in_their_place() -> None:
    log = TurnLog()
    for _ in range(MAX_EVENTS // 4):
        log.append(TextDelta("a"))
        log.append(TextDelta("b", parent="t1"))
        log.append(ToolStarted("t2", "Bash", "ls"))
        log.append(ToolFinished("t2", ok=True))
    for _ in range(MAX_EVENTS):
        log.append(TextDelta("c"))
    log.append(TurnFinished(""))
    async with asyncio.timeout(5):
        events = [event for _, event in await read(log)]
    own = "".join(each.text for each in events if isinstance(each, TextDelta) and not each.parent)
    assert own == "a" * (MAX_EVENTS // 4) + "c" * MAX_EVENTS
    tools = [event for event in events if isinstance(event, ToolStarted | ToolFinished)]
    assert len(tools) == 2 * (MAX_EVENTS // 4)
    assert all(isinstance(tool, ToolStarted) for tool in tools[::2])


async def test_recent_turns_can_be_read_and_old_ones_are_forgotten_but_never_a_running_one() -> None:
    logs = TurnLogs()
    running = logs.open("running")
    for number in range(RECENT + 5):
        logs.open(f"t{number}").append(TurnFinished(""))
    logs.open("next")
    assert logs["running"] is running
    assert logs[f"t{RECENT + 4}"].ended
    with pytest.raises(KeyError):
        logs["t0"]

"""Every benchmark runs and gives numbers; how good they are is no test's business."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable

import pytest

from tests.benchmarks import at_once, crowd, first_word, idle, intent, onion, streams, workers
from tests.benchmarks.rows import Row, table

PATIENCE = 60.0
"""Seconds on a busy machine; each of them starts many processes."""


async def _numbers(measuring: Awaitable[list[Row]]) -> list[Row]:
    async with asyncio.timeout(PATIENCE):
        rows = await measuring
    assert rows
    for row in rows:
        assert math.isfinite(row.value), row.what
        assert row.value >= 0, row.what
        assert row.ratio is None or row.ratio > 0, row.what
    return rows


async def test_the_first_word_is_timed_beside_the_bare_cli_and_the_agent_sdk() -> None:
    rows = await _numbers(first_word.measure(1))
    assert all(row.value > 0 for row in rows)


async def test_a_session_made_ready_by_a_sign_is_timed_beside_one_that_was_not() -> None:
    await _numbers(intent.measure(1))


async def test_people_who_write_at_once_are_timed() -> None:
    await _numbers(at_once.measure(1, people=2))


async def test_lines_turns_and_sessions_are_timed() -> None:
    await _numbers(workers.measure(lines=1000, turns=3, live=4, seconds=0.2))


async def test_many_sessions_are_weighed() -> None:
    await _numbers(crowd.measure(live=5, parked=200, real=(1, 2)))


async def test_answers_that_grow_at_once_are_timed_and_nothing_is_refused() -> None:
    rows = await _numbers(streams.measure(live=(1, 2), seconds=2.0))
    assert all(row.value == 0 for row in rows if "429" in row.what or "did not arrive" in row.what)


async def test_messages_through_the_onion_are_timed() -> None:
    await _numbers(onion.measure(200))


async def test_an_idle_botkit_is_weighed() -> None:
    await _numbers(idle.measure(1))


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("a", 5.0, "ms", most=5), True),
        (Row("a", 5.1, "ms", most=5), False),
        (Row("a", 5.1, "ms", 16.0, least=15), True),
        (Row("a", 5.1, "ms", 14.0, least=15), False),
        (Row("a", 5.1, "ms"), None),
    ],
)
def test_the_table_says_what_fell_short(row: Row, met: bool | None) -> None:
    assert row.met is met
    assert ("**short**" in table([row])) is (met is False)

"""One budget for requests of every kind: who goes first, and what goes without waiting; on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from botkit.budget import Budget, Rank, Rate
from botkit.model import Conversation
from botkit.testing.virtual import virtual

HERE = Conversation("fake", "T1", "C1")


async def times(budget: Budget, rank: Rank, count: int) -> list[float]:
    served: list[float] = []
    for _ in range(count):
        await budget.take(HERE, rank)
        served.append(asyncio.get_running_loop().time())
    return served


@virtual
async def test_what_is_idle_leaves_a_reserve_for_progress_as_progress_does_for_what_is_urgent() -> None:
    rate = Rate(per_minute=60, burst=6, reserve=2)
    assert await times(Budget(rate), "idle", 3) == pytest.approx([0, 0, 1], abs=0.01)
    assert len([at for at in await times(Budget(rate), "usual", 6) if at < 1.01]) == 4


@virtual
async def test_a_reserve_larger_than_the_burst_keeps_nobody_out_for_ever() -> None:
    await times(Budget(Rate(per_minute=60, burst=2, reserve=1)), "idle", 3)


@virtual
async def test_a_request_that_could_not_wait_is_waited_for_by_the_next() -> None:
    budget = Budget(Rate(per_minute=60, burst=1))
    budget.spend(HERE)
    budget.spend(HERE)
    assert await times(budget, "urgent", 1) == pytest.approx([2], abs=0.01)

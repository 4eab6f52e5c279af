"""Many replies share a platform's budget, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from botkit.budget import Rate
from botkit.model import Conversation
from botkit.pacing import Act, Pacer
from botkit.testing.virtual import virtual


def thread(number: int, channel: str = "C1") -> Conversation:
    return Conversation("fake", "T1", channel, str(number))


def now() -> float:
    return asyncio.get_running_loop().time()


async def times(pacer: Pacer, act: Act, conversation: Conversation, count: int, *, urgent: bool = False) -> list[float]:
    served: list[float] = []
    for _ in range(count):
        await pacer.ready(act, conversation, urgent=urgent)
        served.append(now())
    return served


@virtual
async def test_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    served = await times(Pacer({"edit": Rate(per_minute=60, burst=3)}), "edit", thread(1), 6)
    assert served == pytest.approx([0, 0, 0, 1, 2, 3], abs=0.01)


@virtual
async def test_an_act_without_a_rate_is_not_held_back() -> None:
    assert (await times(Pacer({"edit": Rate(1)}), "post", thread(1), 100))[-1] < 0.1


@virtual
async def test_what_people_wait_for_overtakes_progress() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)})
    order: list[str] = []

    async def act(name: str, number: int, *, urgent: bool) -> None:
        await pacer.ready("edit", thread(number), urgent=urgent)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(act(f"progress {number}", number, urgent=False))
        group.create_task(act("final", 9, urgent=True))
    assert order[:2] == ["progress 0", "final"]


@virtual
async def test_progress_leaves_the_reserve_alone() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=4, reserve=2)})
    assert await times(pacer, "edit", thread(1), 3) == pytest.approx([0, 0, 1], abs=0.01)
    assert await times(pacer, "edit", thread(2), 2, urgent=True) == pytest.approx([1, 1], abs=0.01)


@virtual
async def test_progress_is_shared_evenly_and_slows_down_with_the_number_of_replies() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)})
    counts = dict.fromkeys(range(10), 0)

    async def stream(number: int) -> None:
        while True:
            await pacer.ready("edit", thread(number), urgent=False)
            counts[number] += 1

    tasks = [asyncio.create_task(stream(number)) for number in counts]
    await asyncio.sleep(100.5)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert set(counts.values()) <= {10, 11}


@virtual
async def test_a_429_stops_everybody_for_as_long_as_the_platform_says() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=10), "post": Rate(per_minute=60, burst=10)})
    await pacer.ready("edit", thread(1), urgent=False)
    pacer.limited("edit", thread(1), 30)
    assert await times(pacer, "edit", thread(2), 3, urgent=True) == pytest.approx([30, 31, 32], abs=0.01)
    assert now() == pytest.approx(32, abs=0.01)


@virtual
async def test_a_429_for_edits_does_not_stop_posts() -> None:
    pacer = Pacer({"edit": Rate(60), "post": Rate(60)})
    pacer.limited("edit", thread(1), 30)
    assert await times(pacer, "post", thread(1), 1) == pytest.approx([0], abs=0.01)


@virtual
async def test_each_channel_has_a_rate_of_its_own() -> None:
    pacer = Pacer({}, {"post": Rate(per_minute=60, burst=1)})
    async with asyncio.timeout(10):
        one = await times(pacer, "post", thread(1, "C1"), 2)
        other = await times(pacer, "post", thread(1, "C2"), 1)
    assert one == pytest.approx([0, 1], abs=0.01)
    assert other == pytest.approx([1], abs=0.01)


@virtual
async def test_a_slow_channel_does_not_hold_up_another() -> None:
    pacer = Pacer({"post": Rate(600, burst=10)}, {"post": Rate(per_minute=6, burst=1)})
    await pacer.ready("post", thread(1, "C1"), urgent=True)
    blocked = asyncio.create_task(pacer.ready("post", thread(1, "C1"), urgent=True))
    await asyncio.sleep(0)
    await pacer.ready("post", thread(1, "C2"), urgent=False)
    assert now() < 1
    await blocked
    assert now() == pytest.approx(10, abs=0.01)


@virtual
async def test_cancelled_waiters_take_nothing_with_them() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)})
    await pacer.ready("edit", thread(1), urgent=False)
    waiting = [asyncio.create_task(pacer.ready("edit", thread(number), urgent=True)) for number in range(5)]
    await asyncio.sleep(0.5)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    await pacer.ready("edit", thread(6), urgent=False)
    assert now() == pytest.approx(1, abs=0.01)


@virtual
async def test_a_waiter_cancelled_just_as_it_is_served_gives_its_slot_back() -> None:
    clock = [0.0]
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)}, clock=lambda: clock[0])
    await pacer.ready("edit", thread(1), urgent=False)
    task = asyncio.create_task(pacer.ready("edit", thread(2), urgent=False))
    await asyncio.sleep(0)
    clock[0] = 1.0
    next_one = asyncio.create_task(pacer.ready("edit", thread(3), urgent=False))
    await asyncio.sleep(0)  # its coming serves the first one, which has not heard of it yet
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    async with asyncio.timeout(0.1):
        await next_one


@virtual
async def test_an_act_that_did_not_happen_can_be_given_back() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)})
    await pacer.ready("edit", thread(1), urgent=False)
    pacer.give_back("edit", thread(1))
    await pacer.ready("edit", thread(2), urgent=False)
    assert now() < 0.1


@virtual
async def test_a_thousand_channels_leave_no_trace_behind() -> None:
    pacer = Pacer({}, {"post": Rate(per_minute=6000, burst=1)})
    for number in range(1000):
        await pacer.ready("post", thread(1, f"C{number}"), urgent=False)
        await asyncio.sleep(1)
    assert await times(pacer, "post", thread(1, "C1"), 2) == pytest.approx([now() - 0.01, now()], abs=0.005)


@pytest.mark.parametrize(("per_minute", "burst", "reserve"), [(0, 1, 0), (60, 1, 1), (60, 1, -1)])
def test_a_rate_that_lets_nothing_through_is_refused(per_minute: float, burst: float, reserve: float) -> None:
    with pytest.raises(ValueError, match="let progress through"):
        Rate(per_minute, burst, reserve)


@virtual
async def test_who_gives_up_in_the_very_moment_of_a_grant_takes_nothing() -> None:
    pacer = Pacer({"edit": Rate(per_minute=60, burst=1)})
    await pacer.ready("edit", thread(1), urgent=True)
    waiting = asyncio.create_task(pacer.ready("edit", thread(2), urgent=False))
    await asyncio.sleep(0)
    waiting.cancel()
    pacer.give_back("edit", thread(1))  # grants before the one that was cancelled has run
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    begun = asyncio.get_running_loop().time()
    await pacer.ready("edit", thread(3), urgent=False)
    assert asyncio.get_running_loop().time() - begun < 0.01

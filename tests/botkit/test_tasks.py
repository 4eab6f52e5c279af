"""Tasks are never lost: they are waited for, cut when the time is over, and their failures are logged."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from botkit.tasks import Tasks


async def fail() -> None:
    raise ValueError("broken")


async def test_draining_waits_for_what_runs() -> None:
    tasks, go, done = Tasks(), asyncio.Event(), list[str]()

    async def work() -> None:
        await go.wait()
        done.append("work")

    async with asyncio.timeout(5):
        tasks.start(work(), "work")
        asyncio.get_running_loop().call_soon(go.set)
        assert await tasks.drain(5)
    assert done == ["work"]
    assert len(tasks) == 0


async def test_what_does_not_end_in_time_is_cut_and_said() -> None:
    tasks, forever = Tasks(), asyncio.Event()

    async def work() -> None:
        await forever.wait()

    async with asyncio.timeout(5):
        task = tasks.start(work(), "work")
        assert not await tasks.drain(0)
    assert task.cancelled()
    assert await tasks.drain(0), "nothing is left"


async def test_what_a_task_starts_while_it_is_waited_for_is_waited_for_too() -> None:
    tasks, done = Tasks(), list[str]()

    async def second() -> None:
        await asyncio.sleep(0)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        tasks.start(second(), "second")

    async with asyncio.timeout(5):
        tasks.start(first(), "first")
        assert await tasks.drain(5)
    assert done == ["second"]


async def test_a_failure_is_logged_with_the_task_s_name() -> None:
    tasks = Tasks()
    with capture_logs() as lines:
        async with asyncio.timeout(5):
            tasks.start(fail(), "answer-1")
            assert await tasks.drain(5)
            await asyncio.sleep(0)
    assert [(line["event"], line["task"]) for line in lines] == [("task_failed", "answer-1")]


async def test_a_task_may_drain_the_others() -> None:
    tasks = Tasks()

    async def last() -> None:
        assert await tasks.drain(5)

    async with asyncio.timeout(5):
        await tasks.start(last(), "last")

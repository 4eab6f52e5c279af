"""Rows B of the fault list: without its store botkit takes nothing, finishes what runs, and repeats nothing later."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from adapters.slack.testing import Delivery
from botkit.application import Application
from tests.botkit.stores.valkey import command
from tests.faults.office_rows import Redis, RowOffice, Wire, an_office, until
from tests.journeys.office import PATIENCE
from tests.journeys.place import Thread
from tests.journeys.places.slack import root_of
from tests.journeys.test_restarting import workers_of

RETRIES = 60.0
"""How much faster than in reality Slack delivers again: after 0, 1 and 5 seconds."""


@asynccontextmanager
async def an_office_on(redis: Redis, root: Path, *, url: str = "") -> AsyncGenerator[RowOffice]:
    async with an_office(root, store=url or redis.url, speed=RETRIES, clean=False) as office:
        yield office


async def test_b12_redis_is_down_at_the_start(tmp_path: Path) -> None:
    """botkit does not start, and says in one line what it misses: whoever supervises it tries again."""
    redis = Redis(tmp_path / "redis")
    redis.start()
    redis.kill()
    async with an_office_on(redis, tmp_path) as office:
        assert await office.exits() == 1
        assert redis.url in office.said.strip().splitlines()[-1]
        assert "cannot be reached" in office.said
        assert "Traceback" not in office.said
        with redis:
            await office.start()
            thread = await office.mention("!say hello")
            await office.until_shown(thread, "hello")


async def test_b13_redis_is_killed_in_the_middle_of_a_turn(tmp_path: Path) -> None:
    """The turn still answers; what is written meanwhile is not acknowledged, holds no memory, and runs once later."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            async with office.running() as application:
                thread = await _talking(office)
                redis.kill()
                missed = await office.mention("!say you were away", person="bob")
                for number in range(8):
                    await office.slack.say("alice", "general", f"{office.slack.app.mention} !say number {number}")
                await _finished(office, thread)
                await office.seen(lambda: _refused(office, missed) >= 2)
                assert len(application.bots["main"].tasks) <= 1, "only the turn that waits to be settled"
                redis.start()
                await office.until_shown(missed, "you were away")
                await _settled(application)
            await _nothing_is_repeated(office, [thread, missed])


async def test_b14_redis_comes_back_empty(tmp_path: Path) -> None:
    """The turn in progress answers and its session is known again; new messages are taken; nothing runs twice."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            async with office.running() as application:
                thread = await _talking(office)
                redis.kill()
                redis.start(empty=True)
                await _finished(office, thread)
                await thread.say(f"{office.slack.app.mention} !history", person="bob")
                await office.until_shown(thread, "I see 2 prompts")
                await _settled(application)
            await _nothing_is_repeated(office, [], prompts=2)


async def test_b15_redis_takes_half_a_second_for_everything(tmp_path: Path) -> None:
    """Slack is acknowledged within three seconds all the same, in a new thread and in a followed one."""
    with Redis(tmp_path / "redis") as redis:
        async with Wire(redis.port) as wire, an_office_on(redis, tmp_path, url=wire.url) as office:
            async with office.running():
                thread = await office.mention("!say warm up")
                await office.until_shown(thread, "warm up")
                await thread.say("!say followed", person="bob")
                await office.until_shown(thread, "followed")
                wire.delay = 0.5  # from when every script is known: the first use of one takes three times as long
                other = await office.mention("!say first")
                await office.until_shown(other, "first")
                await thread.say("!say second", person="bob")
                await office.until_shown(thread, "second")
                wire.delay = 0.0
            office.slack.assert_clean()


async def test_b15_redis_stands_still_for_five_seconds(tmp_path: Path) -> None:
    """As B13: nothing is acknowledged meanwhile, the turn goes on, what was missed runs once."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            async with office.running() as application:
                thread = await _talking(office)
                with redis.paused():
                    missed = await office.mention("!say you were away", person="bob")
                    await _finished(office, thread)
                    assert not any(delivery.acked for delivery in _deliveries(office, missed))
                    await office.seen(lambda: _refused(office, missed) >= 2, within=10)
                await office.until_shown(missed, "you were away")
                await _settled(application)
            await _nothing_is_repeated(office, [thread, missed])


@pytest.mark.parametrize("fault", ["reset", "half-close", "answers lost"])
async def test_b16_the_connection_to_redis_breaks_in_the_middle_of_a_reply(tmp_path: Path, fault: str) -> None:
    """The reply goes on, the next message is taken, nothing runs twice."""
    with Redis(tmp_path / "redis") as redis:
        async with Wire(redis.port) as wire, an_office_on(redis, tmp_path, url=wire.url) as office:
            async with office.running() as application:
                thread = await _talking(office)
                wire.deaf = fault == "answers lost"
                wire.half_close() if fault == "half-close" else wire.cut()
                missed = await office.mention("!say are you there", person="bob")
                await _finished(office, thread)
                wire.deaf = False
                await office.until_shown(missed, "are you there")
                await _settled(application)
            await _nothing_is_repeated(office, [thread, missed])


@pytest.mark.parametrize("fault", ["out of memory", "read-only", "wrong type"])
async def test_b17_redis_refuses_to_write(tmp_path: Path, fault: str) -> None:
    """Nothing is acknowledged while it cannot be remembered; the turn in progress answers; then all is taken once."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            async with office.running() as application:
                thread = await _talking(office)
                await _break(redis, fault)
                missed = await office.mention("!say you were away", person="bob")
                await _finished(office, thread)
                await office.seen(lambda: _refused(office, missed) >= 2)
                await _mend(redis, fault)
                await office.until_shown(missed, "you were away")
                await _settled(application)
            await _nothing_is_repeated(office, [thread, missed])


async def test_b17_redis_forgets_the_scripts(tmp_path: Path) -> None:
    """NOSCRIPT is nobody's trouble: they are sent again."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            async with office.running() as application:
                thread = await _talking(office)
                await command(redis.url, "SCRIPT", "FLUSH")
                other = await office.mention("!say hello", person="bob")
                await office.until_shown(other, "hello")
                await _finished(office, thread)
                await _settled(application)
            await _nothing_is_repeated(office, [thread, other])


async def test_b18_two_instances_share_a_thread_one_after_the_other(tmp_path: Path) -> None:
    """A session moves to whichever process gets the message; never two CLIs have it at once."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            first, second = await office.start(), await office.start()
            await office.slack.connected(2, within=PATIENCE)
            thread = await office.mention("!say number 0")
            await office.until_shown(thread, "number 0")
            for number in range(1, 6):
                await thread.say(f"!say number {number}")
                await office.until_shown(thread, f"number {number}")
                assert _on_one_session(first.pid, second.pid) <= 1
            await thread.say("!history")
            await office.until_shown(thread, "I see 7 prompts")


async def test_b18_a_process_that_stood_still_past_its_lease(tmp_path: Path) -> None:
    """The other process takes the turn over; when the first goes on it neither answers again nor keeps the session."""
    with Redis(tmp_path / "redis") as redis:
        async with an_office_on(redis, tmp_path) as office:
            first = await office.start()
            thread = await office.mention("!words 2000 50ms")
            await office.until_shown(thread, "word5")
            second = await office.start()
            await office.slack.connected(2, within=PATIENCE)
            os.kill(first.pid, signal.SIGSTOP)
            try:
                await office.seen(lambda: "interrupted by a restart" in office.model.asks[-1].prompt, within=30)
            finally:
                os.kill(first.pid, signal.SIGCONT)
            await office.logged("turn_lost")
            await office.seen(lambda: _on_one_session(first.pid, second.pid) == 1, within=10)
            await office.until(thread, lambda shown: any("goes on below" in each and "word5" in each for each in shown))
            # Slack gives an event to either process, and only the one that works at a turn can stop it.
            assert await office.end(first) == 0
            await thread.say("!stop")
            await office.until_shown(thread, "Stopped.")
            assert len([post for post in office.posts(thread) if "word5" in post.shown]) == 1


async def _talking(office: RowOffice) -> Thread:
    """A turn of about three seconds that has begun to answer."""
    thread = await office.mention("!words 60 50ms")
    await office.until_shown(thread, "word5")
    return thread


async def _finished(office: RowOffice, thread: Thread) -> None:
    await office.until(thread, lambda shown: any("word60" in each and "$" in each for each in shown))


async def _settled(application: Application) -> None:
    """All that was accepted has been answered and has left the journal."""
    await until(lambda: not application.bots["main"].tasks)


async def _nothing_is_repeated(office: RowOffice, threads: list[Thread], *, prompts: int | None = None) -> None:
    """A restart finds nothing to do, and every thread has the one answer it had."""
    asked = len(office.model.asks)
    async with office.running():
        thread = await office.mention("!say the last one", person="bob")
        await office.until_shown(thread, "the last one")
    assert len(office.model.asks) == asked + 1
    for each in threads:
        assert len(office.posts(each)) == 1


def _deliveries(office: RowOffice, thread: Thread) -> list[Delivery]:
    return [each for each in office.slack.deliveries if each.event.get("ts") == root_of(thread).ts]


def _refused(office: RowOffice, thread: Thread) -> int:
    """How many deliveries of a message were not acknowledged."""
    return sum(bool(attempt.problem) for each in _deliveries(office, thread) for attempt in each.attempts)


async def _break(redis: Redis, fault: str) -> None:
    match fault:
        case "out of memory":
            await command(redis.url, "CONFIG", "SET", "maxmemory", "1")
        case "read-only":
            await command(redis.url, "REPLICAOF", "127.0.0.1", "1")
        case _:
            await command(redis.url, "RENAME", "botkit:seen", "aside")
            await command(redis.url, "SET", "botkit:seen", "something else")


async def _mend(redis: Redis, fault: str) -> None:
    match fault:
        case "out of memory":
            await command(redis.url, "CONFIG", "SET", "maxmemory", "0")
        case "read-only":
            await command(redis.url, "REPLICAOF", "NO", "ONE")
        case _:
            await command(redis.url, "RENAME", "aside", "botkit:seen")


def _on_one_session(*botkits: int) -> int:
    """The most CLIs that have one session."""
    found: Counter[str] = Counter()
    for worker in (worker for pid in botkits for worker in workers_of(pid)):
        with suppress(psutil.NoSuchProcess):
            found.update(re.findall(r"--(?:resume|session-id)=(\S+)", " ".join(worker.cmdline())))
    return max(found.values(), default=0)

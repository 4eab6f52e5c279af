from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.claude.scales import TYPICAL
from botkit.events import TurnEvent, TurnFailed, TurnFinished, Waiting
from tests.botkit.claude.conftest import FAST, Talk, new_talk

Fake = Callable[..., Profile]


@asynccontextmanager
async def running(
    profile: Profile, limits: PoolLimits, ambient: dict[str, str]
) -> AsyncGenerator[tuple[Pool, ClaudeRunner], None]:
    async with Pool(limits, replace(FAST, silence=5.0), ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        yield pool, runner


async def eventually(check: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110 (states of other processes do not signal)
            await asyncio.sleep(0.01)


def live_clis() -> int:
    found = 0
    for each in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # also of one that has ended and is still there
            found += "botkit.testing.fake_cli" in each.cmdline()
    return found


async def test_the_ceiling_holds_and_waiting_turns_are_served_in_order(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    order: list[int] = []
    most = 0

    async def ask(number: int, talk: Talk) -> None:
        nonlocal most

        def called(event: TurnEvent) -> None:
            if event == Waiting(0):
                order.append(number)

        assert isinstance(await talk.ask("hello", author=f"U{number}", seconds=20, decide=called), TurnFinished)
        most = max(most, len(pool.workers))

    async with running(profile, PoolLimits(max_workers=2, spares=0), ambient) as (pool, runner):
        talks = [new_talk(runner, profile.workdir) for _ in range(8)]
        async with asyncio.TaskGroup() as group:
            for number, talk in enumerate(talks):
                group.create_task(ask(number, talk))
    assert most <= 2
    assert order == [2, 3, 4, 5, 6, 7]
    waited = [event.ahead for event in talks[5].events if isinstance(event, Waiting)]
    assert waited == sorted(waited, reverse=True)
    assert waited[-1] == 0
    assert not any(isinstance(event, Waiting) for event in talks[0].events)


async def test_sessions_that_begin_in_the_same_moment_wait_for_room_in_memory(
    fake: Fake, ambient: dict[str, str]
) -> None:
    profile = fake("normal")
    limits = PoolLimits(max_workers=8, spares=0, memory=2 * TYPICAL)
    async with running(profile, limits, ambient) as (_, runner):
        talks = [new_talk(runner, profile.workdir) for _ in range(5)]
        ended = await asyncio.gather(*(talk.ask("hello", seconds=20) for talk in talks))
    assert all(isinstance(outcome, TurnFinished) for outcome in ended)
    waited = [any(isinstance(event, Waiting) for event in talk.events) for talk in talks]
    assert waited == [False, False, True, True, True]


async def test_one_person_does_not_hold_up_another(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    order: list[str] = []

    async def ask(author: str, talk: Talk) -> None:
        assert isinstance(await talk.ask("hello", author=author, seconds=20), TurnFinished)
        order.append(author)

    limits = PoolLimits(max_workers=1, spares=0)
    async with running(profile, limits, ambient) as (_, runner), asyncio.TaskGroup() as group:
        for author in ("greedy", "greedy", "greedy", "greedy", "other"):
            group.create_task(ask(author, new_talk(runner, profile.workdir)))
    assert "other" in order[:3]


async def test_a_waiting_turn_can_be_stopped(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("hang")
    async with running(profile, PoolLimits(max_workers=1, spares=0), ambient) as (_, runner):
        first, second = new_talk(runner, profile.workdir), new_talk(runner, profile.workdir)
        async with asyncio.timeout(5), runner.start(first.turn("hello")) as events:
            await anext(events)
            async with runner.start(second.turn("hello")) as waiting:
                seen: list[TurnEvent] = [await anext(waiting)]
                assert seen == [Waiting(1)]
                assert await runner.stop(second.session.id)
                seen += [event async for event in waiting]
            assert isinstance(seen[-1], TurnFailed)
            assert seen[-1].reason == "stopped"


async def test_the_least_recently_used_worker_parks_first(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=2, spares=0), ambient) as (pool, runner):
        old, young, new = (new_talk(runner, profile.workdir) for _ in range(3))
        for talk in (young, old, young, new):
            await talk.ask("hello")
        assert {worker.session for worker in pool.workers} == {young.session.id, new.session.id}
        assert isinstance(await old.ask("back again"), TurnFinished)


async def test_memory_is_a_ceiling_too(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=5, spares=0, memory=100), ambient) as (pool, runner):
        for _ in range(3):
            await new_talk(runner, profile.workdir).ask("hello")
            assert len(pool.workers) == 1


async def test_a_reserved_spare_answers_at_once_under_the_promised_id(
    profile: Profile, ambient: dict[str, str]
) -> None:
    async with running(profile, PoolLimits(max_workers=3, spares=1), ambient) as (pool, runner):
        await eventually(lambda: [pool.state(worker) for worker in pool.workers] == ["spare"])
        (spare,) = pool.workers
        id = await runner.reserve()
        assert id == spare.session
        talk = new_talk(runner, profile.workdir, id)
        ended = await talk.ask("!say quick")
        assert isinstance(ended, TurnFinished)
        assert ended.session == id
        assert spare in pool.workers
        await eventually(lambda: sorted(pool.state(worker) for worker in pool.workers) == ["idle", "spare"])
        other = await runner.reserve()
        assert other != id
        assert await runner.reserve() not in (id, other)


async def test_a_reserved_spare_that_dies_is_replaced_under_its_id(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=3, spares=1), ambient) as (pool, runner):
        await eventually(lambda: len(pool.workers) == 1)
        id = await runner.reserve()
        psutil.Process(pool.workers[0].pid).kill()
        ended = await new_talk(runner, profile.workdir, id).ask("hello")
        assert isinstance(ended, TurnFinished)
        assert ended.session == id


async def test_spares_stay_below_the_ceiling_and_make_room(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=2, spares=4), ambient) as (pool, runner):
        await eventually(lambda: len(pool.workers) == 2)
        assert isinstance(await new_talk(runner, profile.workdir).ask("hello"), TurnFinished)
        assert len(pool.workers) <= 2


async def test_a_spare_that_waits_for_a_calm_moment_gives_way_to_a_turn(fake: Fake, ambient: dict[str, str]) -> None:
    """While the first turn has not begun to answer, another one takes the place that the next spare was to have."""
    profile, most = fake("hang"), 0
    async with running(profile, PoolLimits(max_workers=2, spares=1), ambient) as (pool, runner):

        def works(talk: Talk) -> bool:
            nonlocal most
            most = max(most, live_clis())
            return talk.session.id in {worker.session for worker in pool.workers if worker.exchange}

        await eventually(lambda: len(pool.workers) == 1)
        first = new_talk(runner, profile.workdir, await runner.reserve())
        second, third = new_talk(runner, profile.workdir), new_talk(runner, profile.workdir)
        async with asyncio.timeout(30), runner.start(first.turn("hello")):
            await eventually(lambda: works(first))
            async with runner.start(second.turn("hello")):
                await eventually(lambda: works(second))
                assert await runner.stop(first.session.id)
                async with runner.start(third.turn("hello")):
                    await eventually(lambda: works(third), 15)  # the first one's CLI takes its time to end
    assert most == 2


async def test_an_idle_worker_freezes_thaws_and_parks(profile: Profile, ambient: dict[str, str]) -> None:
    limits = PoolLimits(max_workers=2, spares=0, freeze_after=0.2, park_after=1.0)
    async with running(profile, limits, ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        await talk.ask("remember the plum")
        (worker,) = pool.workers
        await eventually(lambda: pool.state(worker) == "frozen")
        await eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
        ended = await talk.ask("!history")
        assert isinstance(ended, TurnFinished)
        assert pool.workers == (worker,)
        await eventually(lambda: pool.workers == ())
        ended = await talk.ask("!history")
        assert isinstance(ended, TurnFinished)
        assert "plum" in ended.text


async def test_a_changed_profile_retires_its_workers_when_they_are_idle(fake: Fake, ambient: dict[str, str]) -> None:
    old = fake("normal")
    new = replace(old, append_system_prompt="Be brief.")
    async with running(old, PoolLimits(max_workers=3, spares=1), ambient) as (pool, runner):
        talk = new_talk(runner, old.workdir)
        await talk.ask("hello")
        async with ClaudeRunner(new, pool) as renewed:
            pool.retire(old)
            await eventually(lambda: all(worker.profile == new for worker in pool.workers))
            talk.runner = renewed
            assert isinstance(await talk.ask("hello"), TurnFinished)
            worker = pool.find(talk.session.id)
            assert worker
            assert worker.profile == new


async def test_a_changed_model_of_a_session_starts_a_new_worker(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=3, spares=0), ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        await talk.ask("hello")
        talk.session = replace(talk.session, model="haiku", mode="plan")
        await talk.ask("hello")
        (worker,) = pool.workers
        assert "--model=haiku" in psutil.Process(worker.pid).cmdline()
        assert "--permission-mode=plan" in psutil.Process(worker.pid).cmdline()


async def test_two_turns_of_one_session_never_have_two_workers(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=3, spares=0), ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        twin = new_talk(runner, profile.workdir, talk.session.id)
        both = await asyncio.gather(talk.ask("hello"), twin.ask("hello"))
        assert all(isinstance(ended, TurnFinished) for ended in both)
        assert len(pool.workers) == 1


async def test_leaving_the_pool_ends_turns_and_processes(fake: Fake, ambient: dict[str, str], tmp_path: Path) -> None:
    profile = replace(fake("hang"), environment={"MARK": str(uuid.uuid4())})
    pool = Pool(PoolLimits(max_workers=2, spares=1), replace(FAST, silence=5.0), ambient=ambient)
    async with asyncio.timeout(10):
        await pool.__aenter__()
        runner = ClaudeRunner(profile, pool)
        await runner.__aenter__()
        async with runner.start(new_talk(runner, profile.workdir).turn("hello")) as events:
            await anext(events)
            await pool.__aexit__()
            seen = [event async for event in events]
        await runner.__aexit__()
    assert isinstance(seen[-1], TurnFailed)
    assert seen[-1].reason == "interrupted"
    assert not [each for each in psutil.Process().children(recursive=True) if "fake_cli" in " ".join(each.cmdline())]

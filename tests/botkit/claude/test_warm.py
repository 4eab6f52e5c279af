"""A worker is made ready for a message that is about to come, without taking anything from others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import psutil

from botkit.claude.options import PoolLimits, Profile
from botkit.events import TurnFinished
from botkit.model import Session
from tests.botkit.claude.conftest import Talk, new_talk
from tests.botkit.claude.test_pool import eventually, running

Fake = Callable[..., Profile]
FEW = PoolLimits(max_workers=2, spares=0)


def used(talk: Talk) -> Session:
    return replace(talk.session, turns=1)


async def test_a_parked_session_is_resumed_before_its_message_and_remembers(
    profile: Profile, ambient: dict[str, str]
) -> None:
    async with running(profile, FEW, ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        await talk.ask("remember the number 42")
        assert await runner.park(talk.session.id)
        assert await runner.warm(used(talk))
        (worker,) = pool.workers
        assert pool.state(worker) == "idle"
        await talk.ask("!history")
        assert "remember the number 42" in talk.text
        assert pool.workers == (worker,), "it was the one made ready"


async def test_a_message_that_comes_at_once_waits_for_the_worker_that_is_coming(
    profile: Profile, ambient: dict[str, str]
) -> None:
    async with running(profile, FEW, ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        await talk.ask("!say one")
        await runner.park(talk.session.id)
        _, ended = await asyncio.gather(runner.warm(used(talk)), talk.ask("!say two"))
        assert isinstance(ended, TurnFinished)
        assert len(pool.workers) == 1


async def test_a_frozen_worker_is_thawed_and_stays_so_for_a_while(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, PoolLimits(max_workers=1, spares=0, freeze_after=0.5), ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        await talk.ask("hello")
        (worker,) = pool.workers
        await eventually(lambda: pool.state(worker) == "frozen")
        assert await runner.warm(used(talk))
        assert psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED
        assert pool.state(worker) == "idle"
        await eventually(lambda: pool.state(worker) == "frozen")


async def test_at_the_ceiling_nobody_is_closed_for_a_sign(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, FEW, ambient) as (pool, runner):
        talks = [new_talk(runner, profile.workdir) for _ in range(3)]
        for talk in talks:
            await talk.ask("hello")
        kept = set(pool.workers)
        assert len(kept) == 2, "the first one was parked for the third"
        assert not await runner.warm(used(talks[0]))
        assert not await runner.warm(None)
        assert set(pool.workers) == kept


async def test_a_sign_in_a_new_conversation_readies_one_spare_where_none_is_kept(
    profile: Profile, ambient: dict[str, str]
) -> None:
    async with running(profile, FEW, ambient) as (pool, runner):
        assert await runner.warm(None)
        assert await runner.warm(None)
        (spare,) = pool.workers
        assert pool.state(spare) == "spare"
        talk = new_talk(runner, profile.workdir, await runner.reserve())
        await talk.ask("!say hello")
        assert pool.workers == (spare,)


async def test_a_session_given_up_while_it_is_made_ready_has_no_worker(fake: Fake, ambient: dict[str, str]) -> None:
    profile = fake("normal")
    async with running(profile, FEW, ambient) as (pool, runner):
        talk = new_talk(runner, profile.workdir)
        warming = asyncio.create_task(runner.warm(used(talk)))
        await asyncio.sleep(0)
        assert await runner.park(talk.session.id)
        await warming
        assert pool.workers == ()

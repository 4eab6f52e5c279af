"""How long to wait, by what Discord's headers said."""

from __future__ import annotations

import asyncio

import pytest

from adapters.discord.buckets import Buckets, Route
from adapters.discord.pace import ChannelPacer
from botkit.model import Conversation
from botkit.testing.virtual import virtual

EDIT = Route("PATCH", "/channels/{}/messages/{}", "1")


def headers(remaining: int, after: float, *, limit: int = 5, bucket: str = "b") -> dict[str, str]:
    """https://docs.discord.com/developers/topics/rate-limits#header-format-rate-limit-header-examples"""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(after),
        "X-RateLimit-Bucket": bucket,
    }


def test_nothing_is_known_at_first() -> None:
    assert Buckets().wait(EDIT, 0.0, urgent=False) == 0


def test_the_last_call_of_a_window_is_kept_for_what_people_wait_for() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, headers(1, 4.0), 10.0)
    assert buckets.wait(EDIT, 11.0, urgent=False) == 3.0
    assert buckets.wait(EDIT, 11.0, urgent=True) == 0
    buckets.going(EDIT)
    assert buckets.wait(EDIT, 11.0, urgent=True) == 3.0
    assert buckets.wait(EDIT, 14.0, urgent=False) == 0


def test_a_bucket_of_one_keeps_nothing_back() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, headers(1, 4.0, limit=1), 0.0)
    assert buckets.wait(EDIT, 0.0, urgent=False) == 0


def test_channels_do_not_share_but_routes_of_one_bucket_do() -> None:
    buckets, post = Buckets(), Route("POST", "/channels/{}/messages", "1")
    buckets.heard(post, headers(5, 1.0), 0.0)
    buckets.heard(EDIT, headers(0, 5.0), 0.0)
    assert buckets.wait(post, 0.0, urgent=True) == 5.0
    assert buckets.wait(Route(EDIT.method, EDIT.template, "2"), 0.0, urgent=True) == 0


def test_a_429_stops_its_channel_and_a_global_one_stops_all() -> None:
    buckets, other = Buckets(), Route("PATCH", "/channels/{}/messages/{}", "2")
    buckets.limited(EDIT, 2.0, 0.0, everywhere=False)
    assert (buckets.wait(EDIT, 0.0, urgent=True), buckets.wait(other, 0.0, urgent=True)) == (2.0, 0)
    buckets.limited(EDIT, 3.0, 0.0, everywhere=True)
    assert (buckets.wait(EDIT, 0.0, urgent=True), buckets.wait(other, 0.0, urgent=True)) == (3.0, 3.0)


def test_headers_that_say_nothing_change_nothing() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, {"X-RateLimit-Limit": "many"}, 0.0)
    assert buckets.wait(EDIT, 0.0, urgent=False) == 0


async def test_a_full_channel_waits_while_another_goes_on() -> None:
    buckets, now = Buckets(), asyncio.get_running_loop().time()
    buckets.heard(EDIT, headers(0, 0.2), now)
    pacer = ChannelPacer(buckets, lambda _, where: Route(EDIT.method, EDIT.template, where.channel))
    first, second = Conversation("discord", "g", "1"), Conversation("discord", "g", "2")
    async with asyncio.timeout(5):
        await pacer.ready("edit", second, urgent=False)
        assert asyncio.get_running_loop().time() < now + 0.15
        await pacer.ready("edit", first, urgent=False)
    assert asyncio.get_running_loop().time() >= now + 0.2


@virtual
async def test_what_another_reply_of_the_channel_took_is_waited_for_again() -> None:
    buckets, loop = Buckets(), asyncio.get_running_loop()
    pacer = ChannelPacer(buckets, lambda _, where: Route(EDIT.method, EDIT.template, where.channel))
    busy = Conversation("discord", "g", "2")
    for _ in range(15):
        await pacer.ready("edit", busy, urgent=False)
    waiting = asyncio.create_task(pacer.ready("edit", Conversation("discord", "g", "1"), urgent=False))
    await asyncio.sleep(0)
    buckets.heard(EDIT, headers(0, 4.0), begun := loop.time())
    await waiting
    assert loop.time() - begun == pytest.approx(4.0, abs=0.01)


@virtual
async def test_finals_overtake_progress_when_the_account_has_little_left() -> None:
    pacer = ChannelPacer(Buckets(), lambda _, where: Route(EDIT.method, EDIT.template, where.channel))
    order: list[str] = []

    async def act(name: str, number: int, *, urgent: bool) -> None:
        await pacer.ready("edit", Conversation("discord", "g", str(number)), urgent=urgent)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(act("progress", number, urgent=False))
        for number in range(40, 50):
            group.create_task(act("final", number, urgent=True))
    assert order[:15] == ["progress"] * 15, "what the account takes at once"
    assert order[15:25] == ["final"] * 10

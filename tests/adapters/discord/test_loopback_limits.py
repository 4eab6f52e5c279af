"""The loopback Discord's rate limits and scripted trouble, as the real discord.py meets them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import aiohttp
import discord
import pytest

from adapters.discord.testing import LoopbackDiscord, Trouble
from tests.adapters.discord.loopback import Bot, logged_in, point, refused


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(speed=10) as opened:
        point(monkeypatch, opened)
        yield opened


@pytest.fixture
async def bot(loopback: LoopbackDiscord) -> AsyncGenerator[Bot]:
    async with logged_in(loopback) as client:
        yield client


async def test_discord_py_waits_for_its_bucket_and_is_never_refused(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    begun = time.monotonic()
    for number in range(11):
        await general.send(str(number))
    assert 0.9 < time.monotonic() - begun < 4
    loopback.assert_clean()


async def test_channels_have_buckets_of_their_own(loopback: LoopbackDiscord, bot: Bot) -> None:
    begun = time.monotonic()
    for name in ("general", "random"):
        for number in range(4):
            await bot.text(loopback.channel(name)).send(str(number))
    assert time.monotonic() - begun < 0.45
    assert not loopback.rate_limited


async def test_whoever_does_not_read_the_headers_is_refused_and_noticed(loopback: LoopbackDiscord) -> None:
    url = f"{loopback.url}/channels/{loopback.channel('general').id}/messages"
    headers = {"Authorization": f"Bot {loopback.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        left: list[str] = []
        for _ in range(5):
            async with session.post(url, json={"content": "x"}) as response:
                left.append(response.headers["X-RateLimit-Remaining"])
        assert left == ["4", "3", "2", "1", "0"]
        async with session.post(url, json={"content": "x"}) as response:
            body = await response.json()
    assert response.status == 429
    assert response.headers["Via"]
    assert response.headers["X-RateLimit-Scope"] == "user"
    assert response.headers["Content-Type"] == "application/json"
    assert body["global"] is False
    assert 0 < body["retry_after"] <= 0.5
    assert float(response.headers["X-RateLimit-Reset-After"]) == pytest.approx(body["retry_after"], abs=0.01)
    with pytest.raises(AssertionError, match="create_message: 1 times rate limited"):
        loopback.assert_clean()


async def test_fifty_requests_a_second_are_the_limit_for_all_routes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LoopbackDiscord() as loopback:
        headers = {"Authorization": f"Bot {loopback.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def ask(number: int) -> tuple[int, str]:
                path = ("/users/@me", "/users/@me/guilds", "/oauth2/applications/@me", "/applications/@me")[number % 4]
                channels = f"/channels/{list(loopback.directory.channels)[number % 5]}"
                async with session.get(loopback.url + (path if number < 32 else channels)) as response:
                    return response.status, response.headers.get("X-RateLimit-Scope", "")

            answers = await asyncio.gather(*(ask(number) for number in range(60)))
    assert answers.count((429, "global")) == 10


async def test_a_scripted_429_is_waited_for_and_is_nobodys_fault(loopback: LoopbackDiscord, bot: Bot) -> None:
    kinds: list[Trouble] = ["429", "global", "shared"]
    for kind in kinds:
        loopback.fault("create_message", kind, retry_after=0.05)
    await bot.text(loopback.channel("general")).send("at last")
    assert [call.status for call in loopback.calls[-4:]] == [429, 429, 429, 200]
    loopback.assert_clean()


async def test_a_ban_by_cloudflare_is_no_ordinary_429(loopback: LoopbackDiscord, bot: Bot) -> None:
    loopback.fault("create_message", "cloudflare")
    assert (await refused(bot.text(loopback.channel("general")).send("x")))[0] == 429


async def test_trouble_strikes_before_or_after_the_deed(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    loopback.fault("create_message", "5xx", status=503)
    with pytest.raises(discord.DiscordServerError):
        await general.send("not done")
    loopback.fault("create_message", "act_then_5xx", status=503)
    with pytest.raises(discord.DiscordServerError):
        await general.send("done")
    loopback.fault("create_message", "reset")
    with pytest.raises(OSError, match=r".*"):
        await general.send("not done either")
    loopback.fault("create_message", "act_then_timeout")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await general.send("done too")
    loopback.fault("create_message", "error", code=50001)
    assert await refused(general.send("x")) == (403, 50001)
    assert [post.shown for post in loopback.messages("general")] == ["done", "done too"]


async def test_the_nonce_of_discord_py_keeps_its_own_retry_from_doubling(loopback: LoopbackDiscord, bot: Bot) -> None:
    loopback.fault("create_message", "act_then_5xx", status=502)
    await bot.text(loopback.channel("general")).send("once")
    assert [post.shown for post in loopback.messages("general")] == ["once"]
    assert loopback.deduplicated == 1


async def test_messages_vanish_and_threads_are_archived_under_the_clients_hands(
    loopback: LoopbackDiscord, bot: Bot
) -> None:
    sent = await bot.text(loopback.channel("general")).send("x")
    loopback.fault("edit_message", "deleted")
    assert await refused(sent.edit(content="y")) == (404, 10008)
    room = await loopback.thread("alice", "general", "Talk")
    loopback.fault("create_message", "archived")
    assert await refused(bot.text(room).send("x")) == (400, 50083)


async def test_faults_wait_for_the_call_they_are_meant_for(loopback: LoopbackDiscord, bot: Bot) -> None:
    fault = loopback.fault(
        "create_message", "error", code=50013, skip=1, where=lambda call: "b" in str(call["content"])
    )
    general = bot.text(loopback.channel("general"))
    for text in ("a", "b"):
        await general.send(text)
    assert await refused(general.send("bb")) == (403, 50013)
    assert fault.left == 0


async def test_a_client_that_does_not_say_who_it_is_is_noticed(loopback: LoopbackDiscord) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {loopback.token}"}) as session,
        session.get(f"{loopback.url}/users/@me") as response,
    ):
        assert response.status == 200
    with pytest.raises(AssertionError, match="User-Agent"):
        loopback.assert_clean()

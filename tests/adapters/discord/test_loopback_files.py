"""Attachments on the loopback Discord: sent as forms, bounded, and downloaded from signed addresses that expire."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator

import aiohttp
import discord
import pytest

from adapters.discord.testing import LoopbackDiscord
from adapters.discord.testing.drafts import MAX_FILE
from adapters.discord.testing.permissions import ATTACH_FILES
from tests.adapters.discord.loopback import Bot, complaint, point, raw, refused, running


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as opened:
        point(monkeypatch, opened)
        yield opened


@pytest.fixture
async def bot(loopback: LoopbackDiscord) -> AsyncGenerator[Bot]:
    async with running(loopback) as client:
        yield client


def file(name: str = "a.txt", size: int = 3) -> discord.File:
    return discord.File(io.BytesIO(b"x" * size), name, description="three letters")


async def test_files_go_up_with_the_message_and_come_down_again(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    sent = await general.send("here", files=[file(), file("b.png")])
    (post,) = loopback.messages("general")
    assert post.shown == "here\n(a.txt)\n(b.png)"
    assert [(one.media_type, one.description) for one in post.attachments] == [
        ("text/plain", "three letters"),
        ("image/png", "three letters"),
    ]
    assert await sent.attachments[0].read() == b"xxx"
    await sent.edit(attachments=[sent.attachments[1], file("c.txt")])
    assert [one.name for one in post.attachments] == ["b.png", "c.txt"]
    await sent.edit(content="still here")
    assert len(post.attachments) == 2
    loopback.assert_clean()


async def test_what_people_send_is_downloaded_from_another_host(loopback: LoopbackDiscord, bot: Bot) -> None:
    await loopback.say("alice", "general", "look", files=[("übel name.csv", b"1,2", "text/csv")])
    await loopback.until(lambda: bot.messages)
    (attachment,) = bot.messages[0].attachments
    assert (attachment.filename, attachment.size, attachment.content_type) == ("übel name.csv", 3, "text/csv")
    assert await attachment.read() == b"1,2"
    assert not attachment.url.startswith(loopback.url)
    async with aiohttp.ClientSession(headers={"Authorization": "Bot x"}) as session:
        await session.get(attachment.url)
    with pytest.raises(AssertionError, match="token sent to the CDN"):
        loopback.assert_clean()


async def test_addresses_expire_and_cannot_be_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LoopbackDiscord(limits=False) as loopback:
        point(monkeypatch, loopback)
        async with running(loopback) as bot:
            sent = await bot.text(loopback.channel("general")).send(file=file())
            old, bare = sent.attachments[0].url, sent.attachments[0].url.partition("?")[0]
            loopback.fault("download", "expired")
            with pytest.raises(discord.NotFound):
                await bot.http.get_from_cdn(old)
            with pytest.raises(discord.NotFound):
                await bot.http.get_from_cdn(bare)
            with pytest.raises(discord.NotFound):
                await bot.http.get_from_cdn(old.replace("ex=", "ex=f"))
            fresh = await raw(bot, "POST", "/attachments/refresh-urls", {"attachment_urls": [old]})
            assert "refreshed" in str(fresh)
            assert await bot.http.get_from_cdn(old) == b"xxx"
            loopback.inside.site.clock.speed = 1e6
            with pytest.raises(discord.NotFound):
                await bot.http.get_from_cdn(old)


async def test_files_too_large_or_too_many_are_refused(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    await general.send(file=file(size=MAX_FILE))
    assert await refused(general.send(file=file(size=MAX_FILE + 1))) == (413, 40005)
    assert await refused(general.send(files=[file(size=MAX_FILE) for _ in range(3)])) == (413, 40005)
    path = f"/channels/{general.id}/messages"
    eleven = [{"id": str(10**17 + number)} for number in range(11)]
    assert "Must be 10 or fewer" in await complaint(raw(bot, "POST", path, {"content": "x", "attachments": eleven}))
    assert "No file for attachment 0" in await complaint(
        raw(bot, "POST", path, {"content": "x", "attachments": [{"id": 0, "filename": "a"}]})
    )
    loopback.app.permissions &= ~ATTACH_FILES
    assert await refused(general.send(file=file())) == (403, 50013)


async def test_bodies_nobody_can_read_are_refused(loopback: LoopbackDiscord) -> None:
    url = f"{loopback.url}/channels/{loopback.channel('general').id}/messages"
    headers = {"Authorization": f"Bot {loopback.token}"}
    codes: list[object] = []
    async with aiohttp.ClientSession(headers=headers) as session:
        for body, kind in ((b"{", "application/json"), (b"x=1", "application/x-www-form-urlencoded"), (b"[]", None)):
            async with session.post(url, data=body, headers={"Content-Type": kind or "application/json"}) as response:
                codes.append((await response.json())["code"])
    assert codes == [50109, 50035, 50035]

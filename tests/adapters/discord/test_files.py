"""Files that people send: fetched through the message's present address, whole, and from Discord's hosts only."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.discord.files import trusted
from adapters.discord.testing import LoopbackDiscord, Trouble
from botkit.errors import AdapterError, Gone, Unreachable
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as loopback:
        yield loopback


async def test_a_file_arrives_whole_also_after_a_restart(discord: LoopbackDiscord, tmp_path: Path) -> None:
    bot, data = Bot(discord), b"\x89PNG" + b"x" * 300_000
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", discord.dm("alice"), "look", files=[("p.png", data, "image/png")])
        await discord.until(lambda: bot.new)
    (file,) = bot.new[0].attachments
    assert (file.name, file.media_type, file.size) == ("p.png", "image/png", len(data))
    into = await adapter_for(discord).download(file, tmp_path / "in")
    assert into.read_bytes() == data
    discord.assert_clean()
    with pytest.raises(FileExistsError):
        await adapter_for(discord).download(file, into)


async def test_a_file_of_a_deleted_message_is_gone(discord: LoopbackDiscord, tmp_path: Path) -> None:
    bot = Bot(discord)
    async with adapter_for(discord).connect(bot):
        said = await discord.say("alice", discord.dm("alice"), "look", files=[("a.txt", b"abc", "text/plain")])
        await discord.until(lambda: bot.new)
        await discord.delete(said)
        with pytest.raises(Gone):
            await adapter_for(discord).download(bot.new[0].attachments[0], tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(("kind", "expected"), [("5xx", Unreachable), ("reset", Unreachable), ("expired", Gone)])
async def test_a_download_that_fails_leaves_no_half_file(
    discord: LoopbackDiscord, tmp_path: Path, kind: Trouble, expected: type[AdapterError]
) -> None:
    bot = Bot(discord)
    async with adapter_for(discord).connect(bot):
        await discord.say("alice", discord.dm("alice"), "look", files=[("a.txt", b"abc", "text/plain")])
        await discord.until(lambda: bot.new)
        discord.fault("download", kind, times=2)  # aiohttp asks once more after a reset
        with pytest.raises(expected):
            await adapter_for(discord).download(bot.new[0].attachments[0], tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1&is=2&hm=3", True),
        ("https://media.discordapp.net/attachments/1/2/a.png", True),
        ("http://cdn.discordapp.com/attachments/1/2/a.png", False),
        ("https://cdn.discordapp.com.evil.test/a.png", False),
        ("https://evil.test/cdn.discordapp.com/a.png", False),
        ("http://127.0.0.1:80/a.png", False),
        ("", False),
    ],
)
def test_files_come_from_discord_only(url: str, fine: bool) -> None:
    assert trusted(url, "https://discord.com/api/v10") is fine
    assert trusted("http://127.0.0.1:1/a", "http://127.0.0.1:1/api")

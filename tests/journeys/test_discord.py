"""What only Discord knows: threads with names, slash commands."""

from __future__ import annotations

import pytest

from adapters.discord.testing import LoopbackDiscord
from tests.journeys.office import Office
from tests.journeys.places.discord import DiscordPlace, DiscordThread


@pytest.fixture
def where() -> str:
    return "discord-sqlite"


@pytest.fixture
def discord(office: Office) -> LoopbackDiscord:
    assert isinstance(office.place, DiscordPlace)
    return office.place.discord


async def test_a_slash_command_stops_the_turn_of_its_thread(office: Office, discord: LoopbackDiscord) -> None:
    async with office.running():
        thread = await office.mention("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await thread.say("!say next", person="bob")
        await office.until_shown(thread, "1 other turn")
        assert isinstance(thread, DiscordThread)
        assert thread.where is not None
        assert thread.where.name.startswith("!words 2000")
        await discord.command("alice", thread.where, "stop")
        await office.until_shown(thread, "Stopped.")
        await office.until_shown(thread, "next")


async def test_what_was_asked_while_botkit_was_away_gets_its_thread_when_it_is_back(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!say hello")
        await office.until_shown(thread, "hello")
    missed = await office.mention("!say I waited for you", person="bob")
    async with office.running():
        await office.until_shown(missed, "I waited for you")


async def test_everything_is_folded_for_who_wants_to_see_it_and_nothing_for_who_does_not(office: Office) -> None:
    work = '!think Let me count.\n!tool Bash {"command": "echo 1"}\n!say Counted.'
    async with office.running():
        thread = await office.mention("!display full")
        await office.until_shown(thread, "From the next message on you see all of that")
        await thread.say(f"please\n{work}")
        post = await office.until_shown(thread, "1 tool")
        assert "-# Thought\n||```\nLet me count.\n```||" in post.shown
        assert "-# ✓ Bash: echo 1\n||```\n1\n```||" in post.shown
        await thread.say("!display quiet")
        await office.until_shown(thread, "you see the answer alone")
        await thread.say(f"please\n{work.replace('Counted', 'Once more')}")
        post = await office.until_shown(thread, "Once more")
        await office.seen(lambda: "1 tool" in post.shown)
    assert len(post.versions) == 1

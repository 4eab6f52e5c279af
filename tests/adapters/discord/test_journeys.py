"""What a Discord server does all day, with the real CLI behind the bot; only what people see is looked at."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.discord.testing import LoopbackDiscord
from botkit.testing.model import LoopbackModel
from tests.adapters.discord.server_office import Office

TOUCH = '!tool Bash {"command": "touch made.txt", "description": "Make a file"}'


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with LoopbackDiscord() as discord, LoopbackModel() as model:
        office = Office(discord, model, tmp_path)
        try:
            yield office
        finally:
            await office.close()
        discord.assert_clean()


async def test_an_answer_grows_in_its_thread_and_the_talk_goes_on_there(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 60 40ms")
        post = await office.until_shown(thread, "word60")
        await office.discord.until(lambda: "$" in post.shown)
        assert len(office.posts(thread)) == 1
        assert len(post.versions) >= 2, "the answer grew in place"
        assert thread.name.startswith("!words 60")
        await office.discord.say("bob", thread, "!history")
        await office.until_shown(thread, "I see 2 prompts")
    assert "Bob" in office.model.asks[-1].prompt


async def test_a_slash_command_stops_the_turn_of_its_thread(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await office.discord.say("bob", thread, "!say next")
        await office.until_shown(thread, "1 other turn")
        await office.discord.command("alice", thread, "stop")
        await office.until_shown(thread, "Stopped.")
        await office.until_shown(thread, "next")


async def test_a_button_lets_a_tool_run_and_goes_away(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say it is done")
        asked = await office.until_shown(thread, "asks to use Bash")
        await office.discord.press("alice", asked, "Allow")
        await office.until_shown(thread, "it is done")
        assert (office.workdir / "made.txt").exists()
        await office.discord.until(lambda: "[Allow]" not in asked.shown)
        assert "allowed by Alice" in asked.shown


async def test_a_long_answer_arrives_whole_in_messages_of_at_most_2000_characters(office: Office) -> None:
    async with office.running():
        channel = office.discord.dm("alice")
        await office.discord.say("alice", channel, "!markdown 9000")
        await office.until_shown(channel, "End of the answer")
    texts = [post.text for post in office.posts(channel)]
    assert len(texts) > 4
    assert all(len(text) <= 2000 and text.count("```") % 2 == 0 for text in texts)


async def test_a_file_is_given_to_claude(office: Office) -> None:
    async with office.running():
        channel = office.discord.dm("alice")
        files = [("../../notes.txt", b"buy milk", "text/plain")]
        await office.discord.say("alice", channel, "look at this", files=files)
        await office.until_shown(channel, "look at this")
        (notes,) = (office.workdir / ".botkit" / "uploads").glob("*/*notes.txt")
        assert notes.read_bytes() == b"buy milk"


async def test_a_turn_that_a_kill_cut_off_goes_on_in_its_message_and_what_was_missed_is_answered(
    office: Office,
) -> None:
    process = await office.start()
    thread = await office.mention("!words 100000 50ms")
    await office.until_shown(thread, "word5")
    await office.end(process, signal.SIGKILL)
    said = await office.discord.say("alice", "general", f"{office.discord.app.mention} !say I waited for you")
    process = await office.start()
    await office.discord.until(lambda: len(office.model.asks) > 1, within=20)
    missed = await office.discord.until(lambda: said.thread, within=20)
    assert missed is not None
    await office.until_shown(missed, "I waited for you")
    assert len(office.posts(thread)) == 1, "it goes on in its message"
    await office.discord.command("alice", thread, "stop")
    await office.until_shown(thread, "Stopped.")
    await office.end(process)


async def test_everything_is_folded_for_who_wants_to_see_it_and_nothing_for_who_does_not(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!display full")
        await office.until_shown(thread, "From the next message on you see all of that")
        work = '!think Let me count.\n!tool Bash {"command": "echo 1"}\n!say Counted.'
        await office.discord.say("alice", thread, f"please\n{work}")
        post = await office.until_shown(thread, "1 tool")
        assert "-# Thought\n||```\nLet me count.\n```||" in post.shown
        assert "-# ✓ Bash: echo 1\n||```\n1\n```||" in post.shown
        await office.discord.say("alice", thread, "!display quiet")
        await office.until_shown(thread, "you see the answer alone")
        await office.discord.say("alice", thread, f"please\n{work.replace('Counted', 'Once more')}")
        post = await office.until_shown(thread, "Once more")
        await office.discord.until(lambda: "1 tool" in post.shown)
    assert len(post.versions) == 1

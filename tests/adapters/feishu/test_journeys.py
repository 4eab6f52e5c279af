"""What a company does in Feishu all day, with the real CLI behind the bot; only what people see is looked at."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.feishu.testing import LoopbackFeishu
from botkit.testing.model import LoopbackModel
from tests.adapters.feishu.chat_office import PATIENCE, Office

TOUCH = '!tool Bash {"command": "touch made.txt", "description": "Make a file"}'


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with LoopbackFeishu() as feishu, LoopbackModel() as model:
        office = Office(feishu, model, tmp_path)
        try:
            yield office
        finally:
            await office.close()
        feishu.assert_clean()


async def test_an_answer_is_typed_into_a_card_and_the_talk_goes_on_in_its_topic(office: Office) -> None:
    async with office.running():
        said = await office.mention("!words 60 40ms")
        post = await office.until_shown(said, "word60")
        await office.feishu.until(lambda: not post.streaming, within=PATIENCE)
        await office.feishu.until(lambda: "$" in post.shown, within=PATIENCE)
        assert len(office.posts(said)) == 1
        assert len(post.versions) >= 4, "the answer grew in place"
        assert "[Stop]" in post.versions[0].shown
        assert "[Stop]" not in post.shown
        await office.feishu.say("bob", "general", "!history", thread=said)
        await office.until_shown(said, "I see 2 prompts")
        await office.feishu.until(lambda: not said.reactions, within=PATIENCE)
    assert "bob" in office.model.asks[-1].prompt


async def test_the_button_on_a_growing_answer_stops_it_and_what_waited_goes_on(office: Office) -> None:
    async with office.running():
        said = await office.mention("!words 2000 50ms")
        post = await office.until_shown(said, "word3")
        await office.feishu.say("bob", "general", "!say next", thread=said)
        await office.until_shown(said, "1 other turn")
        pressed = await office.feishu.press("alice", post, "Stop")
        assert not pressed.error
        await office.until_shown(said, "Stopped.")
        await office.until_shown(said, "next")
        assert not post.streaming


async def test_a_typed_command_stops_a_turn(office: Office) -> None:
    async with office.running():
        chat = office.feishu.p2p("alice")
        await office.feishu.say("alice", chat, "!words 2000 50ms")
        await office.until_shown(chat, "word3")
        await office.feishu.say("alice", chat, "/stop")
        await office.until_shown(chat, "Stopped.")


async def test_a_button_lets_a_tool_run_and_goes_away(office: Office) -> None:
    async with office.running():
        said = await office.mention(f"{TOUCH}\n!say it is done")
        asked = await office.until_shown(said, "asks to use Bash")
        pressed = await office.feishu.press("alice", asked, "Allow")
        assert not pressed.error
        await office.until_shown(said, "it is done")
        assert (office.workdir / "made.txt").exists()
        await office.feishu.until(lambda: "[Allow]" not in asked.shown, within=PATIENCE)
        assert "allowed by alice" in asked.shown


async def test_a_long_answer_arrives_whole_in_cards_that_feishu_takes(office: Office) -> None:
    async with office.running():
        chat = office.feishu.p2p("alice")
        await office.feishu.say("alice", chat, "!markdown 60000")
        await office.until_shown(chat, "End of the answer")
        await office.feishu.until(lambda: not any(post.streaming for post in office.posts(chat)), within=PATIENCE)
    posts = office.posts(chat)
    assert len(posts) >= 3
    assert all(post.card is not None and post.shown.count("```") % 2 == 0 for post in posts)


async def test_a_file_is_given_to_claude(office: Office) -> None:
    async with office.running():
        chat = office.feishu.p2p("alice")
        await office.feishu.send("alice", chat, office.feishu.file("alice", "../../notes.txt", b"buy milk"))
        await office.until_shown(chat, "notes.txt")
        (notes,) = (office.workdir / ".botkit" / "uploads").glob("*/*notes.txt")
        assert notes.read_bytes() == b"buy milk"


async def test_a_recalled_question_is_not_answered_any_further(office: Office) -> None:
    async with office.running():
        chat = office.feishu.p2p("alice")
        said = await office.feishu.say("alice", chat, "!words 2000 50ms")
        await office.until_shown(chat, "word3")
        await office.feishu.recall(said)
        await office.until_shown(chat, "Stopped.")


async def test_a_turn_that_a_kill_cut_off_goes_on_in_its_card_and_what_was_missed_is_answered(office: Office) -> None:
    process = await office.start()
    said = await office.mention("!words 100000 50ms")
    await office.until_shown(said, "word5")
    await office.end(process, signal.SIGKILL)
    missed = await office.mention("!say I waited for you", "bob")
    process = await office.start()
    await office.feishu.until(lambda: len(office.model.asks) > 1, within=PATIENCE)
    await office.until_shown(missed, "I waited for you")
    assert len(office.posts(said)) == 1, "it goes on in its card"
    await office.feishu.say("alice", "general", "/stop", thread=said)
    await office.until_shown(said, "Stopped.")
    await office.end(process)

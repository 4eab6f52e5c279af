"""What only Feishu knows: answers typed into cards, a button that stops them, files as messages of their own."""

from __future__ import annotations

import pytest

from adapters.feishu.testing import LoopbackFeishu, Post
from tests.journeys.office import Office
from tests.journeys.place import Shown, Thread
from tests.journeys.places.feishu import FeishuPlace, FeishuShown, FeishuThread


@pytest.fixture
def where() -> str:
    return "feishu-sqlite"


@pytest.fixture
def feishu(office: Office) -> LoopbackFeishu:
    assert isinstance(office.place, FeishuPlace)
    return office.place.feishu


def post_of(shown: Shown) -> Post:
    assert isinstance(shown, FeishuShown)
    return shown.post


def posts_of(thread: Thread) -> list[Post]:
    return [post_of(shown) for shown in thread.posts()]


async def test_an_answer_is_typed_into_one_card_that_can_be_stopped_while_it_grows(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 60 40ms")
        shown = await office.until_shown(thread, "word60")
        await office.seen(lambda: "$" in shown.shown and not post_of(shown).streaming)
        assert len(thread.posts()) == 1
        assert len(shown.versions) >= 4, "the answer grew in place"
        assert "[Stop]" in shown.versions[0]
        assert "[Stop]" not in shown.shown
        assert isinstance(thread, FeishuThread)
        await office.seen(lambda: not thread.root.reactions)


async def test_the_button_on_a_growing_answer_stops_it_and_what_waited_goes_on(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 2000 50ms")
        shown = await office.until_shown(thread, "word3")
        await thread.say("!say next", person="bob")
        await office.until_shown(thread, "1 other turn")
        await shown.press("Stop")
        await office.until_shown(thread, "Stopped.")
        await office.until_shown(thread, "next")
        assert not post_of(shown).streaming


async def test_a_long_answer_arrives_whole_in_cards_that_feishu_takes(office: Office) -> None:
    async with office.running():
        thread = await office.direct("!markdown 60000")
        await office.until_shown(thread, "End of the answer")
        await office.seen(lambda: not any(post.streaming for post in posts_of(thread)))
    posts = posts_of(thread)
    assert len(posts) >= 3
    assert all(post.card is not None and post.shown.count("```") % 2 == 0 for post in posts)


async def test_a_file_is_given_to_claude(office: Office, feishu: LoopbackFeishu) -> None:
    async with office.running():
        chat = feishu.p2p("alice")
        sent = await feishu.send("alice", chat, feishu.file("alice", "../../notes.txt", b"buy milk"))
        await office.until_shown(FeishuThread(feishu, sent, direct=True), "notes.txt")
        (notes,) = (office.workdir / ".botkit" / "uploads").glob("*/*notes.txt")
        assert notes.read_bytes() == b"buy milk"


async def test_a_recalled_question_is_not_answered_any_further(office: Office) -> None:
    async with office.running():
        thread = await office.direct("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await thread.delete()
        await office.until_shown(thread, "Stopped.")

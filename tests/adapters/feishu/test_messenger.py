"""Posting and editing on the loopback Feishu: the life of a streaming card, and what happens when one is refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.feishu.api import Api
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.pace import pacer
from adapters.feishu.posts import Name
from adapters.feishu.testing import Card, LoopbackFeishu, Post
from adapters.feishu.testing.world import TENANT
from botkit.errors import Gone, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.events import TextDelta, TurnFinished
from botkit.markdown import folded
from botkit.model import Action, Conversation, MessageRef, Outgoing
from botkit.reply import EditReply
from tests.adapters.feishu.rig import bot_posts, calls

TABLE = "| a |\n|---|\n| 1 |\n\n"
CREATE, REPLY = "cardkit.v1.card.create", "im.v1.message.reply"
CONTENT, UPDATE, SETTINGS = "cardkit.v1.card_element.content", "cardkit.v1.card.update", "cardkit.v1.card.settings"


@dataclass
class Desk:
    """A messenger, and a message somebody wrote in a group."""

    feishu: LoopbackFeishu
    messenger: FeishuMessenger
    asked: Post
    here: Conversation

    def again(self) -> FeishuMessenger:
        """The messenger of the next process."""
        return FeishuMessenger(Api(self.feishu.app.id, self.feishu.app.secret, self.feishu.url))

    def post(self, ref: MessageRef) -> Post:
        found = self.feishu.directory.find_post(Name.parse(ref.id).message)
        assert found is not None
        return found

    def card(self, ref: MessageRef) -> Card:
        card = self.post(ref).card
        assert card is not None
        return card

    def reply(self, nonce: str = "turn") -> EditReply:
        return EditReply(self.messenger, self.here, nonce=nonce, pacer=pacer(), patience=5.0)

    @property
    def posts(self) -> list[Post]:
        return bot_posts(self.feishu)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with LoopbackFeishu() as feishu:
        api = Api(feishu.app.id, feishu.app.secret, feishu.url)
        asked = await feishu.say("alice", "general", f"{feishu.app.mention} hello")
        here = Conversation("feishu", TENANT, asked.chat.id, asked.id)
        async with api.connected():
            yield Desk(feishu, FeishuMessenger(api), asked, here)


def live(text: str, nonce: str = "n") -> Outgoing:
    return Outgoing(text, nonce=nonce, live=True)


def _a_card(arguments: Mapping[str, object]) -> bool:
    return arguments.get("msg_type") == "interactive"


async def test_a_growing_answer_is_typed_into_one_card_that_is_closed_at_its_end(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    assert desk.post(ref).streaming
    for text in ("One two", "One two **three**"):
        await desk.messenger.edit(ref, live(text))
    assert desk.card(ref).typewriter == [True, True]
    assert desk.post(ref).shown == "One two **three**\n[Stop]"
    await desk.messenger.edit(ref, Outgoing("One two **three**, and four.", nonce="n"))
    assert not desk.post(ref).streaming
    assert desk.post(ref).shown == "One two **three**, and four."
    assert len(desk.posts) == 1
    assert desk.card(ref).json["config"]["summary"] == {"content": "One two three, and four."}  # type: ignore[index]  # theirs
    operations = [call.arguments for call in desk.feishu.calls if call.route in (CONTENT, UPDATE, SETTINGS)]
    sequences = [int(str(operation["sequence"])) for operation in operations]
    assert sequences == sorted(set(sequences)), "each operation has a higher number than all before"
    assert len({operation["uuid"] for operation in operations}) == len(operations)
    desk.feishu.assert_clean()


async def test_the_next_process_goes_on_in_the_card_with_nothing_but_its_ref(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    await desk.messenger.edit(ref, live("One two"))
    stored = MessageRef(Conversation.parse(ref.conversation.key), ref.id)
    after = desk.again()
    await after.edit(stored, live("One two three"))
    await after.edit(stored, Outgoing("One two three four", nonce="n"))
    assert desk.post(ref).shown == "One two three four"
    assert not desk.post(ref).streaming
    desk.feishu.assert_clean()


async def test_a_number_that_feishu_has_passed_leaps_ahead(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    await desk.messenger.edit(ref, live("One two"))
    desk.card(ref).sequence += 20_000
    await desk.messenger.edit(ref, live("One two three"))
    assert "three" in desk.post(ref).shown


async def test_a_card_that_feishu_has_closed_is_opened_again(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    desk.feishu.advance(11 * 60)
    assert not desk.post(ref).streaming
    await desk.messenger.edit(ref, live("One two"))
    assert "two" in desk.post(ref).shown
    assert desk.post(ref).streaming
    desk.feishu.fault(CONTENT, "error", code=300309)
    await desk.messenger.edit(ref, live("One two three"))
    assert "three" in desk.post(ref).shown


async def test_a_card_is_kept_open_before_feishu_closes_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.feishu.streams.RENEW", -1.0)
    ref = await desk.messenger.send(desk.here, live("One"))
    desk.feishu.advance(9 * 60)
    await desk.messenger.edit(ref, live("One two"))
    desk.feishu.advance(9 * 60)
    await desk.messenger.edit(ref, live("One two three"))
    assert [call.code for call in desk.feishu.calls if call.route == CONTENT] == [0, 0]


async def test_a_card_that_was_finished_can_grow_again(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    await desk.messenger.edit(ref, Outgoing("One.", nonce="n"))
    await desk.messenger.edit(ref, live("One, and more"))
    await desk.messenger.edit(ref, Outgoing("One, and more.", nonce="n"))
    assert desk.post(ref).shown == "One, and more."
    desk.feishu.assert_clean()


async def test_what_is_folded_is_shown_while_it_grows_and_closed_at_the_end(desk: Desk) -> None:
    text = f"Look\n\n{folded('Bash: 2 lines', 'a')}"
    ref = await desk.messenger.send(desk.here, live(text))
    await desk.messenger.edit(ref, live(text + "\n\nmore"))
    assert "▸" not in desk.post(ref).shown
    await desk.messenger.edit(ref, Outgoing(text + "\n\nmore", nonce="n"))
    assert "▸ Bash: 2 lines" in desk.post(ref).shown
    await desk.messenger.edit(ref, live("Another text"))
    assert desk.post(ref).shown == "Another text\n[Stop]"
    desk.feishu.assert_clean()


async def test_while_somebody_presses_a_button_the_card_waits(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    desk.card(ref).interacting = 1
    with pytest.raises(Unreachable) as problem:
        await desk.messenger.edit(ref, live("One two"))
    assert not problem.value.acted
    desk.card(ref).interacting = 0
    await desk.messenger.edit(ref, live("One two"))


async def test_an_app_that_may_not_stream_edits_ordinary_cards_and_does_not_ask_each_time(desk: Desk) -> None:
    desk.feishu.app.scopes.discard("cardkit:card:write")
    for nonce in ("a", "b"):
        ref = await desk.messenger.send(desk.here, live("One", nonce))
        await desk.messenger.edit(ref, live("One two", nonce))
        assert desk.post(ref).shown == "One two\n[Stop]"
        await desk.messenger.edit(ref, Outgoing("One two three", nonce=nonce))
        assert desk.post(ref).shown == "One two three"
    assert len([call for call in desk.feishu.calls if call.route == CREATE]) == 1


async def test_streaming_can_be_switched_off(desk: Desk) -> None:
    messenger = FeishuMessenger(Api(desk.feishu.app.id, desk.feishu.app.secret, desk.feishu.url), streaming=False)
    ref = await messenger.send(desk.here, live("One"))
    await messenger.edit(ref, live("One two"))
    assert "One two" in desk.post(ref).shown
    assert not calls(desk.feishu, CREATE)


@pytest.mark.parametrize("code", [200220, 200621, 200861, 230099, 300302, 300305, 11310, 99991672, 1234567])
async def test_whatever_speaks_against_a_streaming_card_the_text_is_there(desk: Desk, code: int) -> None:
    desk.feishu.fault(CREATE, "error", code=code)
    ref = await desk.messenger.send(desk.here, live("One"))
    await desk.messenger.edit(ref, Outgoing("One two", nonce="n"))
    assert desk.post(ref).shown == "One two"


@pytest.mark.parametrize("code", [230001, 230022, 230028, 230054, 230055, 230099, 200621, 9499, 1234567])
@pytest.mark.parametrize("growing", [True, False])
async def test_whatever_speaks_against_cards_the_words_are_there(desk: Desk, code: int, growing: bool) -> None:
    desk.feishu.fault(REPLY, "error", times=9, code=code, where=_a_card)
    outgoing = Outgoing("**One** <at id=all></at>", (Action("Allow", "/allow 1"),), nonce="n", live=growing)
    ref = await desk.messenger.send(desk.here, outgoing)
    assert desk.post(ref).kind == "text"
    assert desk.post(ref).shown.startswith("One <\u200bat")
    assert "Allow: /allow 1" in desk.post(ref).shown
    await desk.messenger.edit(ref, live("progress is not worth one of twenty edits"))
    await desk.messenger.edit(ref, Outgoing("**One** two", nonce="n"))
    assert desk.post(ref).shown == "One two"
    assert desk.post(ref).edits == 1
    assert desk.post(ref).pings == []


@pytest.mark.parametrize("code", [200220, 200740, 200750, 230099, 300302, 300305, 300311, 99991672, 1234567])
async def test_a_final_text_that_the_card_refuses_is_posted_anew(desk: Desk, code: int) -> None:
    reply = desk.reply()
    async with reply:
        reply.push(TextDelta("Half an answer"))
        await desk.feishu.until(lambda: desk.posts)
        for route in (UPDATE, SETTINGS, CONTENT):
            desk.feishu.fault(route, "error", times=9, code=code)
        reply.push(TurnFinished("Half an answer, and the rest."))
    assert reply.delivered
    assert "and the rest" in desk.posts[-1].shown
    assert len(desk.posts) == 2


async def test_an_answer_is_delivered_even_where_no_card_is_ever_taken(desk: Desk) -> None:
    for route in (CREATE, UPDATE, SETTINGS, CONTENT, "im.v1.message.patch"):
        desk.feishu.fault(route, "error", times=99, code=230099)
    desk.feishu.fault(REPLY, "error", times=99, code=230099, where=_a_card)
    reply = desk.reply()
    async with reply:
        reply.push(TextDelta("Half an answer"))
        await desk.feishu.until(lambda: desk.posts)
        reply.push(TurnFinished("Half an answer, and the rest."))
    assert reply.delivered
    assert [post.kind for post in desk.posts] == ["text"]
    assert "and the rest" in desk.posts[0].shown


async def test_progress_that_a_card_refuses_is_left_out(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    desk.feishu.fault(CONTENT, "error", times=2, code=230099)
    await desk.messenger.edit(ref, live("One two"))
    await desk.messenger.edit(ref, live("One two three four"))
    await desk.messenger.edit(ref, Outgoing("One two three four five", nonce="n"))
    assert desk.post(ref).shown == "One two three four five"


async def test_more_than_five_tables_are_shown_and_where_fewer_are_allowed_they_are_text(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live(TABLE * 3))
    await desk.messenger.edit(ref, live(TABLE * 8))
    await desk.messenger.edit(ref, Outgoing(TABLE * 8, nonce="n"))
    assert desk.post(ref).shown.count("| a |") == 5

    def with_tables(arguments: object) -> bool:
        return "| --- |" in str(arguments)

    desk.feishu.fault(REPLY, "error", times=9, code=230099, where=with_tables)
    ref = await desk.messenger.send(desk.here, Outgoing(TABLE * 4, nonce="m"))
    assert desk.post(ref).kind == "interactive"
    assert desk.post(ref).shown.count("| --- |") == 0


async def test_what_is_too_large_for_a_card_is_never_sent(desk: Desk) -> None:
    for outgoing in (Outgoing("x" * 40_000), live("文" * 12_000), Outgoing('"' * 9_000)):
        with pytest.raises(TooLong):
            await desk.messenger.send(desk.here, outgoing)
    ref = await desk.messenger.send(desk.here, live("x"))
    with pytest.raises(TooLong):
        await desk.messenger.edit(ref, live("x" * 40_000))
    desk.feishu.assert_clean()


async def test_a_text_refused_for_its_size_is_cut_smaller_by_the_reply(desk: Desk) -> None:
    desk.feishu.fault(CREATE, "error", times=9, code=200860, where=lambda given: len(str(given)) > 6_000)
    desk.feishu.fault(REPLY, "error", times=9, code=230025, where=lambda given: len(str(given)) > 6_000)
    reply = desk.reply()
    async with reply:
        reply.push(TurnFinished("\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(40))))
    assert reply.delivered
    assert len(desk.posts) > 2
    assert "Paragraph 39" in desk.posts[-1].shown


async def test_a_message_whose_answer_got_lost_is_not_posted_twice(desk: Desk) -> None:
    desk.feishu.fault(REPLY, "act_then_reset")
    reply = desk.reply()
    async with reply:
        reply.push(TextDelta("One"))
        await desk.feishu.until(lambda: desk.posts and desk.posts[0].shown)
        reply.push(TurnFinished("One two"))
    assert reply.delivered
    assert [post.shown.split("\n")[0] for post in desk.posts] == ["One two"]


@pytest.mark.parametrize("growing", [True, False])
async def test_a_process_that_cannot_look_still_posts_only_once(desk: Desk, growing: bool) -> None:
    desk.feishu.app.scopes.discard("im:message.group_msg")
    first = await desk.messenger.send(desk.here, Outgoing("One", nonce="n", live=True))
    after = desk.again()
    assert await after.find(desk.here, "n") is None, "the history of groups is closed to it"
    ref = await after.send(desk.here, Outgoing("One two", nonce="n", live=growing))
    assert len(desk.posts) == 1
    assert "One two" in desk.post(first).shown, "what stands there is what was to be said last"
    await after.edit(ref, Outgoing("One two three", nonce="n"))
    assert desk.post(first).shown == "One two three"
    assert desk.feishu.deduplicated == 1


async def test_a_growing_card_is_found_by_its_nonce_in_the_next_process(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    await desk.messenger.edit(ref, live("One two"))
    assert await desk.again().find(desk.here, "n") == ref
    await desk.messenger.edit(ref, Outgoing("One two three", nonce="n"))
    assert await desk.again().find(desk.here, "n") == ref
    desk.feishu.assert_clean()


async def test_a_card_that_somebody_took_back_is_gone_for_the_reply(desk: Desk) -> None:
    ref = await desk.messenger.send(desk.here, live("One"))
    desk.messenger.recalled(Name.parse(ref.id).message)
    with pytest.raises(Gone):
        await desk.messenger.edit(ref, live("One two"))


async def test_a_question_that_was_taken_back_gets_no_answer(desk: Desk) -> None:
    await desk.feishu.recall(desk.asked)
    with pytest.raises(Gone):
        await desk.messenger.send(desk.here, Outgoing("One"))


async def test_a_card_carried_into_another_chat_cannot_write_back(desk: Desk) -> None:
    elsewhere = Conversation("feishu", TENANT, desk.feishu.group("secret").id, desk.asked.id)
    with pytest.raises(Gone):
        await desk.again().send(elsewhere, Outgoing("One"))
    assert not desk.posts


@pytest.mark.parametrize(("status", "after", "waits"), [(429, 7.0, 7.0), (400, 3.0, 3.0), (400, None, 1.0)])
async def test_a_refusal_for_frequency_says_how_long_to_wait(
    desk: Desk, status: int, after: float | None, waits: float
) -> None:
    desk.feishu.fault(REPLY, "429", status=status, retry_after=after)
    with pytest.raises(RateLimited) as limited:
        await desk.messenger.send(desk.here, Outgoing("One"))
    assert limited.value.retry_after == waits
    desk.feishu.fault(REPLY, "error", code=230020)
    with pytest.raises(RateLimited):
        await desk.messenger.send(desk.here, Outgoing("One"))


async def test_who_may_write_where_is_not_tried_in_other_words(desk: Desk) -> None:
    await desk.feishu.remove(desk.feishu.app, "general")
    with pytest.raises(NotAllowed, match="add it in the group"):
        await desk.messenger.send(desk.here, Outgoing("One"))
    assert len([call for call in desk.feishu.calls if call.route == REPLY]) <= 1


async def test_a_token_that_feishu_replaced_is_fetched_anew_and_the_call_repeated(desk: Desk) -> None:
    await desk.messenger.send(desk.here, Outgoing("One"))
    desk.feishu.expire_tokens()
    await desk.messenger.send(desk.here, Outgoing("Two"))
    assert [post.shown for post in desk.posts] == ["One", "Two"]
    assert calls(desk.feishu, "auth.v3.tenant_access_token.internal") == 2


async def test_a_platform_in_trouble_is_unreachable(desk: Desk) -> None:
    await desk.messenger.send(desk.here, Outgoing("One"))
    for kind in ("5xx", "malformed", "reset"):
        desk.feishu.fault(REPLY, kind)
        with pytest.raises(Unreachable):
            await desk.messenger.send(desk.here, Outgoing("Two"))


async def test_pictures_and_files_come_before_their_words(desk: Desk, tmp_path: Path) -> None:
    picture, notes = tmp_path / "sent-1", tmp_path / "sent-2"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    notes.write_bytes(b"all is well")
    send = Outgoing("Look", files=(picture, notes), names=("a.png", 'no"tes.txt'), nonce="f")
    await desk.messenger.send(desk.here, send)
    assert [post.kind for post in desk.posts] == ["image", "file", "interactive"]
    assert desk.posts[1].shown == '[file: no"tes.txt]'
    await desk.messenger.send(desk.here, send)
    assert len(desk.posts) == 3, "and a repeat posts nothing"
    desk.feishu.assert_clean()


async def test_a_file_that_cannot_be_sent_is_refused(desk: Desk, tmp_path: Path) -> None:
    empty, linked = tmp_path / "empty", tmp_path / "link"
    empty.touch()
    linked.symlink_to("/etc/hostname")
    for path in (empty, linked, tmp_path / "missing"):
        with pytest.raises(NotAllowed):
            await desk.messenger.send(desk.here, Outgoing("Look", files=(path,)))
    assert not desk.posts

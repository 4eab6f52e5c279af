"""What the bot says in Slack, as people see it there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.slack.adapter import SlackAdapter
from adapters.slack.testing import LoopbackSlack, Trouble
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.events import TextDelta, TurnFinished, TurnStarted
from botkit.model import Action, Conversation, MessageRef, Outgoing
from tests.adapters.slack.rig import Bot, adapter_for


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0) as loopback:
        yield loopback


@pytest.fixture
def adapter(slack: LoopbackSlack) -> SlackAdapter:
    return adapter_for(slack)


async def thread(slack: LoopbackSlack) -> Conversation:
    root = await slack.say("alice", "general", f"{slack.app.mention} hello")
    return Conversation("slack", slack.team.id, root.channel.id, root.ts)


async def test_a_message_appears_in_its_thread_as_mrkdwn(slack: LoopbackSlack, adapter: SlackAdapter) -> None:
    where = await thread(slack)
    ref = await adapter.messenger.send(where, Outgoing("# Yes\n\n**bold** <!channel> & [a](https://b.c)"))
    (_, post) = slack.messages(where.channel, where.thread)
    assert post.ts == ref.id
    assert post.text == "*Yes*\n\n*bold* &lt;!channel&gt; &amp; <https://b.c|a>"
    assert post.pings == []
    slack.assert_clean()


async def test_buttons_come_and_go_with_an_edit(slack: LoopbackSlack, adapter: SlackAdapter) -> None:
    where = await thread(slack)
    ask = Outgoing("May I?\n\n" + "word " * 1000, (Action("Allow", "/allow 1", "primary"), Action("Deny", "/deny 1")))
    ref = await adapter.messenger.send(where, ask)
    post = slack.messages(where.channel, where.thread)[-1]
    assert "[Allow]" in post.shown
    assert all(len(str(block.get("text", ""))) < 3100 for block in post.blocks)
    await adapter.messenger.edit(ref, Outgoing("Allowed."))
    assert post.shown == "Allowed."
    slack.assert_clean()


async def test_a_pressed_button_is_its_command_in_the_same_conversation(
    slack: LoopbackSlack, adapter: SlackAdapter
) -> None:
    bot = Bot(slack)
    where = await thread(slack)
    lobby = Conversation("slack", slack.team.id, where.channel)
    direct = Conversation("slack", slack.team.id, slack.dm("alice").id)
    async with adapter.connect(bot):
        for place in (where, lobby, direct):
            ref = await adapter.messenger.send(place, Outgoing("May I?", (Action("Allow", "/allow 1"),)))
            post = next(post for post in slack.directory.channels[place.channel].posts.values() if post.ts == ref.id)
            delivery = await slack.press("alice", post, "Allow")
            assert delivery.acked
            pressed = [each for each in bot.messages if each.kind == "action"][-1]  # catching up brings others
            assert (pressed.kind, pressed.text, pressed.conversation) == ("action", "/allow 1", place)
            assert (pressed.reply_to, pressed.author.id) == (ref.id, slack.person("alice").id)
    slack.assert_clean()


async def test_markdown_blocks_carry_markdown_with_broken_pings(slack: LoopbackSlack) -> None:
    adapter = adapter_for(slack, format="markdown")
    where = await thread(slack)
    ref = await adapter.messenger.send(where, Outgoing("| a |\n|---|\n| <!here> <@U1> |\n"))
    post = slack.messages(where.channel, where.thread)[-1]
    assert post.blocks[0]["type"] == "markdown"
    assert post.pings == []
    await adapter.messenger.edit(ref, Outgoing("x" * 8999))
    assert post.blocks[0]["text"] == "x" * 8999
    slack.assert_clean()


async def test_the_longest_text_can_still_be_edited(slack: LoopbackSlack, adapter: SlackAdapter) -> None:
    where = await thread(slack)
    longest = "&" * (adapter.messenger.capabilities.max_chars // 5)
    assert adapter.messenger.size(adapter.messenger.render(longest)) <= 3900
    ref = await adapter.messenger.send(where, Outgoing("…"))
    await adapter.messenger.edit(ref, Outgoing(longest))
    with pytest.raises(TooLong):
        await adapter.messenger.edit(ref, Outgoing("x" * 4001))


async def test_a_message_whose_answer_was_lost_is_found_again(slack: LoopbackSlack, adapter: SlackAdapter) -> None:
    slack.fault("chat.postMessage", "act_then_5xx")
    where = await thread(slack)
    with pytest.raises(Unreachable) as lost:
        await adapter.messenger.send(where, Outgoing("done", nonce="n1"))
    assert lost.value.acted
    found = await adapter.messenger.find(where, "n1")
    assert found == MessageRef(where, slack.messages(where.channel, where.thread)[-1].ts)
    assert await adapter.messenger.find(where, "n2") is None
    direct = Conversation("slack", slack.team.id, slack.dm("alice").id)
    ref = await adapter.messenger.send(direct, Outgoing("done", nonce="n3"))
    await adapter.messenger.edit(ref, Outgoing("done, really"))
    assert await adapter.messenger.find(direct, "n3") == ref


async def test_a_file_appears_under_its_text(slack: LoopbackSlack, adapter: SlackAdapter, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(b"all is well" * 200_000)
    where = await thread(slack)
    await adapter.messenger.send(where, Outgoing("**Here** <!channel>", files=(report,), names=("a & b.txt",)))
    _, file = slack.messages(where.channel, where.thread)
    assert file.shown == "*Here* &lt;!channel&gt;"
    assert file.pings == []
    (shared,) = file.files
    assert (shared.name, shared.title, shared.data) == ("a & b.txt", "a & b.txt", b"all is well" * 200_000)
    slack.assert_clean()


@pytest.mark.parametrize("style", ["mrkdwn", "markdown"])
async def test_a_file_whose_answer_was_lost_is_found_again(slack: LoopbackSlack, tmp_path: Path, style: str) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(b"all is well")
    adapter, where = adapter_for(slack, format=style), await thread(slack)
    slack.fault("files.completeUploadExternal", "act_then_5xx")
    with pytest.raises(Unreachable) as lost:
        await adapter.messenger.send(where, Outgoing("", files=(report,), nonce="n1"))
    assert lost.value.acted
    _, file = slack.messages(where.channel, where.thread)
    assert file.shown == "report.txt"
    assert await adapter.messenger.find(where, "n1") == MessageRef(where, file.ts)
    assert await adapter.messenger.find(where, "n2") is None
    slack.assert_clean()


async def test_a_file_that_is_a_link_or_gone_is_not_sent(
    slack: LoopbackSlack, adapter: SlackAdapter, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("0000", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    where = await thread(slack)
    for name in ("link", "gone"):
        with pytest.raises(NotAllowed, match="cannot be read"):
            await adapter.messenger.send(where, Outgoing("", files=(tmp_path / name,)))
    assert len(slack.messages(where.channel, where.thread)) == 1


@pytest.mark.parametrize(
    ("kind", "error", "expected"),
    [
        ("429", "", RateLimited),
        ("5xx", "", Unreachable),
        ("malformed", "", Unreachable),
        ("reset", "", Unreachable),
        ("error", "internal_error", Unreachable),
        ("error", "message_not_found", Gone),
        ("error", "channel_not_found", Gone),
        ("error", "is_archived", Gone),
        ("error", "not_in_channel", NotAllowed),
        ("error", "token_revoked", NotAllowed),
        ("error", "missing_scope", NotAllowed),
        ("error", "msg_too_long", TooLong),
        ("error", "invalid_blocks", TooLong),
        ("error", "something_new", NotAllowed),
    ],
)
async def test_each_failure_has_its_meaning(
    slack: LoopbackSlack, adapter: SlackAdapter, kind: Trouble, error: str, expected: type[AdapterError]
) -> None:
    where = await thread(slack)
    slack.fault("chat.postMessage", kind, error=error or "internal_error", retry_after=7)
    with pytest.raises(expected) as failed:
        await adapter.messenger.send(where, Outgoing("hello"))
    assert failed.value.code == (error or ("ratelimited" if kind == "429" else ""))
    if isinstance(failed.value, RateLimited):
        assert failed.value.retry_after == 7
    assert len([call for call in slack.calls if call.method == "chat.postMessage"]) == 1


async def test_where_nobody_listens_nothing_was_done() -> None:
    async with LoopbackSlack() as slack:
        adapter = adapter_for(slack, api_url="http://127.0.0.1:9/api/")
    with pytest.raises(Unreachable) as failed:
        await adapter.messenger.send(Conversation("slack", "T", "C"), Outgoing("hello"))
    assert not failed.value.acted


async def test_a_reply_grows_shows_that_work_goes_on_and_ends(slack: LoopbackSlack, adapter: SlackAdapter) -> None:
    bot = Bot(slack)
    async with adapter.connect(bot):
        said = await slack.say("alice", "general", f"{slack.app.mention} hello")
        await slack.settled()
        async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
            await slack.until(lambda: slack.status("general", said) or said.reactions)
            reply.push(TurnStarted("s", "model"))
            reply.push(TextDelta("Half"))
            await slack.until(lambda: len(slack.messages("general", said)) == 2)
            reply.push(TextDelta(" and whole."))
            reply.push(TurnFinished("Half and whole."))
        assert reply.delivered
    answer = slack.messages("general", said)[-1]
    assert "Half and whole." in answer.shown
    assert slack.status("general", said) == ""
    assert not any(said.reactions.values())
    assert not slack.violations


@pytest.mark.parametrize("style", ["reaction", "auto"])
async def test_where_there_is_no_status_a_reaction_shows_it(slack: LoopbackSlack, style: str) -> None:
    adapter, bot = adapter_for(slack, status=style), Bot(slack)
    slack.fault("assistant.threads.setStatus", "error", error="not_allowed_token_type")
    async with adapter.connect(bot):
        said = await slack.say("alice", "general", f"{slack.app.mention} hello")
        await slack.settled()
        async with adapter.reply_to(bot.messages[0], nonce="r1") as reply:
            await slack.until(lambda: said.reactions.get("eyes"))
            reply.push(TurnFinished("Done."))
    assert not said.reactions.get("eyes")
    assert not slack.violations

"""What Slack's documented payloads become."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.parse import Me, joins_thread, may_follow_up, parse, people, timestamp
from botkit.model import Attachment, Conversation, Message

SAMPLES = Path(__file__).parent / "samples"
ME = Me("slack", "T123ABC456", "U0BOT00001", "B0BOT00001")


def sample(name: str) -> dict[str, object]:
    """The payload of a sample; each names its source."""
    kept = msgspec.json.decode((SAMPLES / f"{name}.json").read_bytes(), type=dict[str, object])
    assert str(kept["source"]).startswith("https://docs.slack.dev/")
    return msgspec.convert(kept["payload"], dict[str, object])


def event(**changes: object) -> dict[str, object]:
    given: dict[str, object] = {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": "5.000001"}
    return {"type": "event_callback", "event": {**given, **changes}}


def parsed(body: Mapping[str, object], names: Mapping[str, str] | None = None) -> Message:
    message = parse(body, ME, names, received=9.0)
    assert message is not None
    return message


def channel(ts: str, name: str = "C123ABC456") -> Conversation:
    return Conversation("slack", "T123ABC456", name, ts)


def test_a_mention_is_one_message_in_whichever_event_it_comes() -> None:
    mention, message = parsed(sample("app_mention")), parsed(sample("message_channel"))
    assert mention == message
    assert mention.id == "C123ABC456:1515449522.000016"
    assert mention.text == "What is the hour of the pearl,?"
    assert mention.conversation == channel("1515449522.000016")
    assert mention.addressed
    assert mention.sent_at == 1515449522.000016


def test_a_direct_message_is_addressed_and_its_conversation_has_no_thread() -> None:
    message = parsed(sample("message_im"))
    assert message.conversation == channel("", "D024BE91L")
    assert (message.conversation.direct, message.addressed) == (True, True)
    threaded = parsed(event(channel="D1", thread_ts="4.000001"))
    assert (threaded.conversation.thread, threaded.conversation.direct) == ("4.000001", True)


def test_a_reply_in_a_thread_may_be_for_the_bot_unless_it_begins_with_somebody_else() -> None:
    reply = parsed(sample("message_thread"))
    assert reply.text == "and <this> & that (https://example.com/a?b=1&c=2)"
    assert reply.conversation == channel("1482960137.003000")
    assert (reply.addressed, may_follow_up(reply, ME)) == (False, True)
    assert not may_follow_up(parsed(event(thread_ts="4.000001", text="<@U2> your turn")), ME)
    assert may_follow_up(parsed(event(thread_ts="4.000001", text="ask <@U2>")), ME)
    assert not may_follow_up(parsed(event()), ME)
    assert parsed(event(text="<@U2> and <@U0BOT00001>, please")).addressed


def test_an_edit_names_the_message_it_is_about() -> None:
    edit = parsed(sample("message_changed"))
    assert edit.id == "C123ABC456:1355517523.000005:edited:1358878755.000001"
    assert (edit.kind, edit.reply_to, edit.text) == ("edited", "C123ABC456:1355517523.000005", "Hello, world!")
    assert edit.conversation == channel("1355517523.000005")


@pytest.mark.parametrize("name", ["message_deleted", "message_tombstone"])
def test_a_deletion_is_its_authors(name: str) -> None:
    deletion = parsed(sample(name))
    assert (deletion.kind, deletion.author.id, deletion.text) == ("deleted", "U123ABC456", "")
    assert deletion.id == f"{deletion.reply_to}:deleted"
    assert deletion.conversation.thread in ("1358878700.000001", "1355517523.000005")


@pytest.mark.parametrize("name", ["bot_message", "own_message", "channel_join", "message_unfurled", "view_submission"])
def test_what_nobody_wrote_to_the_bot_is_nothing(name: str) -> None:
    assert parse(sample(name), ME) is None


def test_files_come_along_and_lost_ones_do_not() -> None:
    message = parsed(sample("file_share"))
    assert message.attachments == (Attachment("F0S43P1CZ", "billair.gif", "image/gif", 144538),)
    assert message.text == ""


def test_a_forwarded_message_is_quoted() -> None:
    assert parsed(sample("forwarded")).text == "what about this?\n\n> Carol:\n> the <build> is red\n> again"


def test_a_button_is_its_command_in_the_thread_it_stands_in() -> None:
    press = parsed(sample("block_actions"))
    assert (press.kind, press.text, press.reply_to) == ("action", "/allow 7", "1548261231.000200")
    assert press.id == "action:12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3"
    assert press.conversation == Conversation("slack", "T123ABC456", "CBR2V3XEX", "1548261200.000100")
    assert (press.author.id, press.author.name) == ("UA8RXUSPL", "jtorrance")


def test_a_slash_command_is_a_command() -> None:
    command = parsed(sample("slash_command"))
    assert (command.text, command.command, command.sent_at) == ("/94070", "", 9.0)
    assert command.conversation == Conversation("slack", "T123ABC456", "C2147483705")
    assert timestamp(command) == ""
    assert parsed({**sample("slash_command"), "text": " !Stop "}).command == "stop"
    assert parsed({**sample("slash_command"), "text": ""}).command == "help"


def test_people_are_called_by_their_names() -> None:
    message = parsed(event(text="<@U0BOT00001>: ask <@U2> or <@U3|old>, not <@U4>"), {"U1": "Ann", "U2": "Bob"})
    assert message.text == "ask @Bob or @old, not @U4"
    assert message.author.name == "Ann"
    assert people(message) == ("U1", "U0BOT00001", "U2", "U3", "U4")


def test_being_called_into_a_thread_is_noticed() -> None:
    assert joins_thread(parsed(event(text="<@U0BOT00001> why?", thread_ts="4.000001")))
    assert not joins_thread(parsed(event(text="<@U0BOT00001> why?", thread_ts="5.000001")))
    assert not joins_thread(parsed(event(text="why?", thread_ts="4.000001")))


def test_an_exclamation_mark_command_is_one() -> None:
    assert parsed(event(text="<@U0BOT00001> !stop it")).command == "stop"


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
Fields = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "app_mention"])},
    optional=dict.fromkeys(
        ["subtype", "channel", "user", "text", "ts", "thread_ts", "message", "previous_message", "files", "edited"],
        Json,
    ),
)


@settings(deadline=None)
@given(st.fixed_dictionaries({"type": st.sampled_from(["event_callback", "block_actions"]), "event": Fields}), Json)
def test_no_payload_breaks_it(body: dict[str, object], more: object) -> None:
    for changed in (body, {**body, "actions": more, "user": more, "command": more, "channel": more}):
        message = parse(changed, ME)
        assert message is None or message.conversation.channel

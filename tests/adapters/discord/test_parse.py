"""Payloads as Discord documents them, and the messages they are."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from adapters.discord.components import Keys
from adapters.discord.parse import Me, deleted, edited, may_follow_up, mentions, parse, parse_interaction
from adapters.discord.places import Place, Places
from adapters.discord.plain import plain
from adapters.discord.threads import thread_name
from adapters.discord.wire import Interaction, Json, Written, first_id, moment, read
from botkit.model import Conversation

SAMPLES = Path(__file__).parent / "samples"
ME = Me("discord", "1071201498000000000", role="1071201499000000000")


def sample(name: str) -> Json:
    return msgspec.json.decode((SAMPLES / f"{name}.json").read_bytes(), type=Json)


def written(**changes: object) -> Written:
    """The documented example of a message, with changes."""
    found = read({**sample("message")["payload"], **changes}, Written)
    assert found is not None
    return found


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_names_its_source(path: Path) -> None:
    assert re.match(r"https://", str(sample(path.stem)["source"]))


def test_the_documented_message_is_read() -> None:
    message = parse(written(guild_id="1"), Place("1"), ME)
    assert message is not None
    assert message.id == "334385199974967042"
    assert message.text == "Supa Hot"
    assert message.author.id == "53908099506183680"
    assert message.author.name == "Mason"
    assert message.conversation == Conversation("discord", "1", "290926798999357250", "334385199974967042")
    assert not message.addressed


def test_in_a_thread_the_channel_is_the_one_above() -> None:
    message = parse(written(guild_id="1"), Place("1", "42"), ME)
    assert message is not None
    assert message.conversation == Conversation("discord", "1", "42", "290926798999357250")


def test_without_a_guild_it_is_a_direct_message() -> None:
    message = parse(written(), None, ME)
    assert message is not None
    assert (message.conversation.space, message.conversation.direct, message.addressed) == ("@me", True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"author": {"id": "5", "username": "hook", "bot": True}},
        {"webhook_id": "6"},
        {"author": {"id": ME.user, "username": "claude"}},
        {"type": 18},
        {"type": 21},
        {"author": {}},
    ],
)
def test_what_no_person_wrote_is_no_message(changes: dict[str, object]) -> None:
    assert parse(written(**changes), None, ME) is None


def test_the_bot_is_mentioned_by_its_name_or_its_role() -> None:
    assert mentions(written(mentions=[{"id": ME.user, "username": "claude"}]), ME)
    assert mentions(written(mention_roles=[ME.role]), ME)
    assert not mentions(written(mention_everyone=True), ME)
    message = parse(written(content=f"<@{ME.user}>, <@&{ME.role}> <@!{ME.user}> hello <@7>", guild_id="1"), None, ME)
    assert message is not None
    assert message.text == "hello @7"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content": "and this?"}, True),
        ({"content": f"<@{ME.user}> and this?"}, True),
        ({"content": "<@7> not you"}, False),
        ({"content": "<@&8> not you"}, False),
        ({"content": "hey <@7>, look"}, True),
        ({"message_reference": {"message_id": "9"}, "referenced_message": {"author": {"id": "7"}}}, False),
        ({"message_reference": {"message_id": "9"}, "referenced_message": {"author": {"id": ME.user}}}, True),
        ({"message_reference": {"message_id": "9"}, "referenced_message": None}, True),
    ],
)
def test_a_follow_up_neither_names_nor_answers_others(changes: dict[str, object], expected: bool) -> None:
    said = written(guild_id="1", **changes)
    message = parse(said, Place("1", "42"), ME)
    assert message is not None
    assert may_follow_up(said, message, ME) is expected
    outside = parse(said, Place("1"), ME)
    assert outside is not None
    assert not may_follow_up(said, outside, ME)


def test_what_a_reply_points_at_is_its_context() -> None:
    said = written(
        type=19,
        guild_id="1",
        content=f"<@{ME.user}> is that so?",
        message_reference={"message_id": "334385199974967042"},
        referenced_message=sample("crossposted")["payload"],
    )
    message = parse(said, Place("1"), ME)
    assert message is not None
    assert message.text == "is that so?"
    assert message.context == "**Mason**: Big news! In this #278325129692446722 channel!"


def test_a_forward_is_quoted_and_its_files_can_be_fetched() -> None:
    said = written(
        content="see",
        message_reference={"type": 1, "message_id": "3", "channel_id": "4"},
        message_snapshots=[{"message": {"content": "one\ntwo", "attachments": [{"id": "5", "filename": "a.txt"}]}}],
    )
    message = parse(said, None, ME)
    assert message is not None
    assert message.text == "see\n\n> one\n> two"
    assert [file.id for file in message.attachments] == ["290926798999357250/334385199974967042/5"]


def test_edits_and_deletions_have_ids_of_their_own() -> None:
    message = parse(written(), None, ME)
    assert message is not None
    first, second, gone = edited(message, "t1"), edited(message, "t2"), deleted(message)
    assert len({message.id, first.id, second.id, gone.id}) == 4
    assert {first.reply_to, second.reply_to, gone.reply_to} == {message.id}
    assert (first.kind, gone.kind, gone.text) == ("edited", "deleted", "")


def test_the_documented_slash_command_is_read() -> None:
    found = read({**sample("command")["payload"], "channel": {"id": "645027906669510667", "type": 0}}, Interaction)
    assert found is not None
    message = parse_interaction(found, ME, Keys())
    assert message is not None
    assert (message.text, message.kind) == ("/cardsearch The Gitrog Monster", "new")
    assert message.conversation == Conversation("discord", "290926798626357999", "645027906669510667")
    assert (message.id, message.author.id) == ("786008729715212338", "53908232506183680")


def test_the_documented_button_press_is_nobodys_but_ours_is_read() -> None:
    payload: Json = sample("component")["payload"]
    found = read(payload, Interaction)
    assert found is not None
    theirs = parse_interaction(found, ME, Keys())
    assert theirs is not None
    assert theirs.text == ""
    ours = read({**payload, "data": {"component_type": 2, "custom_id": "botkit:0:42:/allow r1"}}, Interaction)
    assert ours is not None
    message = parse_interaction(ours, ME, Keys())
    assert message is not None
    assert (message.text, message.kind, message.conversation.thread) == ("/allow r1", "action", "42")


def test_what_is_missing_or_misshapen_is_no_message() -> None:
    assert read({"id": 1}, Written) is None
    assert parse(Written(), None, ME) is None
    assert parse_interaction(Interaction(id="1", type=1), ME, Keys()) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@1> <@!1> <@2>", "@Ann @Ann @2"),
        ("<#3> <@&4>", "#3 @4"),
        ("<:wave:5> <a:party:6>", ":wave: :party:"),
        ("<t:0> <t:1618953630:R>", "1970-01-01 00:00 UTC 2021-04-20 21:20 UTC"),
        ("</stop:7> now", "/stop now"),
        ("1 < 2 <b> <@x>", "1 < 2 <b> <@x>"),
    ],
)
def test_discords_tokens_read_as_people_see_them(text: str, shown: str) -> None:
    assert plain(text, names={"1": "Ann"}) == shown


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "Claude"),
        ("\n  why   red?\nmore", "why red?"),
        ("word " * 40, ("word " * 19).strip() + "…"),
        ("x" * 200, "x" * 99 + "…"),
    ],
)
def test_a_threads_name_is_the_first_line_of_what_was_asked(text: str, name: str) -> None:
    assert thread_name(text) == name
    assert len(thread_name(text)) <= 100


def test_snowflakes_tell_the_time() -> None:
    assert moment("175928847299117063") == pytest.approx(1462015105.796)  # the documentation's own example
    assert moment(first_id(1462015105.796)) == pytest.approx(1462015105.796)
    assert moment("no-id") == 0.0


def test_places_know_threads_roles_and_where_something_was_said() -> None:
    places = Places()
    places.learn("READY", {"user": {"id": ME.user}, "guilds": [{"id": "1", "unavailable": True}]})
    channels: list[Json] = [{"id": "42", "type": 0, "parent_id": "9", "last_message_id": "100"}]
    threads: list[Json] = [{"id": "43", "type": 11, "parent_id": "42", "last_message_id": None}]
    roles: list[Json] = [{"id": "7", "tags": {"bot_id": ME.user}}, {"id": "8", "tags": {"bot_id": "5"}}, {"id": "6"}]
    places.learn("GUILD_CREATE", {"id": "1", "channels": channels, "threads": threads, "roles": roles})
    assert places.get("42") == Place("1", "", "100")  # a category is no parent
    assert places.get("43") == Place("1", "42", "")
    assert places.roles == {"1": "7"}
    places.learn("MESSAGE_CREATE", {"id": "200", "channel_id": "43"})
    assert places.recent("150") == ["43"]
    assert places.recent("50") == ["43", "42"]
    places.learn("THREAD_DELETE", {"id": "43"})
    assert places.get("43") is None

"""The loopback's native streams are as strict as Slack's, seen through the real SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.slack.testing import LoopbackSlack
from adapters.slack.testing.wire import Json
from tests.adapters.slack.loopback import client_of, error_of


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(limits=False) as loopback:
        yield loopback


def said(text: str) -> Json:
    return {"type": "markdown_text", "text": text}


def task(id: str, status: str = "in_progress", **more: str) -> Json:
    return {"type": "task_update", "id": id, "title": f"task {id}", "status": status, **more}


async def start(slack: LoopbackSlack, *chunks: Json, display: str = "plan") -> tuple[str, str]:
    """A stream in alice's direct messages: its channel and ts."""
    room = slack.dm("alice")
    question = await slack.say("alice", room, "?")
    started = await client_of(slack)(
        "chat_startStream",
        channel=room.id,
        thread_ts=question.ts,
        chunks=list(chunks) or None,
        task_display_mode=display,
    )
    return room.id, str(started["ts"])


async def test_a_stream_grows_shows_its_tasks_and_stops(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    channel, ts = await start(slack, {"type": "plan_update", "title": "Working"}, task("1"), said("Hello "))
    post = slack.directory.channels[channel].posts[ts]
    assert post.shown == "[Working]\n◔ task 1\nHello "
    more = [said("world."), task("1", "complete", details="two"), task("2", "pending")]
    await client("chat_appendStream", channel=channel, ts=ts, chunks=more)
    await client("chat_appendStream", channel=channel, ts=ts, chunks=[task("1", "complete", details=" lines")])
    assert post.shown == "[Working]\n● task 1 — two lines\n○ task 2\nHello world."
    metadata = {"event_type": "e", "event_payload": {"a": 1}}
    await client("chat_stopStream", channel=channel, ts=ts, chunks=[said(" Bye.")], metadata=metadata)
    assert post.shown.endswith("Hello world. Bye.")
    assert post.metadata == metadata
    late = client("chat_appendStream", channel=channel, ts=ts, chunks=[said("x")])
    assert await error_of(late) == "message_not_in_streaming_state"
    assert [violation.what for violation in slack.violations] == [
        "a chunk begins with a space, which Slack may swallow"
    ]


async def test_a_plan_stopped_under_a_running_task_says_that_it_went_wrong(slack: LoopbackSlack) -> None:
    channel, ts = await start(slack, task("1"))
    await client_of(slack)("chat_stopStream", channel=channel, ts=ts)
    assert slack.directory.channels[channel].posts[ts].shown.startswith("[Something went wrong]")


async def test_a_running_stream_cannot_be_edited_or_deleted_and_a_closed_one_can(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    channel, ts = await start(slack, said("a"))
    assert await error_of(client("chat_update", channel=channel, ts=ts, text="b")) == "streaming_state_conflict"
    assert await error_of(client("chat_delete", channel=channel, ts=ts)) == "cant_delete_message"
    slack.skip(301)
    assert await error_of(client("chat_stopStream", channel=channel, ts=ts)) == "message_not_in_streaming_state"
    await client("chat_update", channel=channel, ts=ts, text="b")
    assert slack.directory.channels[channel].posts[ts].shown == "b"


async def test_a_stream_takes_only_what_it_was_begun_with(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    channel, ts = await start(slack, said("a"))
    mixed = client("chat_appendStream", channel=channel, ts=ts, markdown_text="b")
    assert await error_of(mixed) == "streaming_mode_mismatch"
    both = client("chat_appendStream", channel=channel, ts=ts, markdown_text="b", chunks=[said("b")])
    assert await error_of(both) == "cannot_provide_both_markdown_text_and_chunks"
    assert await error_of(client("chat_appendStream", channel=channel, ts=ts)) == "no_text"


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        (said("x" * 12_001), "msg_too_long"),
        (said("x" * 10_700), "msg_too_long"),
        (said("漢" * 3_600), "msg_too_long"),
        (said(""), "invalid_chunks"),
        ({"type": "rich_text", "text": "x"}, "invalid_chunks"),
        ({"type": "task_update", "id": "1", "title": "no status"}, "invalid_chunks"),
        (task("1", "running"), "invalid_chunks"),
        (task("1", details="x" * 257), "invalid_chunks"),
        ({"type": "plan_update", "title": "x" * 257}, "invalid_chunks"),
        ({"type": "blocks", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
    ],
)
async def test_a_chunk_that_slack_does_not_take_changes_nothing(slack: LoopbackSlack, chunk: Json, error: str) -> None:
    channel, ts = await start(slack, said("a"))
    refused = client_of(slack)(
        "api_call", api_method="chat.appendStream", json={"channel": channel, "ts": ts, "chunks": [chunk]}
    )
    assert await error_of(refused) == error
    assert slack.directory.channels[channel].posts[ts].shown == "a"


async def test_where_a_stream_may_begin(slack: LoopbackSlack) -> None:
    client, room, general = client_of(slack), slack.dm("alice"), slack.channel("general")
    bare = client("api_call", api_method="chat.startStream", json={"channel": room.id})
    assert await error_of(bare) == "invalid_arguments"
    root = await slack.say("alice", general, "?")
    place = {"channel": general.id, "thread_ts": root.ts}
    assert await error_of(client("chat_startStream", **place)) == "missing_recipient_user_id"
    alice = slack.person("alice").id
    half = client("chat_startStream", **place, recipient_user_id=alice)
    assert await error_of(half) == "missing_recipient_team_id"
    odd = client(
        "chat_startStream", **place, recipient_user_id=alice, recipient_team_id=slack.team.id, task_display_mode="x"
    )
    assert await error_of(odd) == "invalid_arguments"


async def test_in_a_channel_only_the_recipient_sees_a_stream_grow(slack: LoopbackSlack) -> None:
    client, general = client_of(slack), slack.channel("general")
    root = await slack.say("alice", general, "?")
    alice, bob = slack.person("alice"), slack.person("bob")
    started = await client(
        "chat_startStream",
        channel=general.id,
        thread_ts=root.ts,
        recipient_user_id=alice.id,
        recipient_team_id=slack.team.id,
        chunks=[said("one ")],
    )
    await client("chat_appendStream", channel=general.id, ts=started["ts"], chunks=[said("two ")])
    post = general.posts[str(started["ts"])]
    assert (post.shown_to(alice), post.shown_to(bob)) == ("one two ", "one ")
    await client("chat_stopStream", channel=general.id, ts=started["ts"], chunks=[said("three")])
    assert post.shown_to(bob) == "one two three"

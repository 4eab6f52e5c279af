"""The loopback Slack refuses what Slack refuses: each refusal is provoked once by the real SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from adapters.slack.testing import LoopbackSlack
from adapters.slack.testing.wire import Json, mapping, mappings
from tests.adapters.slack.loopback import answer_in, client_of, error_of


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack, None]:
    async with LoopbackSlack(limits=False) as loopback:
        yield loopback


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**more: object) -> Json:
    return {"type": "button", "text": {"type": "plain_text", "text": "Stop"}, "action_id": "stop", **more}


async def post(slack: LoopbackSlack, text: str = "hello", **more: object) -> str:
    client = client_of(slack)
    arguments = {"channel": slack.channel("general").id, "text": text, **more}
    return str((await client.raw("chat.postMessage", json=arguments))["ts"])


async def test_wrong_tokens_are_told_apart(slack: LoopbackSlack) -> None:
    nobody, stranger = (client_of(slack, token=token) for token in (None, "xoxb-no"))
    app_level = client_of(slack, token=slack.app.app_token)
    assert await error_of(nobody("auth_test")) == "not_authed"
    assert await error_of(stranger("auth_test")) == "invalid_auth"
    assert await error_of(app_level("auth_test")) == "not_allowed_token_type"
    bot = client_of(slack)
    assert await error_of(bot("apps_connections_open", app_token=slack.app.bot_token)) == "not_allowed_token_type"
    slack.app.revoked = True
    assert await error_of(bot("auth_test")) == "token_revoked"
    assert [violation.what for violation in slack.violations] == ["no bearer token"]


async def test_a_missing_scope_is_named(slack: LoopbackSlack) -> None:
    slack.app.scopes.discard("reactions:write")
    with pytest.raises(SlackApiError) as refused:
        await client_of(slack)("reactions_add", channel="C", name="eyes", timestamp="1")
    assert answer_in(refused.value)["needed"] == "reactions:write"
    assert "chat:write" in str(answer_in(refused.value)["provided"])


async def test_unknown_methods_and_arguments_are_noticed(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    assert await error_of(client.raw("chat.shout")) == "unknown_method"
    await client.raw("users.info", params={"user": slack.person("alice").id, "colour": "red"})
    assert await error_of(client.raw("users.info", json={"user": slack.person("alice").id})) == "user_not_found"
    assert [violation.what for violation in slack.violations] == [
        "has no argument 'colour'",
        "takes no JSON: its arguments were ignored",
    ]


async def test_a_thread_ts_that_is_a_number_is_refused_and_recorded(slack: LoopbackSlack) -> None:
    arguments = {"channel": slack.channel("general").id, "text": "x", "thread_ts": 1602251441.0017}
    assert await error_of(client_of(slack).raw("chat.postMessage", json=arguments)) == "invalid_arguments"
    with pytest.raises(AssertionError, match="thread_ts"):
        slack.assert_clean()


async def test_messages_go_only_where_the_app_may_write(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    hidden = slack.channel("hidden", slack.person("bob"), kind="group")
    slack.channel("news", slack.app).read_only = True
    expected = {
        "C0NOWHERE": "channel_not_found",
        hidden.id: "channel_not_found",
        slack.channel("random").id: "not_in_channel",
        slack.channel("old").id: "is_archived",
        slack.channel("news").id: "restricted_action",
    }
    for channel, error in expected.items():
        assert await error_of(client("chat_postMessage", channel=channel, text="x")) == error
    direct = await client("chat_postMessage", channel=slack.person("alice").id, text="x")
    assert direct["channel"] == slack.dm("alice").id
    assert await error_of(client("chat_update", channel="#general", ts="1", text="x")) == "channel_not_found"


async def test_a_message_needs_words_and_a_real_thread(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    assert await error_of(client.raw("chat.postMessage", json={"channel": channel, "text": ""})) == "no_text"
    assert await error_of(client("chat_postMessage", channel=channel, text="x", thread_ts="0")) == "invalid_thread_ts"
    nowhere = client("chat_postMessage", channel=channel, text="x", thread_ts="1602251441.001700")
    assert await error_of(nowhere) == "thread_not_found"
    both = client("chat_postMessage", channel=channel, text="x", markdown_text="y")
    assert await error_of(both) == "markdown_text_conflict"
    reply = await post(slack, thread_ts=await post(slack))
    await post(slack, thread_ts=reply)
    assert [violation.what for violation in slack.violations] == ["thread_ts is the ts of a reply, not of its parent"]


async def test_long_texts_are_cut_when_posted_and_refused_when_edited(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    answer = await client("chat_postMessage", channel=channel.id, text="x" * 40_001)
    assert answer["warning"] == "message_truncated"
    ts = str(answer["ts"])
    assert len(channel.posts[ts].text) == 40_000
    await client("chat_update", channel=channel.id, ts=ts, text="y" * 4_000)
    assert await error_of(client("chat_update", channel=channel.id, ts=ts, text="y" * 4_001)) == "msg_too_long"
    await client("chat_update", channel=channel.id, ts=ts, markdown_text="y" * 4_001)
    long = client("chat_postMessage", channel=channel.id, markdown_text="x" * 12_001)
    assert await error_of(long) == "msg_too_long"


OUT_OF_BOUNDS: list[tuple[list[Json], str]] = [
    ([section("x")] * 51, "no more than 50 items"),
    ([section("x" * 3001)], "less than 3001"),
    ([section("")], "more than 0"),
    ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type"),
    ([{"type": "actions", "elements": [button(action_id=str(n)) for n in range(26)]}], "no more than 25"),
    ([{"type": "actions", "elements": []}], "no less than 1"),
    ([{"type": "actions", "elements": [button(), button()]}], "already exists"),
    ([{"type": "actions", "elements": [button(text={"type": "plain_text", "text": "x" * 76})]}], "less than 76"),
    ([{"type": "actions", "elements": [button(value="x" * 2001)]}], "less than 2001"),
    ([{"type": "actions", "elements": [button(action_id="x" * 256)]}], "less than 256"),
    ([{"type": "actions", "elements": [button(style="default")]}], "primary, danger"),
    ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "no more than 10"),
    ([{"type": "markdown", "text": "x" * 7000}] * 2, "no more than 12000"),
    ([section("x") | {"block_id": "b"}] * 2, "already exists"),
    ([section("x") | {"colour": "red"}], "additional property"),
    ([{"type": "sectoin"}], "unsupported type"),
]


@pytest.mark.parametrize(("blocks", "complaint"), OUT_OF_BOUNDS)
async def test_blocks_out_of_bounds_are_refused(slack: LoopbackSlack, blocks: list[Json], complaint: str) -> None:
    arguments = {"channel": slack.channel("general").id, "text": "x", "blocks": blocks}
    with pytest.raises(SlackApiError) as refused:
        await client_of(slack).raw("chat.postMessage", json=arguments)
    assert answer_in(refused.value)["error"] == "invalid_blocks"
    assert complaint in str(answer_in(refused.value)["response_metadata"])


async def test_blocks_too_long_in_sum_and_blocks_that_are_no_json_are_refused(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    long: Json = {"channel": channel, "text": "x", "blocks": [section("x" * 2900)] * 4}
    assert await error_of(client.raw("chat.postMessage", json=long)) == "msg_blocks_too_long"
    broken = client("chat_postMessage", channel=channel, text="x", blocks="[{")
    assert await error_of(broken) == "invalid_blocks_format"


async def test_text_without_blocks_removes_the_blocks_and_shows_as_edited(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    ts = await post(slack, blocks=[section("*bold*")])
    message = channel.posts[ts]
    await client.raw("chat.update", json={"channel": channel.id, "ts": ts, "blocks": [section("new")], "text": "n"})
    assert (message.shown, message.edited) == ("new", "")
    await client("chat_update", channel=channel.id, ts=ts, text="plain")
    assert (message.shown, message.blocks) == ("plain", [])
    assert message.edited
    assert [version.shown for version in message.versions] == ["*bold*", "new", "plain"]


async def test_only_own_living_messages_can_be_changed(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    theirs = await slack.say("alice", channel, "mine")
    assert await error_of(client("chat_update", channel=channel.id, ts=theirs.ts, text="x")) == "cant_update_message"
    assert await error_of(client("chat_delete", channel=channel.id, ts=theirs.ts)) == "cant_delete_message"
    ts = await post(slack)
    await client("chat_delete", channel=channel.id, ts=ts)
    assert await error_of(client("chat_update", channel=channel.id, ts=ts, text="x")) == "message_not_found"
    ts = await post(slack)
    channel.archived = True
    assert await error_of(client("chat_update", channel=channel.id, ts=ts, text="x")) == "is_inactive"


async def test_ephemeral_messages_are_seen_by_one_and_kept_by_none(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    outsider = client("chat_postEphemeral", channel=channel.id, user="U0NOBODY", text="psst")
    assert await error_of(outsider) == "user_not_in_channel"
    answer = await client("chat_postEphemeral", channel=channel.id, user=slack.person("bob").id, text="psst")
    update = client("chat_update", channel=channel.id, ts=str(answer["message_ts"]), text="x")
    assert await error_of(update) == "message_not_found"
    assert [message.only_for for message in slack.messages("general")] == [slack.person("bob")]
    assert (await client("conversations_history", channel=channel.id))["messages"] == []


async def test_threads_are_read_page_by_page_each_beginning_with_the_parent(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    parent = await slack.say("alice", channel, "parent")
    for number in range(5):
        await slack.say("bob", channel, f"reply {number}", parent)
    seen: list[object] = []
    cursor = ""
    while True:
        page = await client("conversations_replies", channel=channel.id, ts=parent.ts, limit=3, cursor=cursor)
        texts = [message["text"] for message in mappings(page["messages"])]
        assert texts[0] == "parent"
        seen += texts[1:]
        cursor = str(mapping(page.get("response_metadata")).get("next_cursor") or "")
        if not cursor:
            break
    assert seen == [f"reply {number}" for number in range(5)]
    wrong = client("conversations_replies", channel=channel.id, ts=parent.ts, cursor="nonsense")
    assert await error_of(wrong) == "invalid_cursor"
    assert await error_of(client("conversations_replies", channel=channel.id, ts="1.0")) == "thread_not_found"
    outside = client("conversations_history", channel=slack.channel("random").id)
    assert await error_of(outside) == "not_in_channel"


async def test_metadata_comes_back_only_when_asked_for(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    metadata: Json = {"event_type": "reply", "event_payload": {"nonce": "n1"}}
    ts = await post(slack, metadata=metadata)
    without = await client("conversations_replies", channel=channel, ts=ts)
    having = await client("conversations_replies", channel=channel, ts=ts, include_all_metadata=True)
    assert "metadata" not in mappings(without["messages"])[0]
    assert mappings(having["messages"])[0]["metadata"] == metadata
    wrong = client.raw("chat.postMessage", json={"channel": channel, "text": "x", "metadata": {"nonce": "n1"}})
    assert await error_of(wrong) == "invalid_metadata_format"


async def test_reactions_and_permalinks_need_a_message(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    ts = await post(slack)
    await client("reactions_add", channel=channel, name="eyes", timestamp=ts)
    assert await error_of(client("reactions_add", channel=channel, name="eyes", timestamp=ts)) == "already_reacted"
    await client("reactions_remove", channel=channel, name="eyes", timestamp=ts)
    assert await error_of(client("reactions_remove", channel=channel, name="eyes", timestamp=ts)) == "no_reaction"
    assert await error_of(client("reactions_add", channel=channel, name=":eyes:", timestamp=ts)) == "invalid_name"
    assert await error_of(client("reactions_add", channel=channel, name="eyes", timestamp="1.1")) == "message_not_found"
    assert await error_of(client("chat_getPermalink", channel=channel, message_ts="1.1")) == "message_not_found"
    link = await client("chat_getPermalink", channel=channel, message_ts=ts)
    assert str(link["permalink"]).endswith(ts.replace(".", ""))


async def test_a_working_status_shows_until_the_app_replies(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    question = await slack.say("alice", "general", "?")
    await client("assistant_threads_setStatus", channel_id=channel, thread_ts=question.ts, status="is thinking")
    assert slack.status("general", question) == "is thinking"
    await client("chat_postMessage", channel=channel, thread_ts=question.ts, text="!")
    assert slack.status("general", question) == ""
    nowhere = client("assistant_threads_setStatus", channel_id=channel, thread_ts="1.1", status="x")
    assert await error_of(nowhere) == "invalid_thread_ts"


async def test_files_go_up_in_three_steps_and_down_only_with_the_bearer(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general")
    question = await slack.say("alice", channel, "a file?")
    await client("files_upload_v2", channel=channel.id, thread_ts=question.ts, filename="a.txt", content="hello")
    (_, reply) = slack.messages(channel, question)
    assert (reply.files[0].name, reply.files[0].data) == ("a.txt", b"hello")
    known = await client("files_info", file=reply.files[0].id)
    shares = mapping(mapping(mapping(known["file"])["shares"])["public"])
    assert shares == {channel.id: [{"ts": reply.ts, "thread_ts": question.ts}]}
    early = await client("files_getUploadURLExternal", filename="b.txt", length=3)
    files: list[dict[str, str | None]] = [{"id": str(early["file_id"])}]
    assert (
        await error_of(client("files_completeUploadExternal", files=files, channel_id=channel.id)) == "file_not_found"
    )
    sent = await slack.say("alice", channel, "look", files=[("c.png", b"png", "image/png")])
    bearer = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(sent.files[0].url, headers=bearer) as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", b"png")
        async with session.get(sent.files[0].url) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        external = slack.file("alice", "d.bin", b"d", "application/octet-stream", external=True)
        async with session.get(external.url, headers=bearer) as answer:
            assert await answer.read() == b"d"
    assert [violation.what for violation in slack.violations] == [
        "no bearer token",
        "bearer token sent to another host",
    ]


async def test_pings_in_a_message_are_told(slack: LoopbackSlack) -> None:
    ts = await post(slack, "hi <!channel> &lt;!here&gt; <@U123>", blocks=[section("<!everyone>")])
    assert slack.channel("general").posts[ts].pings == ["<!channel>", "<@U123>", "<!everyone>"]


async def test_two_workspaces_do_not_see_each_other(slack: LoopbackSlack) -> None:
    other = slack.workspace("Other")
    app = slack.install("claude", other)
    room = slack.channel("general", slack.person("zoe", other), app, team=other)
    assert room is not slack.channel("general")
    assert await error_of(client_of(slack)("chat_postMessage", channel=room.id, text="x")) == "channel_not_found"
    await client_of(slack, app)("chat_postMessage", channel=room.id, text="x")
    assert [message.text for message in slack.messages(room)] == ["x"]


async def test_streams_end_after_five_minutes_even_while_active() -> None:
    async with LoopbackSlack(speed=100_000) as slack:
        client, room = client_of(slack), slack.dm("alice")
        question = await slack.say("alice", room, "?")
        started = await client("chat_startStream", channel=room.id, thread_ts=question.ts, markdown_text="a")
        ts = str(started["ts"])
        slack.skip(301)
        late = client("chat_appendStream", channel=room.id, ts=ts, markdown_text="b")
        assert await error_of(late) == "message_not_in_streaming_state"
        await client("chat_update", channel=room.id, ts=ts, text="recovered")
        assert slack.messages(room, question)[1].shown == "recovered"

"""The loopback Feishu's messages: sent, answered, changed and recalled as Feishu lets them be."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.wire import Json, decoded, mapping, mappings, string
from tests.adapters.feishu.loopback import IM, Client, button, card, client_of, markdown, post_in


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(limits=False) as loopback:
        yield loopback


@pytest.fixture
async def client(feishu: LoopbackFeishu) -> AsyncGenerator[Client]:
    async with client_of(feishu) as made:
        yield made


async def test_a_text_appears_in_the_chat_with_its_mentions_and_pings(feishu: LoopbackFeishu, client: Client) -> None:
    alice = feishu.open_id("alice")
    sent = await client.send("general", {"text": f'hi <at user_id="{alice}">A</at>, <at user_id="all"></at> 1 < 2'})
    post = post_in(feishu, sent)
    assert post.shown == "hi @alice, @all 1 < 2"
    assert post.pings == ["alice", "all"]
    assert string(mapping(sent.data["body"])["content"]) == '{"text":"hi @_user_1, @_all 1 < 2"}'
    assert mappings(sent.data["mentions"])[0]["id"] == alice
    assert mapping(sent.data["sender"])["id"] == feishu.app.id
    feishu.assert_clean()


async def test_what_no_message_can_be_is_refused_with_the_reason(feishu: LoopbackFeishu, client: Client) -> None:
    async def refused(body: object, kind: str = "chat_id") -> tuple[int, int, str]:
        answer = await client("POST", f"{IM}/messages", body, {"receive_id_type": kind} if kind else {})
        return answer.status, answer.code, answer.message

    general = feishu.group("general").id
    good = {"receive_id": general, "msg_type": "text", "content": '{"text":"x"}'}
    assert (await refused(good, kind=""))[:2] == (400, 99992402)
    assert (await refused(good, kind="name"))[:2] == (400, 99992402)
    assert (await refused({**good, "receive_id": "oc_no"}))[1:] == (
        230001,
        "Your request contains an invalid request parameter, ext=invalid receive_id",
    )
    assert (await refused({**good, "content": {"text": "x"}}))[1] == 9499
    assert "not a string in json format" in (await refused({**good, "content": "x"}))[2]
    assert (await refused({**good, "content": '{"text":""}'}))[1] == 230001
    assert "invalid msg_type" in (await refused({**good, "msg_type": "markdown"}))[2]
    assert (await refused({**good, "uuid": "u" * 51}))[1] == 99992402
    assert (await refused([1]))[1] == 9499
    assert (await refused({**good, "receive_id": feishu.group("random").id}))[1] == 230002
    assert not feishu.messages("general")
    assert [call.code for call in feishu.calls if call.route == "im.v1.message.create"][-1] == 230002


async def test_too_long_is_counted_in_bytes(client: Client) -> None:
    assert (await client.send("general", {"text": "文" * (50 * 1024)})).code == 230025
    assert (await client.send("general", {"text": "文" * (50 * 1024 - 10)})).code == 0
    rich: Json = {"zh_cn": {"title": "", "content": [[{"tag": "md", "text": "文" * (10 * 1024)}]]}}
    assert (await client.send("general", rich, "post")).code == 230025
    assert (await client.send("general", card(markdown("文" * (10 * 1024))), "interactive")).code == 230025


async def test_people_are_found_by_the_ids_the_app_knows_them_by(feishu: LoopbackFeishu, client: Client) -> None:
    other, alice = feishu.install("other"), feishu.person("alice")
    assert feishu.open_id(alice, other) != feishu.open_id(alice)

    async def to(kind: str, receiver: str) -> int:
        body = {"receive_id": receiver, "msg_type": "text", "content": '{"text":"x"}'}
        return (await client("POST", f"{IM}/messages", body, {"receive_id_type": kind})).code

    assert await to("open_id", feishu.open_id(alice)) == 0
    assert await to("union_id", alice.union_id) == 0
    assert await to("open_id", feishu.open_id(alice, other)) == 99992361
    assert await to("open_id", "ou_nobody") == 230001
    assert len(feishu.messages(feishu.p2p("alice"))) == 2


async def test_the_same_uuid_posts_once_within_an_hour(feishu: LoopbackFeishu, client: Client) -> None:
    first = await client.send("general", {"text": "one"}, uuid="u1")
    again = await client.send("general", {"text": "one"}, uuid="u1")
    assert first.data["message_id"] == again.data["message_id"]
    assert feishu.deduplicated == 1
    feishu.advance(3601)
    await client.login()
    assert (await client.send("general", {"text": "one"}, uuid="u1")).data["message_id"] != first.data["message_id"]
    assert len(feishu.messages("general")) == 2


async def test_a_reply_is_ordinary_or_begins_a_thread_or_stays_in_it(feishu: LoopbackFeishu, client: Client) -> None:
    said = await feishu.say("alice", "general", "@claude hello")
    plain = post_in(feishu, await client.reply(said, {"text": "plain"}))
    assert (plain.root_id, plain.parent_id, plain.thread_id) == (said.id, said.id, "")
    second = post_in(feishu, await client.reply(plain, {"text": "second"}))
    assert (second.root_id, second.parent_id) == (said.id, plain.id)
    begun = post_in(feishu, await client.reply(said, {"text": "threaded"}, reply_in_thread=True))
    assert begun.thread_id == said.thread_id
    assert said.thread_id.startswith("omt_")
    stays = post_in(feishu, await client.reply(begun, {"text": "stays"}))
    assert (stays.thread_id, stays.root_id, stays.parent_id) == (said.thread_id, said.id, said.id)
    asked = await feishu.say("bob", "general", "and?", thread=said)
    assert [post.shown for post in feishu.messages("general", said)] == ["@claude hello", "threaded", "stays", "and?"]
    assert asked.thread_id == said.thread_id
    topic = await feishu.say("alice", "topics", "a topic")
    assert topic.thread_id
    assert post_in(feishu, await client.reply(topic, {"text": "in it"})).thread_id == topic.thread_id


async def test_a_recalled_message_takes_no_reply(feishu: LoopbackFeishu, client: Client) -> None:
    said = await feishu.say("alice", "general", "hello")
    await feishu.recall(said)
    assert (await client.reply(said, {"text": "too late"})).code == 230011
    found = mappings((await client("GET", f"{IM}/messages/{said.id}")).data["items"])[0]
    assert found["deleted"] is True
    assert mapping(found["body"])["content"] == "This message was recalled"
    assert (await client("GET", f"{IM}/messages/om_none")).code == 230001


async def test_only_cards_are_patched_and_only_shared_ones_of_ones_own(feishu: LoopbackFeishu, client: Client) -> None:
    text = post_in(feishu, await client.send("general", {"text": "x"}))
    shown = post_in(feishu, await client.send("general", card(markdown("one"), button("Stop")), "interactive"))
    assert shown.shown == "one\n[Stop]"
    assert (await client.patch(text, card(markdown("two")))).code == 230001
    said = await feishu.say("alice", "general", "hello")
    assert (await client.patch(said, card(markdown("two")))).code == 230071
    assert (await client.patch(shown, card(markdown("two")))).code == 0
    assert [version.shown for version in shown.versions] == ["one\n[Stop]", "two"]
    private: Json = {"config": {}, "elements": [{"tag": "markdown", "content": "old schema"}]}
    alone = post_in(feishu, await client.send("general", private, "interactive"))
    assert "update_multi" in (await client.patch(alone, {"config": {"update_multi": True}, "elements": []})).message
    feishu.assert_clean()
    silent: Json = {"schema": "2.0", "body": {"elements": [markdown("three")]}}
    assert (await client.patch(shown, silent)).code == 0
    assert "update_multi must be declared" in feishu.violations[0].what
    feishu.advance(15 * 86400)
    await client.login()
    assert (await client.patch(shown, card(markdown("late")))).code == 230031


async def test_a_text_is_edited_twenty_times_and_no_more(feishu: LoopbackFeishu, client: Client) -> None:
    post = post_in(feishu, await client.send("general", {"text": "0"}))
    path = f"{IM}/messages/{post.id}"
    for number in range(20):
        body = {"msg_type": "text", "content": f'{{"text":"{number + 1}"}}'}
        assert (await client("PUT", path, body)).code == 0
    assert (await client("PUT", path, {"msg_type": "text", "content": '{"text":"x"}'})).code == 230072
    assert post.shown == "20"
    assert (await client("PUT", path, {"msg_type": "interactive", "content": "{}"})).code == 230001


async def test_own_messages_are_deleted_once(feishu: LoopbackFeishu, client: Client) -> None:
    post = post_in(feishu, await client.send("general", {"text": "x"}))
    said = await feishu.say("alice", "general", "mine")
    assert (await client("DELETE", f"{IM}/messages/{post.id}")).code == 0
    assert (await client("DELETE", f"{IM}/messages/{post.id}")).code == 230011
    assert (await client("DELETE", f"{IM}/messages/{said.id}")).code == 230026
    assert [post.shown for post in feishu.messages("general")] == ["mine"]


async def test_a_rich_text_is_read_and_its_faults_are_named(feishu: LoopbackFeishu, client: Client) -> None:
    alice = feishu.open_id("alice")
    lines = [
        [{"tag": "text", "text": "see "}, {"tag": "a", "text": "this", "href": "https://a.b"}],
        [{"tag": "at", "user_id": alice}],
        [{"tag": "md", "text": '**bold** `<at user_id="all">`'}],
    ]
    post = post_in(feishu, await client.send("general", {"en_us": {"title": "Title", "content": lines}}, "post"))
    assert post.shown.splitlines()[:3] == ["Title", "see this", "@alice"]
    assert post.pings == ["alice"]
    wrong: tuple[Json, ...] = (
        {"title": "x", "content": lines},
        {"en_us": {"title": "", "content": [{"tag": "text", "text": "no paragraph"}]}},
        {"en_us": {"title": "", "content": [[{"tag": "blink"}]]}},
        {"en_us": {"title": "", "content": [[{"tag": "md", "text": "a"}, {"tag": "text", "text": "b"}]]}},
        {"en_us": {"title": "", "content": [[{"tag": "at", "user_id": "ou_nobody"}]]}},
        {"en_us": {"title": "", "content": [[{"tag": "img", "image_key": "img_none"}]]}},
    )
    for broken in wrong:
        assert (await client.send("general", broken, "post")).code == 230001, broken


async def test_a_chat_is_caught_up_in_pages_and_by_time(feishu: LoopbackFeishu, client: Client) -> None:
    said = [await feishu.say("alice", "general", f"message {number}") for number in range(5)]
    feishu.advance(100)
    late = await feishu.say("bob", "general", "late")
    query = {"container_id_type": "chat", "container_id": feishu.group("general").id, "page_size": "2"}
    found: list[str] = []
    while True:
        page = (await client("GET", f"{IM}/messages", query=query)).data
        found += [string(item["message_id"]) for item in mappings(page["items"])]
        if not page["has_more"]:
            break
        query["page_token"] = string(page["page_token"])
    assert found == [post.id for post in [*said, late]]
    del query["page_token"]
    since = await client("GET", f"{IM}/messages", query={**query, "start_time": str(late.created // 1000)})
    assert [item["message_id"] for item in mappings(since.data["items"])] == [late.id]
    back = await client("GET", f"{IM}/messages", query={**query, "sort_type": "ByCreateTimeDesc"})
    assert mappings(back.data["items"])[0]["message_id"] == late.id
    assert (await client("GET", f"{IM}/messages", query={**query, "page_size": "51"})).code == 99992402
    assert (await client("GET", f"{IM}/messages", query={**query, "start_time": str(late.created)})).code == 230001
    feishu.app.scopes.discard("im:message.group_msg")
    assert (await client("GET", f"{IM}/messages", query=query)).code == 99991672


async def test_a_thread_has_a_history_of_its_own(feishu: LoopbackFeishu, client: Client) -> None:
    root = await feishu.say("alice", "general", "root")
    await feishu.say("alice", "general", "beside")
    await client.reply(root, {"text": "inside"}, reply_in_thread=True)
    query = {"container_id_type": "thread", "container_id": root.thread_id}

    async def texts(query: dict[str, str]) -> list[object]:
        items = mappings((await client("GET", f"{IM}/messages", query=query)).data["items"])
        return [mapping(decoded(string(mapping(item["body"])["content"])))["text"] for item in items]

    assert await texts(query) == ["root", "inside"]
    chat = {"container_id_type": "chat", "container_id": feishu.group("general").id}
    assert await texts(chat) == ["root", "beside"]
    assert await texts({**chat, "only_thread_root_messages": "false"}) == ["root", "beside", "inside"]
    assert (await client("GET", f"{IM}/messages", query={**query, "start_time": "1"})).code == 230001


async def test_reactions_come_and_go(feishu: LoopbackFeishu, client: Client) -> None:
    said = await feishu.say("alice", "general", "hello")
    path = f"{IM}/messages/{said.id}/reactions"
    put = await client("POST", path, {"reaction_type": {"emoji_type": "THUMBSUP"}})
    assert [emoji for emoji, _ in said.reactions.values()] == ["THUMBSUP"]
    assert (await client("POST", path, {"reaction_type": {"emoji_type": "👍"}})).code == 231001
    assert (await client("DELETE", f"{path}/{put.data['reaction_id']}")).code == 0
    assert not said.reactions


async def test_names_of_people_and_chats_can_be_asked_for(feishu: LoopbackFeishu, client: Client) -> None:
    alice = feishu.open_id("alice")
    user = mapping((await client("GET", f"/open-apis/contact/v3/users/{alice}")).data["user"])
    assert user["name"] == "alice"
    assert "user_id" not in user
    body = {"user_ids": [alice, feishu.open_id("bob")]}
    named = await client("POST", "/open-apis/contact/v3/users/basic_batch", body, {"user_id_type": "open_id"})
    assert [one["name"] for one in mappings(named.data["users"])] == ["alice", "bob"]
    assert (await client("GET", "/open-apis/contact/v3/users/ou_none")).code == 99992351
    chat = feishu.group("topics").id
    about = (await client("GET", f"{IM}/chats/{chat}")).data
    assert (about["name"], about["chat_mode"]) == ("topics", "topic")
    members = mappings((await client("GET", f"{IM}/chats/{chat}/members")).data["items"])
    assert sorted(string(member["name"]) for member in members) == ["alice", "bob", "carol"]
    assert (await client("GET", f"{IM}/chats/{feishu.group('random').id}")).code == 232011
    info = mapping((await client("GET", "/open-apis/bot/v3/info")).body["bot"])
    assert info["open_id"] == feishu.open_id(feishu.app)


async def test_files_go_up_and_come_down_within_their_limits(feishu: LoopbackFeishu, client: Client) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 10
    key = string((await client.upload("image", png, image_type="message")).data["image_key"])
    sent = post_in(feishu, await client.send("general", {"image_key": key}, "image"))
    down = await client("GET", f"{IM}/messages/{sent.id}/resources/{key}", query={"type": "image"})
    assert down.raw == png
    assert (await client.upload("image", b"text", image_type="message")).code == 234011
    assert (await client.upload("image", b"", image_type="message")).code == 234010
    assert (await client.upload("image", png + b"0" * (10 << 20), image_type="message")).code == 234006
    assert (await client.upload("file", b"x", file_type="zip", file_name="a")).code == 234001
    assert (await client.upload("file", b"0" * ((30 << 20) + 1), file_type="stream", file_name="a")).code == 234006
    file = string((await client.upload("file", b"data", file_type="stream", file_name="ü.txt")).data["file_key"])
    assert post_in(feishu, await client.send("general", {"file_key": file}, "file")).shown == "[file: ü.txt]"
    assert (await client.send("general", {"file_key": file}, "audio")).code == 230055
    assert (await client.send("general", {"file_key": "file_none"}, "file")).code == 230001


async def test_resources_belong_to_their_message(feishu: LoopbackFeishu, client: Client) -> None:
    file = feishu.file("alice", "notes.txt", b"notes")
    sent, other = await feishu.send("alice", "general", file), await feishu.say("alice", "general", "no file")

    async def get(message: str, kind: str = "file") -> int:
        return (await client("GET", f"{IM}/messages/{message}/resources/{file.key}", query={"type": kind})).code

    down = await client("GET", f"{IM}/messages/{sent.id}/resources/{file.key}", query={"type": "file"})
    assert down.raw == b"notes"
    assert "notes.txt" in down.headers["content-disposition"]
    assert await get(other.id) == 234003
    assert await get(sent.id, "image") == 234003
    assert await get((await feishu.say("alice", "random", "x")).id) == 234004
    shown = post_in(feishu, await client.send("general", card(markdown("x")), "interactive"))
    assert await get(shown.id) == 234043

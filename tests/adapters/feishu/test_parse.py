"""Payloads as Feishu documents them, and the messages they are."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from adapters.feishu.parse import (
    Me,
    deleted,
    delivery_of,
    fingerprint,
    may_follow_up,
    parse,
    quoted,
    recalled,
    written,
)
from adapters.feishu.plain import said
from adapters.feishu.wire import Delivery, Json, Listed, Mention, Written, read, seconds
from botkit.model import Conversation

SAMPLES = Path(__file__).parent / "samples"
TOM = "ou_84aad35d084aa403a838cf73ee18467"
ME = Me("feishu", "ou_bot", "cli_9f5343c580712544")
MENTIONS: list[Mention] = [
    {"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "Claude"},
    {"key": "@_user_2", "id": {"open_id": TOM}, "name": "Tom"},
]
CODE_POST = {"content": [[{"tag": "code_block", "language": "PYTHON", "text": "x = 1\n"}]]}


def sample(name: str) -> Json:
    return msgspec.json.decode((SAMPLES / f"{name}.json").read_bytes(), type=Json)


def payload(name: str) -> Json:
    found: Json = sample(name)["payload"]
    return found


def delivery(name: str = "message", *, sender: str = "user", **message: object) -> Delivery:
    """A documented example, with changes to its message."""
    found = payload(name)
    if "message" in found["event"]:
        found["event"]["message"] |= message
        found["event"]["sender"]["sender_type"] = sender
    shaped = read(found, Delivery)
    assert shaped is not None
    return shaped


def text(words: str) -> str:
    return msgspec.json.encode({"text": words}).decode()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_names_its_source(path: Path) -> None:
    assert re.match(r"https://", str(sample(path.stem)["source"]))


def test_the_documented_message_is_read() -> None:
    message = parse(delivery(), ME)
    assert message is not None
    assert message.id == "om_5ce6d572455d361153b7cb51da133945"
    assert message.text == "@Tom hello"
    assert message.author.id == TOM
    assert message.sent_at == 1609073151.345
    assert message.conversation == Conversation(
        "feishu", "2ca1d211f64f6438", "oc_5ce6d572455d361153b7xx51da133945", "om_5ce6d572455d361153b7cb5xxfsdfsdfdsf"
    )
    assert not message.addressed


def test_a_mention_of_the_bot_addresses_it_and_is_not_part_of_the_text() -> None:
    message = parse(delivery(mentions=MENTIONS, content=text("@_user_1 ask @_user_2, please")), ME)
    assert message is not None
    assert (message.addressed, message.text) == (True, "ask @Tom, please")


def test_everybody_is_not_the_bot() -> None:
    message = parse(delivery(mentions=None, content=text("@_all lunch?")), ME)
    assert message is not None
    assert (message.addressed, message.text) == (False, "@everyone lunch?")


def test_a_message_outside_of_topics_begins_one() -> None:
    for given in (delivery(thread_id=None), delivery(root_id=None, parent_id=None)):
        message = parse(given, ME)
        assert message is not None
        assert message.conversation.thread == message.id


def test_direct_messages_are_one_conversation_and_their_topics_others() -> None:
    plainly = parse(delivery(chat_type="p2p", thread_id=None), ME)
    in_topic = parse(delivery(chat_type="p2p"), ME)
    assert plainly is not None
    assert in_topic is not None
    assert (plainly.addressed, plainly.conversation.direct, plainly.conversation.thread) == (True, True, "")
    assert in_topic.conversation.thread == "om_5ce6d572455d361153b7cb5xxfsdfsdfdsf"


def test_what_no_person_wrote_is_no_message() -> None:
    assert parse(delivery(sender="app"), ME) is None
    assert parse(delivery(message_id=""), ME) is None
    assert parse(delivery(), Me("feishu", TOM, "cli")) is None, "its own message"
    assert parse({"header": {"event_type": "im.chat.updated_v1"}}, ME) is None


def test_the_quoted_message_is_known() -> None:
    assert quoted(written(delivery())) == "", "it stands in the topic, no more"
    assert quoted(written(delivery(parent_id="om_other"))) == "om_other"
    assert quoted(written(delivery(thread_id=None))) == "om_5ce6d572455d361153b7cb5xxfsdfsdfdsf"
    assert quoted(written(delivery(parent_id=None))) == ""


@pytest.mark.parametrize(
    ("words", "kind", "follows"),
    [
        ("and then?", "text", True),
        ("@_user_2 what do you think", "text", False),
        ("ask @_user_2 then", "text", True),
        ("@_all look", "text", True),
    ],
)
def test_who_begins_with_somebody_else_does_not_mean_the_bot(words: str, kind: str, follows: bool) -> None:
    given = delivery(mentions=MENTIONS[1:], content=text(words), message_type=kind)
    message = parse(given, ME)
    assert message is not None
    assert may_follow_up(message, written(given), ME) is follows


def test_a_recall_names_the_message_only() -> None:
    assert recalled(delivery("recalled")) == "om_5ce6d572455d361153b7cb51da133945"
    assert recalled(delivery()) == ""
    before = parse(delivery(), ME)
    assert before is not None
    after = deleted(before)
    assert (after.kind, after.reply_to, after.text) == ("deleted", before.id, "")
    assert after.id != before.id


def test_a_press_is_the_command_of_its_button() -> None:
    given = payload("card_action")
    given["event"]["action"]["value"] = {"botkit": "/allow r1", "topic": "om_t", "direct": False}
    message = parse(read(given, Delivery) or {}, ME)
    assert message is not None
    assert (message.kind, message.text, message.reply_to) == ("action", "/allow r1", "om_574d639e4a44e4dd646eaf628e2")
    assert message.conversation == Conversation("feishu", "2df73991750", "oc_e4d2605ca917e695f54f11aaf56", "om_t")
    assert message.sent_at == 1603977298.0, "callbacks count in microseconds"
    assert parse(delivery("card_action"), ME) is None, "somebody else's button"


def test_a_value_that_comes_as_text_is_read_as_well() -> None:
    given = payload("card_action")
    value = msgspec.json.encode({"botkit": "/stop", "topic": "", "direct": True}).decode()
    for wrapped in (value, msgspec.json.encode(value).decode()):
        given["event"]["action"]["value"] = wrapped
        message = parse(read(given, Delivery) or {}, ME)
        assert message is not None
        assert (message.text, message.conversation.direct) == ("/stop", True)


def test_a_repeat_under_another_id_has_the_same_fingerprint() -> None:
    assert fingerprint(delivery()) == fingerprint(delivery(message_id="om_new"))
    assert fingerprint(delivery()) != fingerprint(delivery(create_time="1609073151346"))
    assert fingerprint(delivery()) != fingerprint(delivery(content=text("another")))
    assert fingerprint(delivery("recalled")) == ""


def test_a_message_of_a_history_is_the_event_it_would_have_been() -> None:
    listed: Listed = {
        "message_id": "om_5ce6d572455d361153b7cb51da133945",
        "root_id": "om_5ce6d572455d361153b7cb5xxfsdfsdfdsf",
        "thread_id": "omt_d4be107c616",
        "msg_type": "text",
        "create_time": "1609073151345",
        "chat_id": "oc_5ce6d572455d361153b7xx51da133945",
        "sender": {"id": TOM, "sender_type": "user"},
        "body": {"content": '{"text":"@_user_1 hello"}'},
        "mentions": [{"key": "@_user_1", "id": TOM, "name": "Tom"}],
    }
    assert parse(delivery_of(listed, space="2ca1d211f64f6438", direct=False), ME) == parse(delivery(), ME)


@pytest.mark.parametrize(
    ("kind", "content", "shown", "files"),
    [
        ("text", '{"text":"@_user_1 hi"}', "hi", []),
        ("text", '{"text":"@_user_10 and @_user_2"}', "@_user_10 and @Tom", []),
        ("text", "no json", "", []),
        ("image", payload("image"), "", [("image", "image_key", "image.png")]),
        ("file", payload("file"), "", [("file", "75235e0c-4f92-430a-a99b-8446610223cg", "测试.txt")]),
        ("audio", payload("audio"), "", [("file", "75235e0c-4f92-430a-a99b-8446610223cg", "voice.opus")]),
        ("media", payload("media"), "", [("file", "75235e0c-4f92-430a-a99b-8446610223cg", "测试视频.mp4")]),
        ("interactive", payload("interactive"), "**卡片标题**\n按钮 第一行 第二行", []),
        ("location", payload("location"), "[location: xx-office]", []),
        ("merge_forward", payload("merge_forward"), "[forwarded messages]", []),
        ("sticker", {"file_key": "x"}, "[sticker]", []),
        ("post", CODE_POST, "```python\nx = 1\n```", []),
        ("post", {"en_us": {"title": "T", "content": [[{"tag": "text", "text": "x"}]]}}, "**T**\n\nx", []),
        ("post", {"title": "", "content": "no"}, "", []),
        ("never heard of", {}, "", []),
    ],
)
def test_each_kind_of_content_is_read(
    kind: str, content: Json | str, shown: str, files: list[tuple[str, str, str]]
) -> None:
    raw = content if isinstance(content, str) else msgspec.json.encode(content).decode()
    found = said(kind, raw, MENTIONS, me="ou_bot")
    assert found.text == shown
    assert [(piece.type, piece.key, piece.name) for piece in found.files] == files


def test_the_documented_rich_text_is_read() -> None:
    found = said("post", msgspec.json.encode(payload("post")).decode(), MENTIONS[1:], me="ou_bot")
    assert found.text.startswith("**我是一个标题**\n\n**第一行 :**[超链接](http://www.feishu.cn)")
    assert "**第二行:**文本测试" in found.text
    assert "```go\nfunc main() int64 {" in found.text
    assert [piece.type for piece in found.files] == ["image", "file"]


def test_attachments_are_named_by_where_they_stand() -> None:
    content = msgspec.json.encode(payload("file")).decode()
    message = parse(delivery(message_type="file", content=content), ME)
    assert message is not None
    (file,) = message.attachments
    assert file.id == f"{message.id}/file/75235e0c-4f92-430a-a99b-8446610223cg"


def test_times_that_are_none_are_the_beginning() -> None:
    assert (seconds("1500"), seconds(""), seconds("-1"), seconds("²")) == (1.5, 0.0, 0.0, 0.0)
    assert written({}) == Written()

"""What the loopback Feishu tells an app, by long connection, and again when it is not acknowledged."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
import pytest

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.frames import CONTROL, DATA, Frame, decode_frame
from adapters.feishu.testing.wire import Json, decoded, mapping, mappings, string
from tests.adapters.feishu.loopback import attempted, endpoint, line_of


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(ack_seconds=0.3, limits=False) as loopback:
        yield loopback


def message(event: Json) -> Json:
    return mapping(mapping(event.get("event")).get("message"))


async def test_what_people_say_arrives_as_documented(feishu: LoopbackFeishu) -> None:
    async with line_of(feishu) as line:
        said = await feishu.say("alice", "general", "@claude ask @bob, @all")
        await feishu.until(lambda: line.events)
    header, body = mapping(line.events[0]["header"]), message(line.events[0])
    assert (header["event_type"], header["token"]) == ("im.message.receive_v1", feishu.app.verification_token)
    assert body["content"] == '{"text":"@_user_1 ask @_user_2, @_all"}'
    assert (body["message_id"], body["chat_type"], body["create_time"]) == (said.id, "group", str(said.created))
    assert [(one["key"], one["name"]) for one in mappings(body["mentions"])] == [
        ("@_user_1", "claude"),
        ("@_user_2", "bob"),
    ]
    assert mapping(mappings(body["mentions"])[0]["id"])["open_id"] == feishu.open_id(feishu.app)
    sender = mapping(mapping(mapping(line.events[0]["event"])["sender"])["sender_id"])
    assert (sender["open_id"], sender["user_id"]) == (feishu.open_id("alice"), None)
    feishu.assert_clean()


async def test_only_what_the_scopes_allow_is_heard(feishu: LoopbackFeishu) -> None:
    feishu.app.scopes -= {"im:message.group_msg"}
    async with line_of(feishu) as line:
        await feishu.say("alice", "general", "not for you")
        await feishu.say("alice", "random", "@claude not there")
        await feishu.say("alice", "general", "@claude for you")
        await feishu.say("alice", feishu.p2p("alice"), "direct")
        await feishu.until(lambda: len(line.events) == 2)
        await feishu.settled()
    assert {string(message(event)["content"]) for event in line.events} == {
        '{"text":"@_user_1 for you"}',
        '{"text":"direct"}',
    }
    assert {message(event)["chat_type"] for event in line.events} == {"group", "p2p"}


async def test_files_images_audio_and_rich_texts_are_said(feishu: LoopbackFeishu) -> None:
    image = feishu.image("alice", b"\x89PNG\r\n\x1a\n")
    async with line_of(feishu) as line:
        await feishu.send("alice", "general", feishu.file("alice", "a.txt", b"a"))
        await feishu.send("alice", "general", image)
        await feishu.send("alice", "general", feishu.file("alice", "v", b"v", "opus", 1500))
        post = await feishu.write("alice", "general", ["hi @claude", image], title="T")
        await feishu.until(lambda: len(line.events) == 4)
    by_kind = {
        string(message(one)["message_type"]): mapping(decoded(string(message(one)["content"]))) for one in line.events
    }
    assert by_kind["file"]["file_name"] == "a.txt"
    assert by_kind["image"]["image_key"] == image.key
    assert by_kind["audio"]["duration"] == 1500
    assert by_kind["post"]["content"] == [
        [
            {"tag": "text", "text": "hi ", "style": []},
            {"tag": "at", "user_id": "@_user_1", "user_name": "claude", "style": []},
        ],
        [{"tag": "img", "image_key": image.key}],
    ]
    assert post.shown == "T\nhi @claude\n[img]"


async def test_threads_recalls_edits_and_joining_are_told_as_feishu_tells_them(feishu: LoopbackFeishu) -> None:
    other = feishu.install("other")
    async with line_of(feishu) as line, line_of(feishu, other) as theirs:
        topic = await feishu.say("alice", "topics", "topic")
        await feishu.until(lambda: line.events)
        assert message(line.events[0])["chat_type"] == "topic_group"
        assert message(line.events[0])["thread_id"] == topic.thread_id
        answer = await feishu.say("bob", "topics", "answer", thread=topic)
        await feishu.until(lambda: len(line.events) == 2)
        assert message(line.events[1])["root_id"] == topic.id
        await feishu.edit(answer, "edited")
        await feishu.recall(answer)
        await feishu.until(lambda: len(line.events) == 3)
        recalled = mapping(line.events[2]["event"])
        assert (line.kinds()[2], recalled["message_id"]) == ("im.message.recalled_v1", answer.id)
        await feishu.add(other, "general")
        await feishu.until(lambda: theirs.events)
        assert theirs.kinds() == ["im.chat.member.bot.added_v1"]
        await feishu.settled()
    assert len(line.events) == 3
    assert answer.updated
    feishu.assert_clean()


async def test_each_event_goes_to_one_client_only(feishu: LoopbackFeishu) -> None:
    async with line_of(feishu) as one, line_of(feishu) as two:
        await feishu.connected(2)
        for number in range(20):
            await feishu.say("alice", "general", f"{number}")
        await feishu.settled()
    assert len(one.events) + len(two.events) == 20
    assert one.events
    assert two.events


async def test_an_event_nobody_acknowledged_comes_again_when_the_clock_says_so(feishu: LoopbackFeishu) -> None:
    async with line_of(feishu) as line:
        line.silent = True
        await feishu.say("alice", "general", "hello")
        await feishu.until(lambda: feishu.unacked)
        line.silent, line.code = False, 500
        feishu.advance(15)
        await feishu.until(lambda: len(feishu.deliveries[0].attempts) == 2)
        line.code = 200
        feishu.advance(300)
        await feishu.settled()
    assert [attempt.problem for attempt in feishu.deliveries[0].attempts] == ["timeout", "code 500", ""]
    assert len({string(mapping(event["header"])["event_id"]) for event in line.events}) == 1
    assert len(line.events) == 3


async def test_what_is_said_while_nobody_is_connected_is_kept_and_given_up_after_hours(feishu: LoopbackFeishu) -> None:
    await feishu.say("alice", "general", "anybody?")
    for number, wait in enumerate((15, 300, 3600), 1):
        await attempted(feishu, number)
        feishu.advance(wait)
    await feishu.until(lambda: len(feishu.deliveries[0].attempts) == 4)
    async with line_of(feishu) as line:
        feishu.advance(21600)
        await feishu.until(lambda: line.events)
    assert feishu.deliveries[0].acked
    feishu.assert_clean()


async def test_a_long_event_comes_in_pieces_and_pings_are_answered() -> None:
    async with LoopbackFeishu(fragment=200) as feishu, line_of(feishu) as line:
        await line.ping()
        await feishu.say("alice", "general", "long " * 200)
        await feishu.until(lambda: line.events and line.pongs)
        assert [frame.headers["seq"] for frame in line.frames if frame.method == DATA][:3] == ["0", "1", "2"]
        assert line.pongs[0]["PingInterval"] == 1
        feishu.assert_clean()


async def test_bad_frames_are_noticed(feishu: LoopbackFeishu) -> None:
    async with line_of(feishu) as line:
        await line.socket.send_str("text")
        await line.socket.send_bytes(b"\xff\xff")
        await line.socket.send_bytes(Frame(CONTROL, 1, {"type": "ping"}).encode())
        await line.socket.send_bytes(Frame(DATA, 1, {"message_id": "x"}, b'{"code":200}').encode())
        await feishu.until(lambda: len(feishu.violations) == 5)


def test_frames_are_read_as_they_are_written() -> None:
    frame = Frame(DATA, 33554678, {"type": "event", "sum": "1"}, b"\x00payload" * 100, sequence=7, log=2**63 - 1)
    assert decode_frame(frame.encode()) == frame
    with pytest.raises(ValueError, match="required"):
        decode_frame(b"")
    with pytest.raises(ValueError, match="cut short"):
        decode_frame(frame.encode()[:-1])


async def test_connecting_is_refused_with_the_reason_in_headers(feishu: LoopbackFeishu) -> None:
    async with aiohttp.ClientSession() as session:
        stranger = feishu.install("stranger")
        stranger.secret, secret = "wrong", stranger.secret
        url = string((await endpoint(feishu, session, stranger)).data.get("URL"))
        stranger.secret = secret
        async with session.ws_connect(url):
            await feishu.connected(app=stranger)
        with pytest.raises(aiohttp.WSServerHandshakeError) as again:
            await session.ws_connect(url)
        assert again.value.headers is not None
        assert again.value.headers["handshake-status"] == "514"
        feishu.refuse()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(string((await endpoint(feishu, session)).data.get("URL")))
        assert refused.value.headers is not None
        assert refused.value.headers["handshake-status"] == "403"
        body = {"AppID": feishu.app.id, "AppSecret": "no"}
        async with session.post(f"{feishu.url}/callback/ws/endpoint", json=body) as answer:
            assert mapping(decoded(await answer.read()))["code"] == 10014
        feishu.fault("ws.endpoint", "error", code=1000040343)
        assert (await endpoint(feishu, session)).code == 1000040343


async def test_at_most_fifty_connections_of_one_app(feishu: LoopbackFeishu) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        kept = [await session.ws_connect(string((await endpoint(feishu, session)).data["URL"])) for _ in range(50)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(string((await endpoint(feishu, session)).data["URL"]))
        assert refused.value.headers is not None
        assert refused.value.headers["handshake-autherrcode"] == "1000040350"
        assert feishu.connections() == len(kept)


async def test_scripted_trouble_of_deliveries(feishu: LoopbackFeishu) -> None:
    def heard() -> list[str]:
        return [string(message(event)["content"])[9:-2] for event in line.events]

    async with line_of(feishu) as line:
        feishu.fault("events", "drop")
        feishu.fault("events", "reorder")
        feishu.fault("events", "duplicate", skip=1)
        for text in ("lost", "late", "early", "twice"):
            await feishu.say("alice", "general", text)
        await feishu.until(lambda: len(line.events) == 4)
        assert sorted(heard()) == ["early", "late", "twice", "twice"]
        assert heard().index("early") < heard().index("late")
        for kind in ("replay", "renamed"):
            line.events.clear()
            feishu.fault("events", kind)
            await feishu.say("alice", "general", kind)
            await feishu.until(lambda: len(line.events) == 2)
            ids = {string(mapping(event["header"])["event_id"]) for event in line.events}
            named = {string(message(event)["message_id"]) for event in line.events}
            times = {string(message(event)["create_time"]) for event in line.events}
            assert (len(ids), len(named), len(times)) == (2, 1 if kind == "replay" else 2, 1)
        feishu.fault("events", "disconnect")
        await feishu.say("alice", "general", "cut")
        await feishu.until(lambda: feishu.connections() == 0)
    async with line_of(feishu) as line:
        feishu.advance(15)
        await feishu.until(lambda: line.events)
        assert heard() == ["cut"]

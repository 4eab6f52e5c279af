"""The loopback Feishu with the official SDK (lark-oapi) at its door: whatever the SDK does right is let through."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import IO

import pytest
from aiohttp import web

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.wire import Json, compact, decoded, mapping, mappings, string
from tests.adapters.feishu.loopback import button, card, markdown

ROOT = Path(__file__).parents[3]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n0000").decode()


class Sdk:
    """The process with the SDK."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    async def __call__(self, do: str, **line: object) -> Json:
        answer = await asyncio.wait_for(asyncio.to_thread(self._ask, {"do": do, **line}), 30)
        assert "problem" not in answer, answer
        return answer

    def _ask(self, line: Json) -> Json:
        self._stdin.write(compact(line) + "\n")
        self._stdin.flush()
        return mapping(decoded(self._stdout.readline()))

    async def data(self, method: str, request: str, **more: object) -> Json:
        """What a method answers, that succeeded."""
        answer = await self("call", method=method, request=request, **more)
        assert answer["code"] == 0, answer
        return mapping(answer["data"])


@pytest.fixture(scope="module")
def process() -> Generator[Sdk]:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.feishu.sdk_process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    with running:
        yield Sdk(running.stdin, running.stdout)
        running.kill()


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(limits=False) as loopback:
        yield loopback


@pytest.fixture
async def sdk(feishu: LoopbackFeishu, process: Sdk) -> Sdk:
    await begin(feishu, process)
    return process


async def begin(feishu: LoopbackFeishu, sdk: Sdk) -> None:
    app = feishu.app
    secrets = {"encrypt_key": app.encrypt_key, "verification_token": app.verification_token}
    await sdk("begin", id=app.id, secret=app.secret, url=feishu.url, **secrets)


@pytest.mark.parametrize("twin", [False, True], ids=["sync", "async"])
async def test_messages_files_and_history_by_the_sdk(feishu: LoopbackFeishu, sdk: Sdk, twin: bool) -> None:
    said = await feishu.say("alice", "general", "@claude hello")

    async def do(method: str, request: str, fields: Json | None = None, body: Json | None = None) -> Json:
        more: Json = {"fields": fields or {}, "body": body, "async": twin}
        return await sdk.data(f"im.v1.{method}", request, **more)

    chat = feishu.group("general").id
    body: Json = {"receive_id": chat, "msg_type": "text", "content": '{"text":"one"}', "uuid": "u1"}
    one = await do("message.create", "CreateMessage", {"receive_id_type": "chat_id"}, body)
    again = await do("message.create", "CreateMessage", {"receive_id_type": "chat_id"}, body)
    assert one["message_id"] == again["message_id"]
    shown: Json = {"msg_type": "interactive", "content": compact(card(markdown("two"))), "reply_in_thread": True}
    two = await do("message.reply", "ReplyMessage", {"message_id": said.id}, shown)
    patched: Json = {"content": compact(card(markdown("three")))}
    await do("message.patch", "PatchMessage", {"message_id": two["message_id"]}, patched)
    edited: Json = {"msg_type": "text", "content": '{"text":"one, edited"}'}
    await do("message.update", "UpdateMessage", {"message_id": one["message_id"]}, edited)
    assert feishu.screen("general") == "alice: @claude hello\nclaude: one, edited\nclaude: three"
    thread: Json = {"container_id_type": "thread", "container_id": two["thread_id"], "page_size": 10}
    assert len(mappings((await do("message.list", "ListMessage", thread))["items"])) == 2
    found = mappings((await do("message.get", "GetMessage", {"message_id": said.id}))["items"])[0]
    assert mappings(found["mentions"])[0]["name"] == "claude"
    image = await do("image.create", "CreateImage", None, {"image_type": "message", "image": {"base64": PNG}})
    content = compact({"image_key": image["image_key"]})
    body = {"receive_id": chat, "msg_type": "image", "content": content}
    sent = await do("message.create", "CreateMessage", {"receive_id_type": "chat_id"}, body)
    wanted: Json = {"message_id": sent["message_id"], "file_key": image["image_key"], "type": "image"}
    down = await sdk(
        "call", method="im.v1.message_resource.get", request="GetMessageResource", fields=wanted, **{"async": twin}
    )
    assert down["file"] == PNG
    file: Json = {"file_type": "stream", "file_name": "a.txt", "file": {"base64": PNG}}
    assert string((await do("file.create", "CreateFile", None, file))["file_key"]).startswith("file_")
    await do("message.delete", "DeleteMessage", {"message_id": two["message_id"]})
    refused = await sdk("call", method="im.v1.message.get", request="GetMessage", fields={"message_id": "om_no"})
    assert (refused["code"], "invalid message_id" in str(refused["msg"])) == (230001, True)
    feishu.assert_clean()


async def test_a_card_streams_by_the_sdk(feishu: LoopbackFeishu, sdk: Sdk) -> None:
    data = compact(card(markdown(""), streaming_mode=True))
    made = await sdk.data("cardkit.v1.card.create", "CreateCard", body={"type": "card_json", "data": data})
    content = compact({"type": "card", "data": {"card_id": made["card_id"]}})
    body: Json = {"receive_id": feishu.group("general").id, "msg_type": "interactive", "content": content}
    await sdk.data("im.v1.message.create", "CreateMessage", fields={"receive_id_type": "chat_id"}, body=body)
    fields: Json = {"card_id": made["card_id"], "element_id": "body"}
    for sequence, text in enumerate(("Hel", "Hello"), 1):
        update: Json = {"content": text, "sequence": sequence, "uuid": f"u{sequence}"}
        await sdk.data("cardkit.v1.card_element.content", "ContentCardElement", fields=fields, body=update)
    late = await sdk(
        "call",
        method="cardkit.v1.card_element.content",
        request="ContentCardElement",
        fields=fields,
        body={"content": "Hell", "sequence": 2},
    )
    assert late["code"] == 300317
    settings: Json = {"settings": compact({"config": {"streaming_mode": False}}), "sequence": 3}
    await sdk.data("cardkit.v1.card.settings", "SettingsCard", fields={"card_id": made["card_id"]}, body=settings)
    whole: Json = {
        "card": {"model": "Card", "type": "card_json", "data": compact(card(markdown("End")))},
        "sequence": 4,
    }
    await sdk.data("cardkit.v1.card.update", "UpdateCard", fields={"card_id": made["card_id"]}, body=whole)
    [post] = feishu.messages("general")
    assert [version.shown for version in post.versions] == ["", "Hel", "Hello", "End"]
    feishu.assert_clean()


async def test_the_sdks_dispatcher_opens_what_is_posted(feishu: LoopbackFeishu, sdk: Sdk) -> None:
    feishu.app.encrypt_key = "test key"
    await begin(feishu, sdk)

    async def receive(request: web.Request) -> web.Response:
        body = base64.b64encode(await request.read()).decode()
        answer = await sdk("dispatch", body=body, headers=dict(request.headers))
        return web.Response(status=int(str(answer["status"])), text=string(answer["body"]))

    application = web.Application()
    application.router.add_post("/", receive)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await feishu.subscribe(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        said = await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.settled()
    finally:
        await runner.cleanup()
    event = mapping(mapping((await sdk("hear"))["event"])["event"])
    assert mapping(event["message"])["message_id"] == said.id
    assert feishu.deliveries[0].response == {"msg": "success"}
    feishu.assert_clean()


async def test_the_sdks_long_connection_hears_answers_and_comes_back(feishu: LoopbackFeishu, sdk: Sdk) -> None:
    """Last: the SDK can only have one long connection in a process, and never ends it."""
    await sdk("connect")
    await feishu.connected(within=20)
    said = await feishu.say("alice", "general", "@claude hello " + "long " * 20_000)
    event = mapping(mapping((await sdk("hear"))["event"])["event"])
    assert mapping(event["message"])["message_id"] == said.id
    body: Json = {
        "receive_id": feishu.group("general").id,
        "msg_type": "interactive",
        "content": compact(card(markdown("press"), button("Go"))),
    }
    sent = await sdk.data("im.v1.message.create", "CreateMessage", fields={"receive_id_type": "chat_id"}, body=body)
    post = feishu.group("general").posts[string(sent["message_id"])]
    press = await feishu.press("alice", post, "Go")
    assert (press.toast, press.error, post.shown) == ("pressed", 0, "answered by the SDK")
    await sdk("hear")
    await feishu.disconnect()
    await feishu.until(lambda: not feishu.connections())
    await feishu.connected(within=10)
    again = await feishu.say("alice", "general", "@claude again")
    event = mapping(mapping((await sdk("hear"))["event"])["event"])
    assert mapping(event["message"])["message_id"] == again.id
    await feishu.settled()
    feishu.assert_clean()

"""The loopback Feishu with plain HTTP at its door: calls by hand, and a long connection as the SDKs speak it."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from adapters.feishu.testing import App, Card, LoopbackFeishu, Post
from adapters.feishu.testing.frames import CONTROL, DATA, Frame, decode_frame
from adapters.feishu.testing.wire import Json, compact, decoded, encode, mapping, number, string

IM, KIT = "/open-apis/im/v1", "/open-apis/cardkit/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Json
    headers: dict[str, str]
    raw: bytes

    @property
    def code(self) -> int:
        return number(self.body.get("code"))

    @property
    def message(self) -> str:
        return string(self.body.get("msg"))

    @property
    def data(self) -> Json:
        return mapping(self.body.get("data"))


@dataclass(slots=True)
class Client:
    """An app at the REST API."""

    feishu: LoopbackFeishu
    app: App
    session: aiohttp.ClientSession
    token: str = ""

    async def __call__(
        self, method: str, path: str, body: object = None, query: dict[str, str] | None = None, timeout: float = 5.0
    ) -> Answer:
        if not self.token:
            await self.login()
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(
            method,
            self.feishu.url + path,
            data=None if body is None else encode(body),
            params=query,
            headers=headers | ({} if body is None else {"Content-Type": "application/json; charset=utf-8"}),
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as answer:
            return await read(answer)

    async def login(self) -> None:
        """Fetch the tenant access token."""
        body = {"app_id": self.app.id, "app_secret": self.app.secret}
        url = f"{self.feishu.url}/open-apis/auth/v3/tenant_access_token/internal"
        async with self.session.post(url, json=body) as answer:
            self.token = string((await read(answer)).body.get("tenant_access_token"))

    async def upload(self, kind: str, data: bytes, **fields: str) -> Answer:
        """`kind` is "image" or "file"."""
        if not self.token:
            await self.login()
        form = aiohttp.FormData()
        for name, value in fields.items():
            form.add_field(name, value)
        form.add_field(kind, io.BytesIO(data), filename="a")
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(f"{self.feishu.url}{IM}/{kind}s", data=form, headers=headers) as answer:
            return await read(answer)

    async def send(self, chat: str, content: Json, kind: str = "text", **more: object) -> Answer:
        """Create a message in the chat of that name or id."""
        where = self.feishu.directory.find_chat(chat).id
        body: Json = {"receive_id": where, "msg_type": kind, "content": compact(content), **more}
        return await self("POST", f"{IM}/messages", body, {"receive_id_type": "chat_id"})

    async def reply(self, post: Post, content: Json, kind: str = "text", **more: object) -> Answer:
        body: Json = {"msg_type": kind, "content": compact(content), **more}
        return await self("POST", f"{IM}/messages/{post.id}/reply", body)

    async def patch(self, post: Post, card: Json) -> Answer:
        return await self("PATCH", f"{IM}/messages/{post.id}", {"content": compact(card)})

    async def entity(self, card: Json) -> Answer:
        """Create a card entity."""
        return await self("POST", f"{KIT}/cards", {"type": "card_json", "data": compact(card)})

    async def content(self, card: Card, text: str, sequence: int, element: str = "body", **more: object) -> Answer:
        """Stream a text into an element."""
        path = f"{KIT}/cards/{card.id}/elements/{element}/content"
        return await self("PUT", path, {"content": text, "sequence": sequence, **more})

    async def settings(self, card: Card, config: Json, sequence: int, **more: object) -> Answer:
        body: Json = {"settings": compact({"config": config}), "sequence": sequence, **more}
        return await self("PATCH", f"{KIT}/cards/{card.id}/settings", body)


async def read(answer: aiohttp.ClientResponse) -> Answer:
    raw = await answer.read()
    return Answer(answer.status, mapping(decoded(raw)), {k.lower(): v for k, v in answer.headers.items()}, raw)


@asynccontextmanager
async def client_of(feishu: LoopbackFeishu, app: App | None = None) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(feishu, app or feishu.app, session)


def post_in(feishu: LoopbackFeishu, answer: Answer) -> Post:
    """The message an answer is about."""
    post = feishu.directory.find_post(string(answer.data.get("message_id")))
    assert post is not None, answer
    return post


def card(*elements: Json, **config: object) -> Json:
    """A card of schema 2.0."""
    return {"schema": "2.0", "config": {"update_multi": True, **config}, "body": {"elements": list(elements)}}


def markdown(text: str, element_id: str = "body") -> Json:
    return {"tag": "markdown", "content": text, "element_id": element_id}


def button(label: str, **value: object) -> Json:
    behaviors: list[Json] = [{"type": "callback", "value": value or {"do": label}}]
    return {"tag": "button", "text": {"tag": "plain_text", "content": label}, "behaviors": behaviors}


async def streaming(client: Client, chat: str = "general", text: str = "") -> Card:
    """A card entity in streaming mode, sent to a chat."""
    made = await client.entity(card(markdown(text), streaming_mode=True))
    card_id = string(made.data.get("card_id"))
    sent = await client.send(chat, {"type": "card", "data": {"card_id": card_id}}, "interactive")
    assert sent.code == 0, sent
    return client.feishu.directory.cards[card_id]


@dataclass(slots=True)
class Line:
    """One long connection: what came by it, and how it answers (`code`, `answer`, or not at all)."""

    socket: aiohttp.ClientWebSocketResponse
    service: int
    events: list[Json] = field(default_factory=list[Json])
    frames: list[Frame] = field(default_factory=list[Frame])
    pongs: list[Json] = field(default_factory=list[Json])
    code: int = 200
    answer: Json | None = None
    silent: bool = False
    first: Callable[[], Awaitable[None]] | None = None
    """What the app does before it answers."""
    _parts: dict[str, dict[int, bytes]] = field(default_factory=dict[str, dict[int, bytes]])

    async def ping(self) -> None:
        await self.socket.send_bytes(Frame(CONTROL, self.service, {"type": "ping"}).encode())

    async def run(self) -> None:
        async for message in self.socket:
            frame = decode_frame(message.data)
            self.frames.append(frame)
            if frame.method == CONTROL:
                self.pongs.append(mapping(decoded(frame.payload)))
            else:
                await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        parts = self._parts.setdefault(frame.headers["message_id"], {})
        parts[int(frame.headers["seq"])] = frame.payload
        if len(parts) < int(frame.headers["sum"]):
            return
        self.events.append(mapping(decoded(b"".join(parts[index] for index in sorted(parts)))))
        if self.first is not None:
            await self.first()
        if not self.silent:
            await self.socket.send_bytes(self._ack(frame).encode())

    def _ack(self, frame: Frame) -> Frame:
        body: Json = {"code": self.code}
        if self.answer is not None:
            body["data"] = base64.b64encode(encode(self.answer)).decode()
        return Frame(DATA, frame.service, {**frame.headers, "biz_rt": "1"}, encode(body), frame.sequence, frame.log)

    def kinds(self) -> list[str]:
        return [string(mapping(event.get("header")).get("event_type")) for event in self.events]


async def endpoint(feishu: LoopbackFeishu, session: aiohttp.ClientSession, app: App | None = None) -> Answer:
    app = app or feishu.app
    body = {"AppID": app.id, "AppSecret": app.secret}
    async with session.post(f"{feishu.url}/callback/ws/endpoint", json=body) as answer:
        return await read(answer)


@asynccontextmanager
async def line_of(feishu: LoopbackFeishu, app: App | None = None) -> AsyncGenerator[Line]:
    """A long connection that acknowledges what comes."""
    async with aiohttp.ClientSession() as session:
        url = string((await endpoint(feishu, session, app)).data.get("URL"))
        async with session.ws_connect(url) as socket:
            line = Line(socket, 33554678)
            running = asyncio.create_task(line.run())
            await feishu.connected(app=app)
            try:
                yield line
            finally:
                await socket.close()
                await running


async def attempted(feishu: LoopbackFeishu, times: int) -> None:
    """The first delivery has been tried that often."""
    await feishu.until(lambda: len(feishu.deliveries[0].attempts) == times)

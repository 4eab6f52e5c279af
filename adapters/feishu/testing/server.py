"""The strict loopback Feishu (and Lark): a tenant in this process that real Feishu clients talk to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from adapters.feishu.testing.building import Building, Timing, opened
from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.delivery import Delivery
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.events import ids
from adapters.feishu.testing.faults import Fault, Faults, Trouble
from adapters.feishu.testing.people import Press
from adapters.feishu.testing.record import ApiCall, Record, Violation
from adapters.feishu.testing.wire import Json
from adapters.feishu.testing.world import App, Chat, ChatKind, Person, Post, Resource, Speaker

T = TypeVar("T")
WITHIN = 5.0
"""Seconds a wait may take unless told otherwise."""
CLIENT: Json = {"ReconnectCount": -1, "ReconnectInterval": 1, "ReconnectNonce": 0, "PingInterval": 1}
"""What clients are told, in seconds; Feishu says 120 s, and a nonce of 30 s."""


class LoopbackFeishu:
    """`async with LoopbackFeishu() as feishu`: a tenant with the app `app`, alice, bob and carol.

    Groups: general (everybody and the app), random (without the app), secret (alice and the app); topics is a topic
    group with everybody and the app. `speed` quickens budgets, retries and lifetimes, `advance` puts the clock
    forward; the time for an acknowledgement is `ack_seconds` and real. `limits=False` switches rate budgets off.
    `fragment` is the payload of one frame of the long connection in bytes, `client` what clients are told about pings
    and reconnecting. People and chats may be given by object, id or name.
    """

    app: App

    def __init__(
        self,
        *,
        speed: float = 1.0,
        ack_seconds: float = 3.0,
        limits: bool = True,
        fragment: int = 64 * 1024,
        client: Json | None = None,
    ) -> None:
        self._clock = Clock(speed)
        self.directory, self.record, self.faults = Directory(self._clock), Record(), Faults()
        timing = Timing(ack_seconds, fragment, client or CLIENT, limits)
        self._building: Building | None = None
        self._opening = opened(self._clock, self.directory, self.record, self.faults, timing)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> LoopbackFeishu:
        self._building = await self._stack.enter_async_context(self._opening)
        everybody = [self.person(name) for name in ("alice", "bob", "carol")]
        self.app = self.install("claude")
        self.group("general", *everybody, self.app)
        self.group("random", *everybody)
        self.group("secret", everybody[0], self.app)
        self.group("topics", *everybody, self.app, kind="topic")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def inside(self) -> Building:
        if self._building is None:
            raise RuntimeError("use `async with LoopbackFeishu()`")
        return self._building

    @property
    def url(self) -> str:
        """The platform's address: `domain` of the SDKs, without `/open-apis`."""
        return self.inside.site.origin

    def install(self, name: str) -> App:
        """Another app with id, secret and bot of its own; it is in no chat yet."""
        return self.directory.app(name)

    def person(self, name: str) -> Person:
        """The person of that name, who comes into being when first asked for."""
        try:
            return self.directory.find_person(name)
        except KeyError:
            return self.directory.person(name)

    def open_id(self, who: Speaker | str, app: App | None = None) -> str:
        """The open_id under which an app knows a person (or a bot)."""
        speaker = self.directory.find_person(who) if isinstance(who, str) else who
        return self.directory.open_id(app or self.app, speaker)

    def group(self, name: str, *members: Speaker, kind: ChatKind = "group") -> Chat:
        """The group of that name; made, with these members, if there is none."""
        try:
            return self.directory.find_chat(name)
        except KeyError:
            return self.directory.chat(name, members, kind)

    def p2p(self, person: Person | str, app: App | None = None) -> Chat:
        """The direct messages between a person and the app."""
        return self.directory.direct(self.directory.find_person(person), app or self.app)

    def file(
        self, owner: Person | str, name: str, data: bytes, file_type: str = "stream", duration: int = 0
    ) -> Resource:
        """A file to `send`; "opus" makes it an audio message of so many milliseconds."""
        return self.inside.site.resource(self.directory.find_person(owner), name, data, file_type, duration)

    def image(self, owner: Person | str, data: bytes) -> Resource:
        """An image to `send`, or to put into a rich text."""
        return self.inside.site.resource(self.directory.find_person(owner), "image", data)

    async def say(
        self,
        person: Person | str,
        chat: Chat | str,
        text: str,
        answers: Post | None = None,
        *,
        thread: Post | None = None,
    ) -> Post:
        """Write text; its events are on their way when this returns. `@name` of a member mentions, `@all` everybody.

        `answers` quotes a message; `thread` answers in the thread of a message, which begins one if there is none.
        """
        who, where = self._both(person, chat)
        return self.inside.people.say(who, where, text, thread or answers, threaded=thread is not None)

    async def write(
        self,
        person: Person | str,
        chat: Chat | str,
        lines: Sequence[str | Resource],
        *,
        title: str = "",
        thread: Post | None = None,
    ) -> Post:
        """Write rich text ("post"): a paragraph for every line, images among them."""
        who, where = self._both(person, chat)
        return self.inside.people.rich(who, where, title, lines, thread, threaded=thread is not None)

    async def send(
        self, person: Person | str, chat: Chat | str, resource: Resource, *, thread: Post | None = None
    ) -> Post:
        """Send an image, an audio message or a file."""
        who, where = self._both(person, chat)
        return self.inside.people.attach(who, where, resource, thread, threaded=thread is not None)

    async def forward(self, person: Person | str, chat: Chat | str, posts: Sequence[Post]) -> Post:
        """Pass messages on, merged into one."""
        return self.inside.people.forward(*self._both(person, chat), posts)

    async def edit(self, post: Post, text: str) -> None:
        """A person changes their text. Feishu sends no event for it."""
        self.inside.people.edit(post, text)

    async def recall(self, post: Post) -> None:
        """A message is taken back by who wrote it."""
        self.inside.site.rooms.recall(post)

    async def press(self, person: Person | str, post: Post, wanted: str) -> Press:
        """Press the button with that label, name, element id or JSON value; returns when the app answered or failed."""
        return await self.inside.people.press(self.directory.find_person(person), post, wanted)

    async def enter(self, person: Person | str, app: App | None = None) -> Chat:
        """A person opens their direct messages with the bot."""
        who, of = self.directory.find_person(person), app or self.app
        chat = self.p2p(who, of)
        self.inside.site.courier.send(
            of,
            "im.chat.access_event.bot_p2p_chat_entered_v1",
            {"chat_id": chat.id, "operator_id": ids(self.directory, of, who)},
        )
        return chat

    async def add(self, app: App, chat: Chat | str, by: Person | str = "alice") -> None:
        """Somebody adds a bot to a group."""
        self.inside.site.rooms.enter(self.directory.find_chat(chat), app, self.directory.find_person(by))

    async def remove(self, app: App, chat: Chat | str, by: Person | str = "alice") -> None:
        """Somebody removes a bot from a group."""
        self.inside.site.rooms.leave(self.directory.find_chat(chat), app, self.directory.find_person(by))

    async def subscribe(self, url: str, app: App | None = None) -> None:
        """Save a request URL, verified first; from now on events go there. ValueError without the right echo."""
        await self.inside.hooks.verify(app or self.app, url)

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Bring the same event again, with the same event id."""
        return self.inside.site.courier.redeliver(delivery)

    def advance(self, seconds: float) -> None:
        """Put Feishu's clock forward: retries come due, tokens and streaming modes run out."""
        self._clock.advance(seconds)
        self.record.changed()

    def expire_tokens(self, app: App | None = None) -> None:
        """Tokens given out are good no more (99991663); the next call for one gives a new one."""
        of = app or self.app
        of.tokens.clear()
        of.token_until = 0.0

    async def disconnect(self, app: App | None = None, code: int = 1000) -> None:
        """Close the app's long connections in order."""
        await self.inside.site.sockets.disconnect(app or self.app, code)

    async def cut(self, app: App | None = None) -> None:
        """Break the app's long connections without a word."""
        self.inside.site.sockets.cut(app or self.app)

    def freeze(self, app: App | None = None) -> None:
        """Long connections turn into zombies: open, but no event comes and no ping is answered."""
        for link in self.inside.site.sockets.of(app or self.app):
            link.frozen = True

    def refuse(self, *, refusing: bool = True) -> None:
        """Take no new long connections (handshake-status 403)."""
        self.inside.site.sockets.refusing = refusing

    def connections(self, app: App | None = None) -> int:
        """How many long connections of the app are open."""
        return len(self.inside.site.sockets.of(app or self.app))

    async def connected(self, count: int = 1, app: App | None = None, within: float = WITHIN) -> None:
        await self.until(lambda: self.connections(app) >= count, within)

    def fault(
        self,
        route: str,
        kind: Trouble,
        times: int = 1,
        *,
        skip: int = 0,
        code: int = 0,
        status: int = 0,
        retry_after: float | None = 1.0,
        where: Callable[[Mapping[str, object]], bool] | None = None,
    ) -> Fault:
        """Script trouble for the next `times` calls of a route ("*": any), after `skip` of them.

        `where` sees the call's arguments (for `events`, the envelope). The long connection's address is asked for by
        the route `ws.endpoint`.
        """
        fault = Fault(route, kind, times, skip, code, status, retry_after, where)
        self.faults.waiting.append(fault)
        return fault

    def messages(self, chat: Chat | str, thread: Post | str | None = None) -> list[Post]:
        """What stands in a chat, or in one thread with its root. Oldest first, recalled ones left out."""
        room = self.directory.find_chat(chat)
        if thread is None:
            return room.living
        return room.thread(thread.thread_id if isinstance(thread, Post) else thread)

    def screen(self, chat: Chat | str, thread: Post | str | None = None) -> str:
        """What a person reads there: `name: text`, and "[生成中...]" under a card that is being generated."""
        lines: list[str] = []
        for post in self.messages(chat, thread):
            lines.append(f"{post.author.name}: {post.shown}")
            lines += [post.preview] if post.streaming else []
        return "\n".join(lines)

    async def until(self, predicate: Callable[[], T], within: float = WITHIN) -> T:
        """The predicate's first truthy value, asked again at each change. TimeoutError says what was seen instead."""
        return await self.record.until(predicate, within)

    async def settled(self, within: float = WITHIN) -> None:
        """Every delivery has been acknowledged or given up, no call is under way."""
        await self.until(
            lambda: all(delivery.finished for delivery in self.deliveries) and all(call.done for call in self.calls),
            within,
        )

    @property
    def calls(self) -> list[ApiCall]:
        return self.record.calls

    @property
    def deliveries(self) -> list[Delivery]:
        return self.inside.site.courier.deliveries

    @property
    def violations(self) -> list[Violation]:
        return self.record.violations

    @property
    def unacked(self) -> list[Delivery]:
        """Deliveries that were acknowledged too late, or refused, at least once."""
        return self.inside.site.courier.unacked

    @property
    def rate_limited(self) -> Counter[str]:
        """Calls refused by the real budgets, per route; scripted 429s do not count."""
        return self.inside.site.budgets.refused

    @property
    def deduplicated(self) -> int:
        """Messages sent again with the same uuid, and not posted again."""
        return self.inside.site.deduplicated

    def assert_clean(self) -> None:
        """AssertionError if the client broke a rule, ran into a budget, or left anything unacknowledged."""
        broken = [f"{violation.where}: {violation.what}" for violation in self.violations]
        broken += [f"{route}: {count} times rate limited" for route, count in self.rate_limited.items()]
        broken += [f"not acknowledged: {delivery.kind}" for delivery in self.unacked]
        if broken:
            raise AssertionError("\n".join(broken))

    def _both(self, person: Person | str, chat: Chat | str) -> tuple[Person, Chat]:
        return self.directory.find_person(person), self.directory.find_chat(chat)

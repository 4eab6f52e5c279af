"""Posts and edits messages on Discord, with buttons and files."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from functools import lru_cache

from adapters.discord.api import Api, Named
from adapters.discord.buckets import Route
from adapters.discord.components import Keys, components
from adapters.discord.format import discord_markdown
from adapters.discord.threads import Target, Threads
from adapters.discord.wire import Json, Written, read, read_all
from botkit.budget import Rank
from botkit.errors import TooLong, Unreachable
from botkit.model import Capabilities, Conversation, MessageRef, Outgoing
from botkit.pacing import Act

MESSAGES, MESSAGE = "/channels/{}/messages", "/channels/{}/messages/{}"
MOST = 2000
"""Characters of a message."""
FILES = 10
"""Files of one message."""
SUPPRESS_EMBEDS = 1 << 2
PAGE, PAGES = 100, 3
"""How far back `find` looks."""
REMEMBERED = 2000


class DiscordMessenger:
    """Can post and edit wherever the bot was invited to."""

    def __init__(self, api: Api, threads: Threads, keys: Keys, *, prefix: str) -> None:
        """`prefix`: what a typed command starts with."""
        self._api, self._threads, self.keys = api, threads, keys
        # Discord allows about five edits in five seconds; the headers say more exactly when it is fewer.
        self._capabilities = Capabilities(max_chars=MOST, edit_interval=1.2, command_prefix=prefix)
        # A text is measured before it is sent, and parsing one takes some milliseconds.
        self._rendered = lru_cache(64)(discord_markdown)
        self._seen: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._rank: Rank | None = "urgent"

    def paced(self) -> DiscordMessenger:
        """The same for replies: they have waited at the account's gate for the one request that a post or edit is."""
        made = copy(self)
        made._rank = None
        return made

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def render(self, markdown: str) -> str:
        return self._rendered(markdown)

    def size(self, rendered: str) -> int:
        """In code points, as Discord's own API counts: https://github.com/discord/discord-api-docs/issues/1315."""
        return len(rendered)

    def route(self, act: Act, conversation: Conversation) -> Route:
        """The call behind an act, for its limits."""
        channel = self._threads.channel(conversation)
        return self._api.route(*(("POST", MESSAGES, channel) if act == "post" else ("PATCH", MESSAGE, channel, "")))

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        target = await self._threads.target(conversation)
        body = self.body(outgoing, target)
        if outgoing.nonce:
            body |= {"nonce": nonce_of(outgoing.nonce), "enforce_nonce": True}
        if target.reply_to:
            body["message_reference"] = {"message_id": target.reply_to, "fail_if_not_exists": False}
        first, *others = _in_tens(outgoing.named) or [()]
        posted = await self._api.call("POST", MESSAGES, target.channel, json=body, files=first, rank=self._rank)
        ref = _ref(conversation, target, posted)
        for number, some in enumerate(others):
            more: Json = {"allowed_mentions": {"parse": []}}
            if outgoing.nonce:
                more |= {"nonce": nonce_of(f"{outgoing.nonce}.files{number}"), "enforce_nonce": True}
            await self._api.call("POST", MESSAGES, target.channel, json=more, files=some)
        return ref

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        channel, id = self._where(ref)
        target = Target(channel, ref.conversation.thread if "/" in ref.id else "")
        await self._api.call("PATCH", MESSAGE, channel, id, json=self.body(outgoing, target), rank=self._rank)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        target, wanted = await self._threads.target(conversation), nonce_of(nonce)
        seen = self._seen.get((target.channel, wanted))
        if seen is not None:
            return _ref(conversation, target, {"id": seen})
        query = {"limit": str(PAGE)}
        for _ in range(PAGES):
            page = read_all(await self._api.call("GET", MESSAGES, target.channel, query=query), Written)
            for posted in page:
                if posted.get("nonce") == wanted and posted.get("author", {}).get("bot"):
                    return _ref(conversation, target, {"id": posted.get("id", "")})
            if len(page) < PAGE:
                break
            query = {"limit": str(PAGE), "before": page[-1].get("id", "")}
        return None

    def saw(self, written: Written) -> None:
        """The gateway shows a message of our own: it is the one place that surely tells its nonce."""
        nonce = written.get("nonce")
        if isinstance(nonce, str):
            self._seen[written.get("channel_id", ""), nonce] = written.get("id", "")
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)

    def body(self, outgoing: Outgoing, target: Target) -> Json:
        """A message as the API takes it. `components` is always there: without it an edit would leave old buttons."""
        content = self.render(outgoing.text)
        if self.size(content) > MOST:
            raise TooLong(f"Discord takes at most {MOST} characters", code="50035")
        return {
            "content": content or ("" if outgoing.files else "…"),
            # Whatever the text says, it notifies nobody; without this Discord would find pings in it.
            "allowed_mentions": {"parse": []},
            "components": components(outgoing.actions, self.keys, target.reply_to),
            "flags": SUPPRESS_EMBEDS,
        }

    def _where(self, ref: MessageRef) -> tuple[str, str]:
        """The channel and the id of a message; the channel is in the ref where it is not the thread's."""
        channel, _, id = ref.id.rpartition("/")
        return channel or ref.conversation.thread or ref.conversation.channel, id


def nonce_of(nonce: str) -> str:
    """A nonce within the 25 characters that Discord takes."""
    return hashlib.sha256(nonce.encode()).hexdigest()[:25]


def _ref(conversation: Conversation, target: Target, posted: object) -> MessageRef:
    id = (read(posted, Written) or Written()).get("id", "")
    if not id:
        raise Unreachable("Discord named no message", acted=True)
    return MessageRef(conversation, f"{target.channel}/{id}" if target.reply_to else id)


def _in_tens(files: Sequence[Named]) -> list[Sequence[Named]]:
    return [files[start : start + FILES] for start in range(0, len(files), FILES)]

"""Posts and edits messages on Feishu: streaming cards, ordinary cards, and plain texts where cards are refused."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TypeVar

import structlog

from adapters.feishu import cards
from adapters.feishu.api import Api
from adapters.feishu.files import upload
from adapters.feishu.format import MOST_TABLES, Folded, card_blocks, card_markdown
from adapters.feishu.posts import Name, Posts
from adapters.feishu.reading import Reader
from adapters.feishu.refusals import TOO_LARGE, WHERE
from adapters.feishu.streams import Streams
from adapters.feishu.wire import Json
from botkit import texts
from botkit.errors import AdapterError, Gone, NotAllowed, TooLong
from botkit.model import Action, Capabilities, Conversation, MessageRef, Outgoing

log = structlog.get_logger("botkit.feishu")

_Value = TypeVar("_Value")

SMALL = 4096
"""Bytes; a text refused for its size although it is smaller than this is refused for something else."""
REMEMBERED = 2000
ASK_AGAIN = 600.0
"""Seconds without streaming cards after the platform refused to make one."""
STOP = Action(texts.STOP, "/stop")

# A card takes ten operations a second, a message five edits; four look smooth.
_CAPABILITIES = Capabilities(max_chars=cards.MOST, edit_interval=0.26, live=True)


class FeishuMessenger:
    """Can post and edit in one tenant."""

    def __init__(self, api: Api, *, streaming: bool = True, stop_button: bool = True) -> None:
        self._api, self._posts, self._streams = api, Posts(api), Streams(api)
        self._reader = Reader(api, whole=True)
        self._no_streams_until = float("-inf") if streaming else float("inf")
        self._stop = (STOP,) if stop_button else ()
        # A text is measured before it is sent, and parsing one takes some milliseconds.
        self._rendered = lru_cache(64)(card_markdown)
        self._made: OrderedDict[str, str] = OrderedDict()
        self._doubted: OrderedDict[str, None] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    def render(self, markdown: str) -> str:
        return self._rendered(markdown)

    def size(self, rendered: str) -> int:
        """In bytes of the request, where the text is JSON inside of JSON: Feishu limits the whole request."""
        return cards.weight(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        """See `Messenger.send`. Files are messages of their own before the text; the ref names the last message."""
        if outgoing.files:
            return await self._share(conversation, outgoing)
        name = await self._post(conversation, outgoing)
        if outgoing.nonce in self._doubted:
            # What an earlier attempt posted stands there: its card may be another one, and its text older.
            name = await self._as_it_is(name)
            await self._change(name, conversation, outgoing)
            self._doubted.pop(outgoing.nonce, None)
        return MessageRef(conversation, str(name))

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        """See `Messenger.edit`. Progress that a card refuses is left out; the final text then goes another way."""
        await self._change(Name.parse(ref.id), ref.conversation, outgoing)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        """See `Messenger.find`: looks for the card whose text goes by the nonce.

        Where Feishu does not let us look, a second `send` of the nonce does no harm for an hour.
        """
        ordinary, streaming = cards.mark_of(nonce, streams=False), cards.mark_of(nonce, streams=True)
        try:
            async for one in self._reader.conversation(conversation):
                name, content = Name(one.get("message_id", "")), (one.get("body") or {}).get("content", "")
                if not one.get("deleted") and (ordinary in content or streaming in content):
                    found = await self._as_it_is(name) if streaming in content else name
                    return MessageRef(conversation, str(found))
        except (Gone, NotAllowed, TooLong) as problem:
            log.info("cannot_look", conversation=conversation.key, problem=str(problem))
        _remember(self._doubted, nonce, None)
        return None

    def known(self, conversation: Conversation) -> None:
        """Feishu itself has said that the topic is in the chat."""
        self._posts.known(conversation)

    def recalled(self, message: str) -> None:
        """Somebody took the message back: CardKit would go on changing its card, which nobody sees."""
        _remember(self._gone, message, None)

    async def _post(self, conversation: Conversation, outgoing: Outgoing) -> Name:
        """The best form of the message that Feishu takes."""
        card = await self._stream(conversation, outgoing) if outgoing.live else ""
        refusal: AdapterError | None = None
        for type, content, how in self._forms(conversation, outgoing, card):
            try:
                return Name(await self._posts.post(conversation, type, content, outgoing.nonce), how)
            except (TooLong, NotAllowed) as problem:
                if not _about_content(problem, outgoing):
                    raise
                refusal = problem
                log.warning("card_refused", conversation=conversation.key, code=problem.code)
        assert refusal is not None
        raise refusal

    def _forms(
        self, conversation: Conversation, outgoing: Outgoing, card: str
    ) -> Iterator[tuple[Literal["interactive", "text"], Json, str]]:
        """Type, content, and how it is named, best first."""
        if card:
            yield "interactive", {"type": "card", "data": {"card_id": card}}, card
        for form in self._cards(conversation, outgoing, streams=False):
            yield "interactive", form, ""
        yield "text", {"text": cards.words(outgoing)}, "text"

    def _cards(self, conversation: Conversation, outgoing: Outgoing, *, streams: bool) -> Iterator[Json]:
        """The card of a message; then, if it has tables, without those. Only what is finished is folded."""
        actions = (*outgoing.actions, *(self._stop if outgoing.live else ()))
        mark, before = cards.mark_of(outgoing.nonce, streams=streams), None
        for tables in (MOST_TABLES, 0):
            blocks: list[Folded | str]
            if outgoing.live:
                blocks = [self.render(outgoing.text) if tables else card_markdown(outgoing.text, tables=0)]
            else:
                blocks = card_blocks(outgoing.text, tables)
            form = cards.card(blocks, actions, conversation, summary=cards.summary(outgoing.text), mark=mark)
            if len(cards.dumps(cards.dumps(form)).encode()) > cards.REQUEST:
                raise TooLong(f"Feishu takes at most {cards.REQUEST} bytes in a card", code="230025")
            if form != before:
                yield form
            before = form

    async def _stream(self, conversation: Conversation, outgoing: Outgoing) -> str:
        """A streaming card's id; '' where there can be none."""
        now = asyncio.get_running_loop().time()
        if now < self._no_streams_until:
            return ""
        if outgoing.nonce in self._made:
            return self._made[outgoing.nonce]
        form = next(self._cards(conversation, outgoing, streams=True))
        form["config"] |= cards.STREAMING
        try:
            card = await self._streams.create(form)
        except (Gone, TooLong, NotAllowed) as problem:
            log.warning("no_streaming_card", code=problem.code, problem=str(problem))
            if isinstance(problem, NotAllowed):
                self._no_streams_until = now + ASK_AGAIN
            return ""
        if outgoing.nonce:
            _remember(self._made, outgoing.nonce, card)
        return card

    async def _as_it_is(self, name: Name) -> Name:
        """The name of a message that an earlier attempt may have posted."""
        if name.how == "text":
            return name
        try:
            card = await self._streams.of_message(name.message)
        except (Gone, TooLong, NotAllowed):
            return name
        return Name(name.message, card)

    async def _change(self, name: Name, conversation: Conversation, outgoing: Outgoing) -> None:
        if name.message in self._gone:
            raise Gone("the message was taken back", code="230011")
        if name.how == "text":
            if not outgoing.live:  # twenty edits are all there are
                await self._posts.replace_text(name.message, cards.words(outgoing))
            return
        refusal: AdapterError | None = None
        for form in self._changes(conversation, outgoing, streams=bool(name.card)):
            try:
                await self._put(name, form, live=outgoing.live)
                return
            except (TooLong, NotAllowed) as problem:
                if isinstance(problem, TooLong) and not _about_content(problem, outgoing):
                    raise
                refusal = problem
                log.warning("card_refused", conversation=conversation.key, code=problem.code)
        if not outgoing.live:
            # The reply then posts the text anew, which ends in a plain text if need be.
            raise Gone(f"the card takes no more changes: {refusal}", code=refusal.code if refusal else "")

    def _changes(self, conversation: Conversation, outgoing: Outgoing, *, streams: bool) -> Iterator[Json]:
        yield from self._cards(conversation, outgoing, streams=streams)
        if not outgoing.live:
            words, mark = cards.words(Outgoing(outgoing.text)), cards.mark_of(outgoing.nonce, streams=streams)
            yield cards.plain_card(words, outgoing.actions, conversation, mark=mark)

    async def _put(self, name: Name, form: Json, *, live: bool) -> None:
        if not name.card:
            await self._posts.replace_card(name.message, form)
        elif live:
            await self._streams.write(name.card, form)
        else:
            await self._streams.finish(name.card, form)

    async def _share(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        """Files first, each under a nonce of its own: where the text can be found again, they are there."""
        ref: MessageRef | None = None
        for number, (path, name) in enumerate(outgoing.named):
            type, content = await upload(self._api, path, name)
            nonce = f"{outgoing.nonce}.file{number}" if outgoing.nonce else ""
            ref = MessageRef(conversation, await self._posts.post(conversation, type, content, nonce))
        if outgoing.text.strip() or outgoing.actions or ref is None:
            return await self.send(conversation, Outgoing(outgoing.text, outgoing.actions, nonce=outgoing.nonce))
        return ref


def _about_content(problem: AdapterError, outgoing: Outgoing) -> bool:
    """Whether something plainer may pass: it was not refused for its size, nor for who may write where."""
    if problem.code in TOO_LARGE:
        return len(outgoing.text.encode(errors="replace")) < SMALL
    return problem.code not in WHERE


def _remember(where: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    where[key] = value
    while len(where) > REMEMBERED:
        where.popitem(last=False)

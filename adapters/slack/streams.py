"""Answers as native streams: begun, added to and stopped, with edits wherever Slack does not let them.

https://docs.slack.dev/reference/methods/chat.startStream
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import structlog

from adapters.slack.api import Api
from adapters.slack.chunks import Held, chunks, flat, missing
from adapters.slack.messenger import SlackMessenger, mark, message_ts
from adapters.slack.wire import Posted
from botkit.errors import NotAllowed, TooLong, Unreachable
from botkit.model import Capabilities, Conversation, MessageRef, Outgoing
from botkit.pacing import Act, Pacer

log = structlog.get_logger("botkit.slack")

LONGEST = 6_500
"""UTF-8 bytes of text in one stream. Slack takes 12,000 characters a call, but of a whole message, tasks included, not
much more than 10,000 bytes: https://github.com/openclaw/openclaw/pull/143882"""
INTERVAL = 0.7
"""Seconds between two appends: Slack allows a workspace about 100 a minute."""
AGAIN_AFTER = 3600.0
"""Seconds after which a workspace that refused streams is asked again."""
_HERE_ONLY = frozenset(
    {"channel_type_not_supported", "invalid_arguments", "invalid_thread_ts", "missing_recipient_team_id"}
    | {"missing_recipient_user_id", "not_in_channel", "restricted_action", "user_not_found"}
)
"""Refusals that say nothing about other conversations."""


class Refusals:
    """Remembers that the workspace does not have native streams: its plan, a scope, an older Slack."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    @property
    def hold(self) -> bool:
        return self._clock() < self._until

    def note(self, code: str) -> None:
        log.info("no_streams", code=code)
        if code not in _HERE_ONLY:
            self._until = self._clock() + AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a stream is for, and which messages can be one that an earlier process has left unfinished."""

    user: str
    team: str
    bot: str = ""
    """Our bot id, '' when not known."""
    since: str = ""
    """The ts of what is answered."""
    known: Collection[str] = ()
    """The ts of messages whose part in the reply is known."""

    def left(self, posted: Posted) -> bool:
        """A stream that was stopped has its nonce; so what is ours and has none was not."""
        ts = posted.get("ts", "")
        ours = bool(self.bot) and posted.get("bot_id") == self.bot
        return ours and ts > self.since and ts not in self.known and not mark(posted)


@dataclass(slots=True)
class _Stream:
    ts: str
    held: Held
    doubtful: bool = False
    """An answer was lost: what the stream holds is not known."""


@dataclass(slots=True)
class StreamMessenger:
    """Implements `Messenger` for one reply: its growing message is a stream, everything else an ordinary message."""

    api: Api
    posts: SlackMessenger
    refusals: Refusals
    reader: Reader
    lifetime: float
    asks: Callable[[Act], None] = lambda _: None
    """Told what is asked of Slack before each call: one act may take several, of different budgets."""
    _stream: _Stream | None = None
    _ours: set[str] = field(default_factory=set[str])
    _off: bool = False

    @property
    def capabilities(self) -> Capabilities:
        able = replace(self.posts.capabilities, live=True, steps=True, max_chars=LONGEST)
        return replace(able, edit_interval=INTERVAL, lifetime=self.lifetime) if self._stream else able

    def render(self, markdown: str) -> str:
        return self.posts.render(markdown)

    def size(self, rendered: str) -> int:
        """In UTF-8, as Slack counts a stream."""
        return len(rendered.encode())

    def act(self, act: Act) -> Act:
        """What it takes now to do something to the growing message."""
        if act == "start":
            return "post" if self._off or self.refusals.hold else act
        return "edit" if act in ("grow", "end") and self._stream is None else act

    def give_up(self) -> None:
        """Begin no stream any more."""
        self._off = True

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        """Post; a message that is to grow, as a stream. One that only says what is waited for is none yet."""
        worth = outgoing.text or outgoing.steps or outgoing.todos
        if outgoing.live and worth and self.act("start") == "start":
            try:
                return await self._start(conversation, outgoing)
            except (NotAllowed, TooLong) as problem:
                self.give_up()
                self.refusals.note(problem.code)
        self.asks("post")
        return await self.posts.send(conversation, flat(outgoing))

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        stream = self._stream
        if stream is None or stream.ts != ref.id:
            await self._rewrite(ref, outgoing)
        elif outgoing.live and not stream.doubtful:
            await self._append(stream, ref, outgoing)
        else:
            await self._stop(stream, ref, outgoing)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        """By its nonce, or a stream that was begun and never finished: its nonce comes with the end."""
        found = await self.posts.find(conversation, nonce)
        return found or await self.posts.search(conversation, self._left)

    def _left(self, posted: Posted) -> bool:
        return posted.get("ts") not in self._ours and self.reader.left(posted)

    async def _start(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        made, held = chunks(Held(), self.render(outgoing.text), outgoing)
        self.asks("start")
        answer = await self.api.call(
            "chat.startStream",
            channel=conversation.channel,
            thread_ts=conversation.thread,
            recipient_user_id=self.reader.user,
            recipient_team_id=self.reader.team,
            task_display_mode="plan",
            chunks=made,
        )
        ts = message_ts("chat.startStream", answer)
        self._stream = _Stream(ts, held)
        self._ours.add(ts)
        return MessageRef(conversation, ts)

    async def _append(self, stream: _Stream, ref: MessageRef, outgoing: Outgoing) -> None:
        text = missing(stream.held, self.render(outgoing.text))
        if text is None:
            await self._stop(stream, ref, outgoing)
            return
        made, held = chunks(stream.held, text, outgoing)
        if not made:
            return
        self.asks("grow")
        try:
            await self.api.call("chat.appendStream", channel=ref.conversation.channel, ts=ref.id, chunks=made)
        except NotAllowed as problem:
            self._ended(problem)
            await self._rewrite(ref, outgoing)
        except Unreachable as problem:
            stream.doubtful = problem.acted
            raise
        else:
            stream.held = held

    async def _stop(self, stream: _Stream, ref: MessageRef, outgoing: Outgoing) -> None:
        """End the stream with what is missing; what cannot be added is put right by an edit."""
        text = None if stream.doubtful else missing(stream.held, self.render(outgoing.text))
        made = [] if stream.doubtful else chunks(stream.held, text or "", replace(outgoing, live=False))[0]
        self.asks("end")
        try:
            await self.posts.stop(ref, made, outgoing.nonce)
        except (NotAllowed, TooLong) as problem:
            self._ended(problem)
            text = None
        except Unreachable as problem:
            stream.doubtful = stream.doubtful or problem.acted
            raise
        self._stream = None
        if text is None or outgoing.live or outgoing.actions:
            await self._rewrite(ref, outgoing)

    async def _rewrite(self, ref: MessageRef, outgoing: Outgoing) -> None:
        self.asks("edit")
        await self.posts.edit(ref, flat(outgoing), marked=True)

    def _ended(self, problem: NotAllowed | TooLong) -> None:
        """Slack has closed the stream, or a person did; the message goes on by edits."""
        log.info("stream_ended", code=problem.code)
        self._stream = None
        self._off = self._off or problem.code == "stopped_by_user"


class StreamPacing:
    """Implements `Pacing` for one reply: streams have budgets of their own, unless there is no stream.

    What an act takes may change between waiting and acting. So each call is charged to its own budget: to the slot that
    was waited for if it is of that budget, else beside it; and a slot that nothing used goes back where it came from.
    """

    def __init__(self, pacer: Pacer, messenger: StreamMessenger, *, patient: bool) -> None:
        """`patient`: wait for a stream; otherwise the reply goes by edits when it would have to."""
        self._pacer, self._messenger, self._patient = pacer, messenger, patient
        self._where: Conversation | None = None
        self._slot: Act | None = None
        self._last: Act | None = None
        messenger.asks = self._asked

    async def ready(self, act: Act, conversation: Conversation, *, urgent: bool) -> None:
        self._return(conversation)
        if act == "start" and not self._patient and self._pressed(conversation):
            self._messenger.give_up()
        wanted = self._messenger.act(act)
        await self._pacer.ready(wanted, conversation, urgent=urgent)
        self._where, self._slot, self._last = conversation, wanted, None

    def give_back(self, act: Act, conversation: Conversation) -> None:
        del act  # what it was then counts, not what it would be now
        self._return(conversation)

    def limited(self, act: Act, conversation: Conversation, retry_after: float) -> None:
        self._return(conversation)
        self._pacer.limited(self._last or self._messenger.act(act), conversation, retry_after)

    def _asked(self, act: Act) -> None:
        self._last = act
        if act == self._slot:
            self._slot = None
        elif self._where is not None:
            self._pacer.spend(act, self._where)

    def _return(self, conversation: Conversation) -> None:
        if self._slot is not None:
            self._pacer.give_back(self._slot, conversation)
            self._slot = None

    def _pressed(self, conversation: Conversation) -> bool:
        """Beginning and ending streams is limited far more than edits are."""
        return self._pacer.pressed("start", conversation) or self._pacer.pressed("end", conversation)

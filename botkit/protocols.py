"""The seams of botkit. Read this first: everything else stands on one side or the other of these.

Above: adapters join a platform to a bot (`Adapter`, `Messenger`), handlers answer. Between: the bot, as an adapter
sees it (`Hub`). Below: what answers turns (`Runner`) and what remembers (`Store`, with its roles in `store` and
`roles`). Every method either returns or raises a `BotkitError`; none may be cancelled half-done so that data is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from botkit.display import Display
from botkit.events import Decision, TurnEvent
from botkit.history import Said
from botkit.model import (
    PLAIN,
    Attachment,
    Capabilities,
    Conversation,
    Message,
    MessageRef,
    Outgoing,
    Overrides,
    ReplyState,
    Role,
    Session,
    Turn,
    User,
)
from botkit.store import Store as Store
from botkit.surroundings import CliCommand, Surroundings

if TYPE_CHECKING:
    from aiohttp import web

    from botkit.commands import Command


class Reply(Protocol):
    """What one turn shows. Entered at the first event; on leaving, the final view has been delivered or given up."""

    @property
    def state(self) -> ReplyState: ...

    @property
    def delivered(self) -> bool:
        """After leaving: the final view (or its plain text) is on the platform, or it can never be (message gone)."""
        ...

    def push(self, event: TurnEvent) -> None:
        """Take an event. Never waits: the platform must not slow the CLI."""
        ...

    async def __aenter__(self) -> Reply: ...

    async def __aexit__(self, *exc: object) -> None: ...


class Checkpoint(Protocol):
    """A turn's line in the journal, as its reply sees it."""

    def shown(self, state: ReplyState) -> None:
        """The reply has posted something new."""
        ...

    async def ours(self) -> bool:
        """Asked before each post and edit. False: another process answers now, and nothing more may be shown."""
        ...


class Messenger(Protocol):
    """Can post and edit on one platform. Raises `AdapterError`s; never retries by itself."""

    @property
    def capabilities(self) -> Capabilities: ...

    def render(self, markdown: str) -> str:
        """Markdown in the platform's own notation, pings defused. Pure."""
        ...

    def size(self, rendered: str) -> int:
        """The length of a rendered text as the platform counts it. Pure."""
        ...

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef: ...

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None: ...

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        """The message an earlier, ambiguous `send` with this nonce made, where the platform can be asked."""
        ...


class Adapter(Protocol):
    """Joins one platform account to one bot."""

    @property
    def name(self) -> str:
        """As in `Conversation.adapter`: the name of the adapter's section in the config."""
        ...

    @property
    def messenger(self) -> Messenger: ...

    def connect(self, hub: Hub) -> AbstractAsyncContextManager[None]:
        """Receive while inside. Entering raises `NotAllowed` when the platform refuses the credentials.

        On leaving, no new message is delivered, and every task of the adapter has ended; the messenger still works
        until the process ends or `connect` is entered again.
        """
        ...

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        """The reply for a message; with `resume`, one that goes on in the messages an earlier process posted.

        `display`: how much it shows; None is the usual.
        """
        ...

    async def download(self, attachment: Attachment, into: Path) -> Path:
        """Write the file's bytes to the path `into` (which must not exist). Raises `AdapterError`."""
        ...


@runtime_checkable
class Doctor(Protocol):
    """An adapter that can be asked whether its account works."""

    async def check(self) -> str:
        """One line: who the platform says we are. Raises `AdapterError`."""
        ...


@runtime_checkable
class Authority(Protocol):
    """An adapter that has made sure itself of who its authors are: whom it vouches for need not be in the config."""

    def role(self, message: Message) -> Role | None:
        """What the author of a message of this adapter may do; None for nothing. A denial in the config still wins."""
        ...


class Hub(Protocol):
    """The bot, as an adapter sees it."""

    @property
    def bot(self) -> str:
        """The bot's name in the config."""
        ...

    @property
    def commands(self) -> Sequence[Command]:
        """What the bot's routes offer, for platforms that list commands themselves; the config may change it."""
        ...

    async def deliver(self, message: Message) -> str:
        """Hand in a message; its turn's id. Returns once it is durable: only now may the platform be acknowledged.

        '': it was not taken (a repeat, a stranger, nobody's route) and may be acknowledged all the same.
        Raises `StoreError` when it could not be made durable within 2 s: then it must not be acknowledged.
        """
        ...

    def allowed(self, message: Message) -> bool:
        """Whether the config lets its author use the bot there. Pure: ask before a stranger costs a call."""
        ...

    async def follows(self, conversation: Conversation) -> bool:
        """Whether the bot is part of this conversation (it has a session there and is not muted)."""
        ...

    async def followed(self, adapter: str, since: float) -> Sequence[tuple[Conversation, float]]:
        """Conversations of an adapter used after `since`, with the time of the last message seen (Unix seconds)."""
        ...

    def attach(self, turn: str, since: int = 0) -> AsyncIterator[tuple[int, TurnEvent]]:
        """The numbered events of a live or recent turn from number `since` on. Raises KeyError for an unknown turn."""
        ...

    def warm(self, conversation: Conversation, user: User) -> None:
        """Somebody shows that a message of theirs will come: readies what it will need, where that takes nothing from
        others. Never waits; may be called as often as signs come, also for strangers, for whom nothing happens."""
        ...

    async def stop(self, conversation: Conversation) -> bool:
        """Stop the running turn; True only when it has really ended, False when nothing ran."""
        ...

    def mount(self, path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        """Serve `POST /{bot}{path}` on the one web server. Before the server starts, that is while connecting."""
        ...


class Runner(Protocol):
    """Answers turns."""

    def start(self, turn: Turn) -> AbstractAsyncContextManager[AsyncIterator[TurnEvent]]:
        """Run a turn. The iterator ends after exactly one `Outcome`; it never raises for what goes wrong in a turn.

        Leaving early stops the turn. At most one turn of a session runs at a time; the caller sees to that.
        """
        ...

    async def reserve(self, overrides: Overrides = PLAIN, *, stateless: bool = False) -> str:
        """An id for a new session: that of a ready worker which suits, promised to it, or any fresh UUID."""
        ...

    async def warm(self, session: Session | None) -> bool:
        """Have the session's worker ready before its next turn, or one for a new session (None).

        It takes nobody's place and waits for none. False: there was no room, or a turn is at it already.
        """
        ...

    async def stop(self, session: str) -> bool:
        """End the session's running turn, by force if need be; True only when the turn and its tools have ended."""
        ...

    async def answer(self, request: str, decision: Decision) -> bool:
        """Decide an approval or a question. False: it is no longer open."""
        ...

    @property
    def live(self) -> Collection[str]:
        """The sessions that have a worker, also one that is about to start or not yet gone."""
        ...

    async def park(self, session: str) -> bool:
        """Close the session's live worker, if any; it can be resumed. False: it is busy and lives on."""
        ...

    async def history(self, session: str) -> Sequence[Said]:
        """What was said in a session, oldest first; nothing of one that Claude does not know."""
        ...

    async def forget(self, session: str) -> bool:
        """Close the session's worker and delete what Claude keeps of it. False: it is busy, and nothing is deleted."""
        ...

    async def fork(self, session: Session, id: str) -> bool:
        """Begin a session under this id that remembers what was said in `session` until now.

        False: nothing was, and nothing is begun. Waits for a worker as a turn does. Raises RunnerError.
        """
        ...

    async def commands(self, session: Session) -> Sequence[CliCommand] | None:
        """What commands the CLI offers in this session; None: there was no room for a worker that could say it."""
        ...

    def surroundings(self, session: Session) -> Surroundings:
        """Where and how its worker runs."""
        ...

"""A messenger that keeps everything in memory and is as strict as a platform: for tests of replies and handlers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from botkit.errors import AdapterError, Gone, NotAllowed, TooLong, Unreachable
from botkit.model import Action, Capabilities, Conversation, MessageRef, Outgoing

Call = Literal["send", "edit", "find"]

_PING = re.compile(r"(?<=[<])(?=[@!#])|(?<=@)(?=everyone|here|channel)")


@dataclass(slots=True)
class Shown:
    """A message as people see it now, and every text it had before."""

    ref: MessageRef
    text: str
    actions: tuple[Action, ...]
    nonce: str
    history: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When, by the loop's clock, and what."""
    deleted: bool = False
    files: tuple[str, ...] = ()
    """The names of the files under it."""
    live: bool = False
    steps: tuple[str, ...] = ()
    """What is shown beside the text."""
    rewritten: bool = False
    """It was live, and its end was not what had grown there and more."""


class MemoryMessenger:
    """Implements `Messenger`. What a real platform would punish is noted in `breaches`, which should stay empty."""

    def __init__(self, capabilities: Capabilities | None = None, *, latency: float = 0.0) -> None:
        """`latency`: seconds that each call takes."""
        self._capabilities = capabilities or Capabilities(max_chars=4000, edit_interval=1.0)
        self._latency = latency
        self.messages: list[Shown] = []
        self.calls: list[tuple[float, Call, str]] = []
        """Every call with its time and its text (or nonce), also those that failed."""
        self.breaches: list[str] = []
        self._faults: dict[Call, list[AdapterError]] = {"send": [], "edit": [], "find": []}
        self._closed: set[str] = set()
        self._busy: set[str] = set()
        self._changed = asyncio.Condition()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def render(self, markdown: str) -> str:
        return _PING.sub("\u200b", markdown)

    def size(self, rendered: str) -> int:
        return len(rendered)

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        fault = await self._call("send", conversation.key, outgoing.text)
        self._check(conversation, outgoing)
        found = self._by_nonce(conversation, outgoing.nonce)
        if found is None:
            ref = MessageRef(conversation, f"m{len(self.messages) + 1}")
            found = Shown(ref, "", (), outgoing.nonce, files=tuple(name for _, name in outgoing.named))
            self.messages.append(found)
            self._show(found, outgoing)
        await self._answer(fault)
        return found.ref

    async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
        fault = await self._call("edit", ref.conversation.key, outgoing.text)
        self._check(ref.conversation, outgoing)
        message = next((shown for shown in self.messages if shown.ref == ref), None)
        if message is None or message.deleted:
            raise Gone("there is no such message", code="message_not_found")
        if not self._capabilities.edits:
            raise NotAllowed("messages cannot be changed here", code="cant_update_message")
        self._note_edit(message, outgoing)
        self._note_growth(message, outgoing)
        self._show(message, outgoing)
        await self._answer(fault)

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        await self._answer(await self._call("find", conversation.key, nonce))
        found = self._by_nonce(conversation, nonce)
        return found.ref if found else None

    def fail(self, call: Call, *faults: AdapterError) -> None:
        """The next calls raise these, in order. `Unreachable(acted=True)` carries the call out first."""
        self._faults[call] += faults

    def delete(self, ref: MessageRef) -> None:
        """Somebody deletes a message."""
        next(shown for shown in self.messages if shown.ref == ref).deleted = True

    def close(self, conversation: Conversation) -> None:
        """Somebody archives the channel: nothing can be posted there any more."""
        self._closed.add(conversation.key)

    def seen(self, conversation: Conversation) -> list[Shown]:
        """The messages that are there now, in order."""
        return [shown for shown in self.messages if shown.ref.conversation == conversation and not shown.deleted]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; asked again at every call."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _call(self, call: Call, conversation: str, text: str) -> AdapterError | None:
        now = asyncio.get_running_loop().time()
        self.calls.append((now, call, text))
        if conversation in self._busy:
            self.breaches.append(f"two requests at once in {conversation}")
        self._busy.add(conversation)
        try:
            await asyncio.sleep(self._latency)
        finally:
            self._busy.discard(conversation)
        await self._tell()
        if conversation in self._closed:
            raise Gone("the channel is archived", code="is_archived")
        fault = self._faults[call].pop(0) if self._faults[call] else None
        if fault is not None and not (isinstance(fault, Unreachable) and fault.acted):
            raise fault
        return fault

    async def _answer(self, fault: AdapterError | None) -> None:
        await self._tell()
        if fault is not None:
            raise fault

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _check(self, conversation: Conversation, outgoing: Outgoing) -> None:
        rendered = self.render(outgoing.text)
        beside = outgoing.live and (outgoing.steps or outgoing.todos or outgoing.status)
        if not rendered.strip() and not outgoing.files and not beside:
            raise TooLong("there is nothing to show", code="no_text")
        if self.size(rendered) > self._capabilities.max_chars:
            raise TooLong(f"{self.size(rendered)} characters", code="msg_too_long")
        if outgoing.actions and not self._capabilities.buttons:
            self.breaches.append(f"buttons in {conversation.key}, which has none")
        if outgoing.files and not self._capabilities.files:
            self.breaches.append(f"files in {conversation.key}, which takes none")

    def _note_edit(self, message: Shown, outgoing: Outgoing) -> None:
        now = asyncio.get_running_loop().time()
        if len(message.history) > 1 and now - message.history[-1][0] < self._capabilities.edit_interval * 0.99:
            self.breaches.append(f"{message.ref.id} was edited again after {now - message.history[-1][0]:.3f} s")
        same = (self.render(outgoing.text), outgoing.actions) == (message.text, message.actions)
        if same and not self._capabilities.steps:
            self.breaches.append(f"{message.ref.id} was edited without a change")

    def _note_growth(self, message: Shown, outgoing: Outgoing) -> None:
        """A platform that shows steps apart takes only additions to a live message."""
        if not message.live or not self._capabilities.steps:
            return
        extended = self.render(outgoing.text).startswith(message.text.rstrip("\n"))
        if outgoing.live and not extended:
            self.breaches.append(f"{message.ref.id} was live, and was changed instead of added to")
        message.rewritten = message.rewritten or not extended

    def _show(self, message: Shown, outgoing: Outgoing) -> None:
        message.text, message.actions = self.render(outgoing.text), outgoing.actions
        message.live, message.steps = outgoing.live, tuple(f"{step.title} {step.state}" for step in outgoing.steps)
        message.history.append((asyncio.get_running_loop().time(), message.text))

    def _by_nonce(self, conversation: Conversation, nonce: str) -> Shown | None:
        if not nonce:
            return None
        here = (shown for shown in self.messages if shown.ref.conversation == conversation)
        return next((shown for shown in here if shown.nonce == nonce), None)

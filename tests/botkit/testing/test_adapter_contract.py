"""The in-memory messenger keeps the contract, and a messenger that breaks it is caught."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from botkit.display import Display
from botkit.errors import Gone, RateLimited
from botkit.model import Attachment, Capabilities, Conversation, Message, MessageRef, Outgoing, ReplyState, User
from botkit.pacing import Pacer
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.reply import EditReply
from botkit.testing import adapter_contract as contract
from botkit.testing.adapter_contract import ADAPTER_CHECKS, MESSENGER_CHECKS, AdapterStage, Stage
from botkit.testing.messengers import MemoryMessenger
from botkit.testing.virtual import virtual

HERE = Conversation("memory", "T", "C", "1")
ELSEWHERE = Conversation("memory", "T", "C", "2")
HELLO = Message("m", HERE, User("U"), "hello", 0.0)
PING = re.compile(r"<[@!#][^\u200b]|@(everyone|here|channel)")


class MemoryAdapter:
    """An adapter without a platform: nobody writes in it, but replies can be seen."""

    name = "memory"

    def __init__(self, messenger: MemoryMessenger) -> None:
        self.messenger = messenger

    def connect(self, hub: Hub) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def connected() -> AsyncGenerator[None]:
            yield

        return connected()

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        return EditReply(
            self.messenger,
            message.conversation,
            nonce=nonce,
            pacer=Pacer({}),
            display=display,
            resume=resume,
            checkpoint=checkpoint,
        )

    async def download(self, attachment: Attachment, into: Path) -> Path:
        raise Gone("nobody sends files here")


@dataclass
class MemoryStage:
    messenger: MemoryMessenger = field(default_factory=MemoryMessenger)
    conversation: Conversation = HERE
    elsewhere: Conversation = ELSEWHERE
    finds: bool = True
    message: Message = HELLO

    def __post_init__(self) -> None:
        self.messenger.close(Conversation("memory", "T", "no-such-channel", "1"))

    @property
    def adapter(self) -> MemoryAdapter:
        return MemoryAdapter(self.messenger)

    async def shown(self, ref: MessageRef) -> str | None:
        return next((shown.text for shown in self.messenger.messages if shown.ref == ref and not shown.deleted), None)

    async def pressable(self, ref: MessageRef) -> list[str]:
        return next([action.label for action in shown.actions] for shown in self.messenger.messages if shown.ref == ref)

    async def notified(self) -> list[str]:
        texts = [text for shown in self.messenger.messages for _, text in shown.history]
        return [match[0] for text in texts for match in PING.finditer(text)]

    async def delete(self, ref: MessageRef) -> None:
        self.messenger.delete(ref)

    async def limit_next(self, retry_after: float) -> None:
        self.messenger.fail("send", RateLimited("slow down", retry_after=retry_after))


@pytest.mark.parametrize("check", MESSENGER_CHECKS)
@virtual
async def test_the_memory_messenger_keeps_the_contract(check: Callable[[Stage], Awaitable[None]]) -> None:
    await check(MemoryStage())


@pytest.mark.parametrize("check", MESSENGER_CHECKS)
@virtual
async def test_so_does_one_without_edits_and_buttons(check: Callable[[Stage], Awaitable[None]]) -> None:
    await check(MemoryStage(MemoryMessenger(Capabilities(max_chars=1000, edits=False, buttons=False))))


@pytest.mark.parametrize("check", ADAPTER_CHECKS)
@virtual
async def test_a_reply_over_it_keeps_the_contract(check: Callable[[AdapterStage], Awaitable[None]]) -> None:
    await check(MemoryStage())


class _Pinging(MemoryMessenger):
    def render(self, markdown: str) -> str:
        return markdown


class _Cutting(MemoryMessenger):
    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        return await super().send(conversation, Outgoing(outgoing.text[:1000], outgoing.actions, nonce=outgoing.nonce))


class _Patient(MemoryMessenger):
    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        try:
            return await super().send(conversation, outgoing)
        except RateLimited:
            return await super().send(conversation, outgoing)


class _Forgetful(MemoryMessenger):
    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        return None


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (_Pinging, contract.mentions_notify_nobody),
        (_Cutting, contract.the_longest_text_passes_and_a_longer_one_is_refused),
        (_Patient, contract.a_429_says_how_long_to_wait),
        (_Forgetful, contract.a_nonce_finds_its_message),
    ],
)
@virtual
async def test_a_messenger_that_breaks_a_promise_is_caught(
    broken: type[MemoryMessenger], check: Callable[[Stage], Awaitable[None]]
) -> None:
    with pytest.raises(AssertionError):
        await check(MemoryStage(broken()))

"""The terminal keeps the promises that every adapter makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from adapters.console import ConsoleSettings, plugin
from adapters.console.adapter import ConsoleAdapter
from botkit.errors import AdapterError
from botkit.events import FileOffered, TurnFinished
from botkit.model import Attachment, Conversation, Message, MessageRef, Outgoing, ReplyState, User
from botkit.plugins import load_adapter
from botkit.protocols import Adapter, Doctor
from botkit.testing.adapter_contract import (
    ADAPTER_CHECKS,
    AdapterStage,
    a_nonce_finds_its_message,
    ids_round_trip,
    mentions_notify_nobody,
    messages_are_told_apart,
    rendering_is_pure,
)
from botkit.testing.noted import Noted

CHECKS: tuple[Callable[[AdapterStage], Awaitable[None]], ...] = (
    *ADAPTER_CHECKS,
    ids_round_trip,
    messages_are_told_apart,
    mentions_notify_nobody,
    rendering_is_pure,
    a_nonce_finds_its_message,
)
"""Not those about deleting, 429s, channels that do not exist and texts too long: a terminal has none of them."""


class Stdout:
    """What has been printed is the platform."""

    finds = False

    def __init__(self, read: Callable[[], str]) -> None:
        self.adapter = ConsoleAdapter(script=["unused"], place="here")
        self.messenger = self.adapter.messenger
        self.conversation = Conversation("console", "local", "here", direct=True)
        self.elsewhere = Conversation("console", "local", "there", direct=True)
        self.message = Message("m1", self.conversation, User("console"), "hello", 0.0)
        self._read, self._printed = read, ""

    async def shown(self, ref: MessageRef) -> str | None:
        self._printed += self._read()
        return self._printed

    async def pressable(self, ref: MessageRef) -> list[str]:
        return []

    async def notified(self) -> list[str]:
        return []

    async def delete(self, ref: MessageRef) -> None:
        raise NotImplementedError

    async def limit_next(self, retry_after: float) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_terminal_keeps_the_contract(
    check: Callable[[AdapterStage], Awaitable[None]], capsys: pytest.CaptureFixture[str]
) -> None:
    await check(Stdout(lambda: capsys.readouterr().out))


async def test_the_plugin_is_found_by_its_name() -> None:
    found = load_adapter("console")
    assert found is plugin
    adapter = found.create("console", ConsoleSettings(script=("hello",)))
    checked: Adapter = adapter
    assert isinstance(checked, Doctor)
    assert await checked.check() == "no terminal: plain text"


async def test_a_file_from_before_a_restart_is_named_unless_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    stage, states = Stdout(lambda: ""), Noted()
    files = tuple(FileOffered(Path(f"/w/{name}.txt"), f"{name}.txt", "", Path("/c"), name) for name in "ab")
    past = ReplyState(files=files, sent=("a",))
    async with stage.adapter.reply_to(stage.message, nonce="n", resume=past, checkpoint=states) as reply:
        for file in files:
            reply.push(file)
        reply.push(TurnFinished("Done."))
    said = capsys.readouterr().out
    assert said.count("b.txt`: `/w/b.txt") == 1
    assert "a.txt" not in said
    assert states[-1].sent == ("a", "b")


async def test_files_are_named_and_none_can_be_attached(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stdout(lambda: "")
    await stage.adapter.send(stage.conversation, Outgoing("Here it is", files=(Path("report.pdf"),)))
    assert capsys.readouterr().out == "Here it is\n\n- `report.pdf`\n\n"
    with pytest.raises(AdapterError):
        await stage.adapter.download(Attachment("1", "a.txt", "text/plain", 1), Path("a.txt"))

"""Files people send: fetched with the bot's token from Slack alone, and never mistaken for a login page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.slack.files import trusted
from adapters.slack.testing import LoopbackSlack
from botkit.errors import AdapterError, Gone, NotAllowed, Unreachable
from botkit.model import Attachment
from tests.adapters.slack.rig import Bot, adapter_for


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


async def sent(slack: LoopbackSlack, name: str, data: bytes, media_type: str) -> Attachment:
    """The attachment of a message with this file, as the hub gets it."""
    bot = Bot(slack)
    async with adapter_for(slack).connect(bot):
        await slack.say("alice", slack.dm("alice"), "look", files=[(name, data, media_type)])
        await slack.settled()
    (message,) = bot.messages
    (attachment,) = message.attachments
    return attachment


async def test_a_file_arrives_byte_for_byte(slack: LoopbackSlack, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    attachment = await sent(slack, "data.bin", data, "application/octet-stream")
    assert (attachment.name, attachment.size) == ("data.bin", len(data))
    path = await adapter_for(slack).download(attachment, tmp_path / "data.bin")
    assert path.read_bytes() == data
    assert not slack.violations


async def test_an_html_file_is_a_file(slack: LoopbackSlack, tmp_path: Path) -> None:
    page = b"<!doctype html><p>hello</p>"
    attachment = await sent(slack, "page.html", page, "text/html")
    assert (await adapter_for(slack).download(attachment, tmp_path / "page.html")).read_bytes() == page


@pytest.mark.parametrize(
    ("trouble", "expected"), [("login", NotAllowed), ("redirect", NotAllowed), ("5xx", Unreachable)]
)
async def test_what_is_not_the_file_is_not_written(
    slack: LoopbackSlack, tmp_path: Path, trouble: str, expected: type[AdapterError]
) -> None:
    attachment = await sent(slack, "cat.png", b"\x89PNG....", "image/png")
    slack.fault("download", trouble)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a parameter
    with pytest.raises(expected) as failed:
        await adapter_for(slack).download(attachment, tmp_path / "cat.png")
    assert not (tmp_path / "cat.png").exists()
    assert not slack.violations
    if trouble == "login":
        assert "files:read" in str(failed.value)


async def test_the_token_never_goes_to_another_host(slack: LoopbackSlack, tmp_path: Path) -> None:
    file = slack.file("alice", "far.txt", b"far", "text/plain", external=True)
    attachment = Attachment(file.id, "far.txt", "text/plain", 3)
    with pytest.raises(AdapterError):
        await adapter_for(slack).download(attachment, tmp_path / "far.txt")
    assert not slack.violations
    assert not [call for call in slack.calls if call.method == "elsewhere"]


async def test_a_link_where_the_file_should_go_is_not_followed(slack: LoopbackSlack, tmp_path: Path) -> None:
    attachment = await sent(slack, "a.txt", b"new", "text/plain")
    victim = tmp_path / "victim"
    victim.write_text("old")
    (tmp_path / "a.txt").symlink_to(victim)
    with pytest.raises(FileExistsError):
        await adapter_for(slack).download(attachment, tmp_path / "a.txt")
    assert victim.read_text() == "old"


async def test_a_file_that_is_gone_says_so(slack: LoopbackSlack, tmp_path: Path) -> None:
    with pytest.raises(Gone):
        await adapter_for(slack).download(Attachment("F0NONE", "x", "text/plain", 1), tmp_path / "x")


@pytest.mark.parametrize(
    ("url", "yes"),
    [
        ("https://files.slack.com/files-pri/T1-F1/x", True),
        ("https://acme.slack.com/x", True),
        ("https://files.slack-gov.com/x", True),
        ("http://files.slack.com/x", False),
        ("https://slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://user@evil.example/slack.com", False),
        ("http://127.0.0.1:8080/x", True),
        ("http://127.0.0.1:8081/x", False),
    ],
)
def test_the_token_is_for_slack(url: str, *, yes: bool) -> None:
    assert trusted(url, "http://127.0.0.1:8080/api/") is yes

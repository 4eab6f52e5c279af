"""Files and images go in under safe names; attachments never bring more than themselves; Claude's files come out."""

from __future__ import annotations

import base64
import signal

import msgspec
import pytest

from tests.journeys.office import PATIENCE, Office
from tests.journeys.place import Thread

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_an_image_is_shown_to_claude_and_a_file_lies_where_it_can_read_it(office: Office) -> None:
    async with office.running():
        files = [("shot.png", PNG, "image/png"), ("../../notes.txt", b"buy milk", "text/plain")]
        thread = await office.mention("look at these", files=files)
        await office.until_shown(thread, "look at these")
        ask = office.model.asks[-1]
        assert ask.images == 1
        (notes,) = (office.workdir / ".botkit" / "uploads").glob("*/*notes.txt")
        assert str(notes) in ask.prompt
        assert notes.read_bytes() == b"buy milk"
        read = f'!tool Read {{"file_path": "{notes}"}}\n!result'
        await thread.say(read)
        await office.until_shown(thread, "buy milk")


async def test_a_path_behind_an_at_sign_is_only_text(office: Office) -> None:
    secret = office.root / "secret.txt"
    secret.write_text("the launch code is 0000", encoding="utf-8")
    async with office.running():
        thread = await office.mention(f"what is in @{secret} and in @secret.txt?")
        await office.until_shown(thread, "what is in")
    assert not any("launch code" in str(request) for request in office.model.requests)


def sent(thread: Thread) -> list[tuple[str, bytes]]:
    """The files the bot has put into a thread."""
    return [file for post in thread.posts() for file in post.files]


@pytest.fixture(params=["slack-sqlite", "slack-redis", "discord-sqlite"])
def where(request: pytest.FixtureRequest) -> str:
    """Feishu sends a file in a message of its own: see its own journeys."""
    return str(request.param)


def use(path: str, caption: str = "") -> str:
    given = msgspec.json.encode({"path": path, "caption": caption}).decode()
    return f"!tool mcp__botkit__send_file {given}"


async def test_a_file_that_claude_sends_is_in_the_thread(office: Office) -> None:
    office.workdir.mkdir()
    report = bytes(range(256)) * 1000
    (office.workdir / "report.bin").write_bytes(report)
    async with office.running():
        thread = await office.mention(f"{use('report.bin', 'All **well** & good')}\n!say here you are")
        await office.until_shown(thread, "here you are")
        assert sent(thread) == [("report.bin", report)]
        (shown,) = [post for post in office.posts(thread) if post.files]
        assert "well" in shown.shown
        assert not [text for text in office.shown(thread) if "asks to use" in text]


async def test_a_file_goes_out_as_it_was_when_claude_sent_it(office: Office) -> None:
    office.options["bots.main"] = 'allowed_tools = ["Bash"]'
    office.workdir.mkdir()
    (office.workdir / "draft.txt").write_text("first", encoding="utf-8")
    async with office.running():
        gone = '!tool Bash {"command": "rm draft.txt"}'
        thread = await office.mention(f"{use('draft.txt')}\n{gone}\n{use('draft.txt')}\n!result")
        await office.until_shown(thread, "does not exist")
        assert sent(thread) == [("draft.txt", b"first")]


async def test_a_file_outside_the_workdir_is_not_sent_and_claude_knows_why(office: Office) -> None:
    secret = office.root / "secret.txt"
    secret.write_text("the launch code is 0000", encoding="utf-8")
    office.workdir.mkdir()
    (office.workdir / "link.txt").symlink_to(secret)
    async with office.running():
        for path in (str(secret), "../secret.txt", "link.txt"):
            thread = await office.mention(f"{use(path)}\n!result")
            await office.until_shown(thread, "outside the working directory")
            assert sent(thread) == []


async def test_a_file_is_sent_once_though_botkit_is_killed_and_comes_back(office: Office) -> None:
    office.workdir.mkdir()
    (office.workdir / "report.txt").write_text("all is well", encoding="utf-8")
    process = await office.start()
    thread = await office.mention(f"{use('report.txt')}\n!words 100000 50ms")
    await office.until_shown(thread, "word5")
    await office.end(process, signal.SIGKILL)
    await going_on_after_a_restart(office, thread)
    assert "report.txt" in office.model.asks[-1].prompt.partition("The message:")[0], "Claude knows that it did this"
    assert sent(thread) == [("report.txt", b"all is well")]


async def going_on_after_a_restart(office: Office, thread: Thread) -> None:
    """botkit comes back, and Claude, who does all of it again, is stopped in the end."""
    before = len(office.model.asks)
    process = await office.start()
    await office.seen(lambda: len(office.model.asks) > before + 1 and sent(thread), within=PATIENCE)
    assert "interrupted by a restart" in office.model.asks[-1].prompt
    await office.until(thread, lambda shown: any("word5" in text for text in shown))
    await thread.say("!stop")
    await office.until_shown(thread, "Stopped.")
    await office.end(process)

"""Without a terminal: plain text, each answer once, in order, and an exit status that says whether all went well."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.adapters.console.terminal import ROOM

BOUND = 10.0


async def chat(where: Path, text: str, *script: str) -> tuple[int, str]:
    """Pipe a text through the room's chat."""
    process = await asyncio.create_subprocess_exec(*(*ROOM, str(where), *script), stdin=PIPE, stdout=PIPE)
    async with asyncio.timeout(BOUND):
        said, _ = await process.communicate(text.encode())
    return process.returncode or 0, said.decode()


async def test_answers_come_once_in_order_without_escape_codes(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "work\nhello\n\nlast without a newline")
    assert status == 0
    assert [said.count(text) for text in ("Let me **look**.", "Echo: hello\n", "Echo: last without a newline")] == [
        1
    ] * 3
    assert "_Thought_\n\n```\nI think so\n```\n\n_✓ Bash: ls -l_\n\n```\na.txt\nb.txt\n```" in said
    assert said.index("Let me") < said.index("Echo: hello") < said.index("Echo: last")
    assert "\x1b" not in said


async def test_a_failed_or_refused_line_shows_in_the_exit_status(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "fail\nhello\n")
    assert status == 1
    assert "Echo: hello" in said
    status, said = await chat(tmp_path, "stranger\nhello\n")
    assert status == 1
    assert "was not taken" in said
    assert (await chat(tmp_path, ""))[0] == 1, "nothing was answered"


async def test_decisions_wait_for_what_they_decide(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "approve\n/allow\nask\nhello\n2\n")
    assert status == 0
    assert "You typed /allow" in said
    assert "You chose by /answer q1 0 1 (action)" in said
    assert said.index("You chose") < said.index("Echo: hello")


async def test_when_the_input_ends_what_is_asked_is_refused(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "approve\n")
    assert status == 0
    assert "You typed /deny r1 nobody is there to decide" in said


async def test_a_file_that_claude_sends_is_named_with_its_path(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "send\n")
    assert status == 0
    assert said.count("Look\n\n📎 `report.txt`: `/srv/report.txt`") == 1
    assert said.index("report.txt") < said.index("There it lies.")


async def test_a_script_is_played_as_a_conversation(tmp_path: Path) -> None:
    status, said = await chat(tmp_path, "", "hello", "approve", "/allow", "work")
    assert status == 0
    places = [said.index(text) for text in ("> hello", "Echo: hello", "> approve", "> /allow", "You typed", "> work")]
    assert places == sorted(places)


async def test_stop_overtakes_the_running_turn(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(*(*ROOM, str(tmp_path)), stdin=PIPE, stdout=PIPE)
    assert process.stdin
    assert process.stdout
    async with asyncio.timeout(BOUND):
        process.stdin.write(b"hello\n")
        assert await process.stdout.readline() == b"Echo: hello\n"
        said, _ = await process.communicate(b"slow\n/stop\n")
    assert "⏹️ **Stopped.**" in said.decode()
    assert process.returncode == 1


async def test_a_file_is_read_like_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("hello\nagain")
    with (tmp_path / "lines").open() as lines:
        process = await asyncio.create_subprocess_exec(*(*ROOM, str(tmp_path)), stdin=lines, stdout=PIPE)
        async with asyncio.timeout(BOUND):
            said, _ = await process.communicate()
    assert "Echo: again" in said.decode()
    assert process.returncode == 0


async def test_it_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(*(*ROOM, str(tmp_path)), stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert process.stdin
    assert process.stdout
    async with asyncio.timeout(BOUND):
        process.stdin.write(b"hello\n")
        await process.stdout.readline()
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        process.stdin.write(b"hello\nhello\n")
        assert await process.wait() == 1

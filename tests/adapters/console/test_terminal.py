"""What a person sees and can do in a terminal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.console.room import LONG
from tests.adapters.console.terminal import Terminal, terminal


@pytest.fixture
async def screen(tmp_path: Path) -> AsyncIterator[Terminal]:
    async with terminal(tmp_path) as screen:
        await screen.see("❯")
        yield screen


async def test_thinking_text_tools_todos_and_footer_are_shown(screen: Terminal) -> None:
    screen.type("work\r")
    await screen.see("1 tool", times=1)
    shown = screen.text
    places = [
        shown.index(text)
        for text in (
            *("❯ work", "I think so", "Let me look.", "✓ Bash: ls -l", "a.txt", "b.txt"),
            *("There are two files.", "☑ Look", "4.2 s"),
        )
    ]
    assert places == sorted(places)
    assert shown.count("Let me look.") == 1
    for dim in (b"\x1b[2mI think so", b"\x1b[2ma.txt"):
        assert dim in screen.raw, "what may be skipped is dim"


async def test_a_long_answer_is_printed_once_and_whole(screen: Terminal) -> None:
    screen.type("long\r")
    await screen.see("4.2 s")
    said = [line for line in screen.text.splitlines() if line.startswith("Paragraph")]
    assert said == LONG.strip().split("\n\n")


async def test_a_line_of_three_million_characters_holds_nothing_up(screen: Terminal) -> None:
    screen.keep = False
    screen.type("huge\r")
    await screen.hear(b"4.2 s")
    assert screen.raw.count(b"x") >= 3_000_000


async def test_an_approval_says_what_to_type_and_a_number_decides(screen: Terminal) -> None:
    screen.type("approve\r")
    await screen.see("or /deny and a reason")
    assert "1 Allow" in screen.text
    assert "rm -rf build␛[2K" in screen.text, "the command cannot hide behind control characters"
    screen.type("1\r")
    await screen.see("You typed /allow r1")
    screen.type("approve\r")
    await screen.see("or /deny and a reason", times=2)
    screen.type("/deny too risky\r")
    await screen.see("You typed /deny too risky")


async def test_a_question_is_answered_by_number(screen: Terminal) -> None:
    screen.type("ask\r")
    await screen.see("2 Blue")
    screen.type("2\r")
    await screen.see("You chose by /answer q1 0 1 (action)")


async def test_ctrl_c_stops_the_running_turn_and_the_chat_goes_on(screen: Terminal) -> None:
    screen.type("slow\r")
    await screen.see("Working…")
    screen.type("\x03")
    await screen.see("Stopped.")
    screen.type("hello\r")
    await screen.see("Echo: hello")


async def test_what_is_typed_meanwhile_waits_and_stop_overtakes_it(screen: Terminal) -> None:
    screen.type("slow\r")
    await screen.see("It begins")
    screen.type("hello\r")
    await screen.see("1 other turn goes first")
    screen.type("/stop\r")
    await screen.see("Echo: hello")
    assert screen.text.index("It begins") < screen.text.index("Echo: hello")


async def test_a_half_typed_line_survives_what_is_printed(screen: Terminal) -> None:
    screen.type("slow\r")
    await screen.see("It begins")
    screen.type("half typed")
    await screen.see_bottom("❯ half typed")
    screen.type("\x03")
    await screen.see("Stopped.")
    await screen.see_bottom("❯ half typed")


async def test_two_ctrl_c_at_the_prompt_leave(screen: Terminal) -> None:
    screen.type("some text")
    await screen.see_bottom("❯ some text")
    screen.type("\x03")
    await screen.see_bottom("❯")
    screen.type("\x03")
    await screen.see("Press Ctrl-C again")
    screen.type("\x03")
    await screen.ended()


@pytest.mark.parametrize("keys", ["\x04", "/quit\r"])
async def test_ctrl_d_and_quit_leave(screen: Terminal, keys: str) -> None:
    screen.type(keys)
    await screen.ended()


async def test_commands_are_completed(screen: Terminal) -> None:
    screen.type("/sess")
    await screen.see("/sessions")


async def test_typed_lines_are_remembered_privately(tmp_path: Path) -> None:
    async with terminal(tmp_path) as screen:
        await screen.see("❯")
        screen.type("something secret\r")
        await screen.see("Echo: something secret")
        screen.type("\x04")
        await screen.ended()
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600
    async with terminal(tmp_path) as screen:
        await screen.see("❯")
        screen.type("\x1b[A")
        await screen.see_bottom("❯ something secret")


async def test_leaving_while_a_turn_runs_shows_how_it_ended(screen: Terminal) -> None:
    screen.type("slow\r")
    await screen.see("It begins")
    screen.type("\x04")
    await screen.ended()
    assert "Stopped." in screen.text


async def test_when_the_bot_stops_the_terminal_is_as_it_was(screen: Terminal) -> None:
    screen.type("slow\rhalf typed")
    await screen.see_bottom("❯ half typed")
    screen.process.send_signal(signal.SIGTERM)
    await screen.ended()
    await screen.see("Stopped.")
    assert screen.raw.rfind(b"\x1b[?2004l") > screen.raw.rfind(b"\x1b[?2004h"), "pasting is as before"
    assert "Traceback" not in screen.text


async def test_a_terminal_that_cannot_draw_gets_plain_text(tmp_path: Path) -> None:
    async with terminal(tmp_path, {"TERM": "dumb"}) as screen:
        screen.type("work\n")
        await screen.see("_4.2 s")
        assert b"\x1b" not in screen.raw
        screen.process.send_signal(signal.SIGKILL)


async def test_one_empty_line_stands_around_a_list(screen: Terminal) -> None:
    screen.type("these:\x1b\r\x1b\r- one\x1b\r- two\x1b\r\x1b\rThat is all\r")
    await screen.see("4.2 s")
    answer = screen.text[screen.text.index("Echo:") :]
    assert "Echo: these:\n\n • one\n • two\n\nThat is all\n\n4.2 s" in answer


async def test_the_first_key_says_that_a_line_will_come(tmp_path: Path) -> None:
    async with terminal(tmp_path) as screen:
        await screen.see("❯")
        assert not (tmp_path / "typing").exists()
        screen.type("h")
        await screen.see("❯ h")
        async with asyncio.timeout(5):
            while not (tmp_path / "typing").exists():  # noqa: ASYNC110 (a file does not signal)
                await asyncio.sleep(0.01)

"""The rehearsal shows the product through the real CLI, and login is known by the CLI's own word."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botkit.claude.credentials import logged_in
from botkit.errors import ClaudeMissing
from botkit.rehearsal import Rehearsal
from botkit.rehearsal_script import TOPICS, topic
from tests.botkit.testing.live_cli import CLI, LiveCli, live_cli


@pytest.fixture
async def cli(tmp_path: Path) -> AsyncIterator[LiveCli]:
    async with Rehearsal(words_per_second=0) as rehearsal, live_cli(rehearsal.environment(tmp_path), tmp_path) as cli:
        yield cli


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("hello", ""),
        ("Code, please", "code"),
        ("What did I ask you first?", "history"),
        ("Can you write me a python function?", "code"),
        ("some context about a tool\nand now an ERROR", "error"),
        ("", ""),
        *[(name, name) for name in TOPICS],
    ],
)
def test_the_last_line_says_what_is_wanted(prompt: str, expected: str) -> None:
    assert topic(prompt) == expected


async def test_it_says_that_it_is_not_claude_and_what_to_try(cli: LiveCli) -> None:
    first = await cli.turn("What is the capital of France?")
    assert "rehearsal model" in first
    assert "not Claude" in first
    assert "> What is the capital of France?" in first
    assert "`question`" in first
    assert "1. What is the capital of France?" in await cli.turn("history")
    assert cli.lines[-1]["total_cost_usd"] == 0, "what costs nothing has no price"


async def test_answers_have_code_thinking_and_length(cli: LiveCli) -> None:
    assert "```python" in await cli.turn("code")
    assert "I thought about it first" in await cli.turn("think")
    assert "".join(cli.deltas("thinking")).startswith("The person wants")
    assert len(await cli.turn("long")) > 4000


async def test_a_tool_is_really_run_in_the_working_directory(cli: LiveCli, tmp_path: Path) -> None:
    (tmp_path / "here-i-am.txt").touch()
    assert "here-i-am.txt" in await cli.turn("tool")


async def test_writing_asks_and_a_question_is_answered(cli: LiveCli, tmp_path: Path) -> None:
    cli.prompt("approval")
    cli.allow(await cli.next("control_request"))
    await cli.next("result")
    assert (tmp_path / "rehearsal.txt").exists()
    cli.prompt("question")
    cli.allow(await cli.next("control_request"), answers={"Which form do you prefer?": "Markdown"})
    assert "Markdown it is" in str((await cli.next("result"))["result"])


async def test_a_todo_list_changes_while_it_works(cli: LiveCli) -> None:
    assert "All three are done" in await cli.turn("todo")
    assert str(cli.lines).count("Todos have been modified") >= 4


async def test_an_error_is_retried_once_and_then_said(cli: LiveCli) -> None:
    cli.prompt("error")
    result = await cli.next("result")
    assert result["is_error"] is True
    assert "This error is rehearsed" in str(result["result"])
    assert [line["error_status"] for line in cli.lines if line.get("subtype") == "api_retry"] == [529]


async def test_the_cli_says_whether_it_has_credentials(tmp_path: Path) -> None:
    bare = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    assert not await logged_in([CLI], bare)
    assert await logged_in([CLI], bare | {"ANTHROPIC_API_KEY": "something"})


async def test_a_cli_that_cannot_answer_is_not_logged_in(tmp_path: Path) -> None:
    odd = tmp_path / "claude"
    odd.write_text("#!/bin/sh\necho not json\n")
    odd.chmod(odd.stat().st_mode | stat.S_IXUSR)
    assert not await logged_in([str(odd)], {})
    with pytest.raises(ClaudeMissing):
        await logged_in([str(tmp_path / "nothing")], {})

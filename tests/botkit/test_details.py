"""Who wants to see everything gets it, whatever its length."""

from __future__ import annotations

import asyncio
from pathlib import Path

from botkit.details import left_out
from botkit.display import Display
from botkit.events import TextDelta, ThinkingDelta, ToolFinished, ToolStarted, TurnEvent, TurnFinished
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts

LONG = "\n".join(f"line {number}" for number in range(1, 101))


def work(output: str) -> tuple[TurnEvent, ...]:
    return (
        ThinkingDelta("Let me "),
        ThinkingDelta("look."),
        TextDelta("I look."),
        ThinkingDelta("of a sub-agent", parent="1"),
        ToolStarted("1", "Bash", "seq 100"),
        ToolFinished("1", ok=True, output=output),
    )


def test_what_is_shown_in_the_chat_needs_no_file() -> None:
    assert left_out(()) == left_out(work("line 1")) == ""


def test_what_is_too_long_for_the_chat_stands_in_the_file_in_full() -> None:
    assert left_out(work(LONG)) == f"## Thought\n\n```\nLet me look.\n```\n\n## ✓ Bash: seq 100\n\n```\n{LONG}\n```\n"


def test_a_step_that_is_no_longer_shown_is_in_the_file() -> None:
    steps = [ToolStarted(str(number), "Bash", f"step {number}") for number in range(50)]
    assert "## ⏳ Bash: step 0\n" in left_out(steps)


async def test_the_file_goes_out_before_the_answer_and_hides_secrets(tmp_path: Path) -> None:
    runner = ScriptedRunner(lambda _: [*work(LONG), TurnFinished("Done.")])
    parts = Parts(
        tmp_path, runner=runner, settings={"display": Display("full", footer=False)}, secrets=frozenset(("line 77",))
    )
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("go")
        await parts.adapter.until_text("Done.")
    (file,) = (tmp_path / ".botkit" / "uploads").rglob("sent-*")
    written = file.read_text(encoding="utf-8")
    assert "line 76\n" in written
    assert "line 77" not in written


async def test_a_folder_that_cannot_be_written_to_costs_only_the_file(tmp_path: Path) -> None:
    (tmp_path / ".botkit").symlink_to(tmp_path)
    runner = ScriptedRunner(lambda _: [*work(LONG), TurnFinished("Done.")])
    parts = Parts(tmp_path, runner=runner, settings={"display": Display("full", footer=False)})
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("go")
        await parts.adapter.until_text("Done.")

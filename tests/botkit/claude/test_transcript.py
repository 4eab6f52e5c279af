"""What was said in a session, read from the transcript the real CLI keeps."""

from __future__ import annotations

import time
from pathlib import Path

from botkit.claude.runner import ClaudeRunner
from botkit.claude.transcript import files, told
from botkit.events import Allow, ApprovalAsked, Decision, TurnEvent, TurnFinished
from tests.botkit.claude.conftest import Talk


def allow(event: TurnEvent) -> Decision | None:
    return Allow() if isinstance(event, ApprovalAsked) else None


async def test_the_history_has_both_sides_with_the_tools_that_were_used(talk: Talk, runner: ClaudeRunner) -> None:
    before = time.time() - 1
    assert isinstance(await talk.ask("!say First. "), TurnFinished)
    prompt = 'Look.\n!tool Bash {"command": "echo found", "description": "look"}\n!say There it is.'
    assert isinstance(await talk.ask(prompt, decide=allow), TurnFinished)
    history = await runner.history(talk.session.id)
    assert [said.role for said in history] == ["user", "assistant", "user", "assistant"]
    assert "First." in history[1].text
    assert history[2].text.startswith("Look.")
    (tool,) = history[3].tools
    assert (tool.name, tool.ok, tool.output.strip()) == ("Bash", True, "found")
    assert '"echo found"' in tool.input
    assert "There it is." in history[3].text
    assert before < history[0].at <= history[3].at < time.time() + 1
    assert len({said.id for said in history}) == 4


async def test_a_session_that_said_nothing_has_no_history(runner: ClaudeRunner) -> None:
    assert list(await runner.history("00000000-0000-4000-8000-000000000000")) == []


async def test_a_forgotten_session_leaves_nothing_behind(talk: Talk, runner: ClaudeRunner, tmp_path: Path) -> None:
    await talk.ask("!say The secret is out.")
    environment = {"HOME": str(tmp_path / "home")}
    assert files(environment, talk.session.id)
    assert await runner.forget(talk.session.id)
    assert not files(environment, talk.session.id)
    assert list(await runner.history(talk.session.id)) == []


def test_lines_that_nobody_said_or_that_are_cut_off_are_left_out() -> None:
    lines = [
        b'{"type":"user","uuid":"1","timestamp":"2026-01-02T03:04:05.000Z","message":{"content":"Hi"}}',
        b'{"type":"user","uuid":"2","isMeta":true,"message":{"content":"a reminder"}}',
        b'{"type":"assistant","uuid":"3","isSidechain":true,"message":{"content":[{"type":"text","text":"a helper"}]}}',
        b'{"type":"system","uuid":"4","message":{"content":"noise"}}',
        b'{"type":"summary"}',
        b"[1, 2]",
        b'{"type":"assistant","uuid":"5","timestamp":"?","message":{"content":[{"type":"thinking","thinking":"Hm"}]}}',
        b'{"type":"assistant","uuid":"6","message":{"content":[{"type":"text","text":"Hello"},{"type":"new_kind"}]}}',
        b'{"type":"assistant","uuid":"7","message":{"content":[{"type":"text","te',
    ]
    one, other = told(lines)
    assert (one.id, one.role, one.text, one.at) == ("1", "user", "Hi", 1767323045.0)
    assert (other.id, other.role, other.text, other.thinking, other.at) == ("5", "assistant", "Hello", "Hm", 0.0)


def test_a_tool_that_failed_says_so() -> None:
    call = '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Read","input":{"a": 1}}]}}'
    result = (
        '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,'
        '"content":[{"type":"text","text":"no such file"}]}]}}'
    )
    (said,) = told([call.encode(), result.encode()])
    (tool,) = said.tools
    assert (tool.input, tool.output, tool.ok) == ('{"a": 1}', "no such file", False)

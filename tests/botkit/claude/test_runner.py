from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import ToolFinished, ToolStarted, TurnFailed, TurnFinished, TurnStarted
from botkit.testing.model import LoopbackModel
from botkit.testing.runner_contract import Prompts, check_runner
from tests.botkit.claude.conftest import Talk, new_talk


async def test_an_answer_streams_and_finishes(talk: Talk) -> None:
    ended = await talk.ask("!words 20")
    assert isinstance(ended, TurnFinished)
    assert ended.text == talk.text
    assert ended.text.startswith("word1 word2")
    assert isinstance(talk.events[0], TurnStarted)
    assert ended.session == talk.session.id
    assert ended.usage.cost > 0


async def test_the_next_message_continues_in_the_same_process(talk: Talk, pool: Pool) -> None:
    await talk.ask("remember the plum")
    pid = pool.workers[0].pid
    ended = await talk.ask("!history")
    assert isinstance(ended, TurnFinished)
    assert "plum" in ended.text
    assert [worker.pid for worker in pool.workers] == [pid]


async def test_the_runner_keeps_the_contract(runner: ClaudeRunner, workdir: Path) -> None:
    prompts = Prompts("!say hello", "!words 1000 50ms", '!tool Bash {"command": "echo hi"}')
    await check_runner(runner, lambda prompt: new_talk(runner, workdir).turn(prompt), prompts)


async def test_text_before_and_after_a_tool_is_all_in_the_outcome(talk: Talk) -> None:
    ended = await talk.ask('!say Looking.\n!tool Bash {"command": "echo hi"}\n!say Found it.')
    assert isinstance(ended, TurnFinished)
    assert ended.text == talk.text == "Looking.\n\nFound it."
    assert [type(event) for event in talk.events if isinstance(event, ToolStarted | ToolFinished)] == [
        ToolStarted,
        ToolFinished,
    ]


@pytest.mark.parametrize("end", ["park", "kill", "fresh"])
async def test_cost_is_counted_once_whatever_became_of_the_worker(
    talk: Talk, pool: Pool, model: LoopbackModel, end: str
) -> None:
    first = await talk.ask("one")
    assert isinstance(first, TurnFinished)
    if end != "fresh":
        await talk.runner.park(talk.session.id)
    second = await talk.ask("!say two")
    if end == "kill":
        await pool.workers[0].kill()
        third = await talk.ask("!say three")
    else:
        await talk.runner.park(talk.session.id)
        third = await talk.ask("!say three")
    assert isinstance(second, TurnFinished)
    assert isinstance(third, TurnFinished)
    price = first.usage.cost / (first.usage.input_tokens + 5 * first.usage.output_tokens)
    for ended in (second, third):
        assert ended.usage.cost == pytest.approx(
            price * (ended.usage.input_tokens + 5 * ended.usage.output_tokens), rel=0.2
        )


async def test_a_turn_fails_plainly_when_the_api_refuses(talk: Talk) -> None:
    ended = await talk.ask("!status 400")
    assert isinstance(ended, TurnFailed)
    assert ended.reason == "api"


async def test_a_session_the_cli_lost_begins_anew_and_says_so(talk: Talk) -> None:
    talk.session = replace(talk.session, turns=3)
    talk.fresh = False
    ended = await talk.ask("hello")
    assert isinstance(ended, TurnFinished)
    assert any("anew" in getattr(event, "text", "") for event in talk.events)

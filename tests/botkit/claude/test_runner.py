from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import pytest

from botkit.claude.options import Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import Retrying, TextDelta, ToolFinished, ToolStarted, TurnFailed, TurnFinished, TurnStarted
from botkit.testing.model import LoopbackModel
from botkit.testing.runner_contract import Prompts, check_runner
from tests.botkit.claude.conftest import LIMITS, Talk, new_talk


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


async def test_a_missing_login_is_told_apart(profile: Profile, ambient: dict[str, str]) -> None:
    anonymous = {name: value for name, value in ambient.items() if name != "ANTHROPIC_API_KEY"}
    async with Pool(LIMITS, ambient=anonymous) as pool, ClaudeRunner(profile, pool) as runner:
        ended = await new_talk(runner, profile.workdir).ask("hello")
    assert isinstance(ended, TurnFailed)
    assert ended.reason == "login"


async def test_an_overloaded_api_is_tried_again_visibly(talk: Talk) -> None:
    ended = await talk.ask("!status 529 1\n!say at last")
    assert isinstance(ended, TurnFinished)
    assert ended.text == "at last"
    assert [event.status for event in talk.events if isinstance(event, Retrying)] == [529]


async def test_a_sub_agent_is_told_apart_from_the_answer(talk: Talk) -> None:
    given = {"description": "look", "prompt": "!say from below", "subagent_type": "general-purpose"}
    ended = await talk.ask(f"!tool Task {msgspec.json.encode(given).decode()}\n!say from above")
    assert isinstance(ended, TurnFinished)
    assert ended.text == "from above"
    tool = next(event for event in talk.events if isinstance(event, ToolStarted))
    assert (tool.name, tool.summary) == ("Task", "look")
    below = "".join(event.text for event in talk.events if isinstance(event, TextDelta) and event.parent == tool.id)
    assert below in ("", "from below")


async def test_stop_right_after_the_start_is_certain(talk: Talk) -> None:
    for _ in range(3):
        async with asyncio.timeout(10), talk.runner.start(talk.turn("!words 500 20ms")) as events:
            assert await talk.runner.stop(talk.session.id)
            seen = [event async for event in events]
        assert isinstance(seen[-1], TurnFailed)
        assert seen[-1].reason == "stopped"
    assert isinstance(await talk.ask("!say on"), TurnFinished)


async def test_platform_secrets_reach_neither_the_worker_nor_its_tools(
    profile: Profile, ambient: dict[str, str]
) -> None:
    ambient = {**ambient, "SLACK_BOT_TOKEN": "xoxb-s3cr3t", "BOTKIT_STORE_URL": "redis://:s3cr3t@host"}
    profile = replace(profile, allowed_tools=("Bash",))
    async with Pool(LIMITS, ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        ended = await new_talk(runner, profile.workdir).ask('!tool Bash {"command": "env; echo end"}\n!result')
        seen = psutil.Process(pool.workers[0].pid).environ()
    assert isinstance(ended, TurnFinished)
    assert "BOTKIT_WORKER" in seen
    assert "s3cr3t" not in str(seen)
    assert "s3cr3t" not in ended.text


async def test_a_live_worker_answers_ten_times_sooner_than_a_new_one(talk: Talk) -> None:
    loop = asyncio.get_running_loop()

    async def first_word() -> float:
        began = loop.time()
        async with asyncio.timeout(10), talk.runner.start(talk.turn("!words 3")) as events:
            found = -1.0
            async for event in events:
                if isinstance(event, TextDelta) and found < 0:
                    found = loop.time() - began
            return found

    new = await first_word()
    live = sorted([await first_word() for _ in range(9)])[4]
    print(f"new {new * 1000:.0f} ms, live {live * 1000:.1f} ms")  # noqa: T201
    assert live < new / 4


async def test_huge_lines_pass_in_both_directions(talk: Talk, model: LoopbackModel) -> None:
    ended = await talk.ask("!huge 3000000")
    assert isinstance(ended, TurnFinished)
    assert len(ended.text) == 3_000_000
    ended = await talk.ask(f"!say got it\n{'x' * 1_000_000}")
    assert isinstance(ended, TurnFinished)
    assert ended.text == "got it"


async def test_a_session_known_to_the_cli_is_never_begun_twice(talk: Talk) -> None:
    await talk.ask("remember the plum")
    await talk.runner.park(talk.session.id)
    talk.fresh = True
    ended = await talk.ask("!history")
    assert isinstance(ended, TurnFinished)
    assert "plum" in ended.text

"""Turns without a memory: each in a worker that was ready for anybody, and that goes with all it knew."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import Outcome, TurnFinished, TurnStarted
from botkit.model import PLAIN, Conversation, Overrides, Session, Turn, User
from botkit.testing.model import LoopbackModel

SCHEMA = json.dumps({"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]})


@pytest.fixture
async def pool(ambient: dict[str, str]) -> AsyncIterator[Pool]:
    async with Pool(PoolLimits(max_workers=4, spares=1), ambient=ambient) as pool:
        yield pool


@pytest.fixture
async def runner(pool: Pool, profile: Profile) -> AsyncIterator[ClaudeRunner]:
    profile = replace(profile, append_system_prompt="You are the bot.")
    async with ClaudeRunner(profile, pool, stateless=True) as runner:
        yield runner


async def ask(runner: ClaudeRunner, workdir: Path, prompt: str, overrides: Overrides = PLAIN) -> tuple[Outcome, str]:
    """One stateless turn: how it ended, and the id of its session."""
    id = await runner.reserve(overrides, stateless=True)
    session = Session(id, "bot", "", str(workdir), "key:1", 0.0, 0.0)
    conversation = Conversation("http", "1", uuid.uuid4().hex)
    turn = Turn(
        uuid.uuid4().hex, conversation, User("key:1"), prompt, session, True, stateless=True, overrides=overrides
    )
    async with asyncio.timeout(20), runner.start(turn) as events:
        seen = [event async for event in events]
    last = seen[-1]
    assert isinstance(last, Outcome)
    assert any(isinstance(event, TurnStarted) for event in seen)
    return last, id


def written(home: Path, session: str) -> list[Path]:
    """Files about a session, and transcripts of any."""
    return [path for path in home.rglob("*") if session in path.name or path.suffix == ".jsonl"]


async def spare(pool: Pool) -> str:
    """The session of a ready stateless spare, once there is one."""
    async with asyncio.timeout(20):
        while True:
            for worker in pool.workers:
                if worker.profile.stateless and pool.state(worker) == "spare":
                    return worker.session
            await asyncio.sleep(0.05)


async def test_a_ready_worker_answers_and_is_gone_with_all_it_knew(
    runner: ClaudeRunner, pool: Pool, workdir: Path, ambient: dict[str, str]
) -> None:
    ready = await spare(pool)
    ended, id = await ask(runner, workdir, "!say hello")
    assert id == ready
    assert isinstance(ended, TurnFinished)
    assert ended.text == "hello"
    assert await pool.park(id)
    assert pool.find(id) is None
    assert not written(Path(ambient["HOME"]), id)
    assert await spare(pool) != ready


async def test_the_next_caller_finds_nothing_of_the_one_before(
    runner: ClaudeRunner, workdir: Path, model: LoopbackModel
) -> None:
    await ask(runner, workdir, "my password is hunter22")
    ended, _ = await ask(runner, workdir, "!history")
    assert isinstance(ended, TurnFinished)
    assert "hunter22" not in ended.text
    assert "hunter22" not in json.dumps(model.requests[-1])
    assert "persistent file-based memory" not in json.dumps(model.requests[-1]["system"])


async def test_a_ready_worker_is_told_what_the_call_asks_for(
    runner: ClaudeRunner, pool: Pool, workdir: Path, model: LoopbackModel
) -> None:
    ready = await spare(pool)
    wishes = Overrides(system="Talk like a pirate.", model="claude-haiku-4-5", mode="plan", effort="low", thinking=2048)
    ended, id = await ask(runner, workdir, "!say arr", wishes)
    assert id == ready
    assert isinstance(ended, TurnFinished)
    asked = next(body for body in model.requests if body.get("tools"))
    system = json.dumps(asked["system"])
    assert "You are the bot." in system
    assert "Talk like a pirate." in system
    assert asked["model"] == "claude-haiku-4-5"
    assert asked["thinking"]["budget_tokens"] == 2048


async def test_an_answer_by_a_schema_is_the_json_alone(runner: ClaudeRunner, pool: Pool, workdir: Path) -> None:
    await spare(pool)
    prompt = '!say Let me see.\n!tool StructuredOutput {"answer": 42}'
    ended, _ = await ask(runner, workdir, prompt, Overrides(schema=SCHEMA))
    assert isinstance(ended, TurnFinished)
    assert json.loads(ended.text) == {"answer": 42}


async def test_a_call_may_have_fewer_tools(runner: ClaudeRunner, workdir: Path, model: LoopbackModel) -> None:
    await ask(runner, workdir, "!say ok", Overrides(tools=("Read",)))
    asked = next(body for body in model.requests if body.get("tools"))
    names = {tool["name"] for tool in asked["tools"]}
    assert "Read" in names
    assert not {"Bash", "Edit", "Write"} & names

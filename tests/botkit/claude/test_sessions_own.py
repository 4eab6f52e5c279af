"""What a session has of its own: a copy of another's memory, an agent, rules, the CLI's commands, its surroundings."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

from botkit.claude.pool import Pool
from botkit.events import TurnFinished
from botkit.model import Overrides
from botkit.testing.model import LoopbackModel
from tests.botkit.claude.conftest import Talk

PIRATE = json.dumps({"pirate": {"description": "Talks like a pirate.", "prompt": "You are PIRATE-MARK."}})


async def test_a_fork_remembers_what_was_said_until_then_and_no_more(talk: Talk, model: LoopbackModel) -> None:
    await talk.ask("!say one")
    asked, copy = len(model.requests), str(uuid.uuid4())
    assert await talk.runner.fork(talk.session, copy)
    assert len(model.requests) == asked, "a copy costs nothing"
    await talk.ask("!say two")
    said = await talk.runner.history(copy)
    assert [(each.role, each.text) for each in said] == [("user", "!say one"), ("assistant", "one")]
    other = Talk(talk.runner, talk.workdir, replace(talk.session, id=copy), fresh=False)
    outcome = await other.ask("!history")
    assert isinstance(outcome, TurnFinished)
    assert "I see 2 prompts" in outcome.text
    assert outcome.session == copy


async def test_what_nobody_has_said_anything_in_is_not_copied(talk: Talk) -> None:
    assert not await talk.runner.fork(talk.session, str(uuid.uuid4()))


async def test_a_sessions_agent_answers_and_its_worker_lives_on(talk: Talk, pool: Pool, model: LoopbackModel) -> None:
    talk.session = replace(talk.session, overrides=Overrides(agent="pirate", agents=PIRATE))
    await talk.ask("!say arr")
    assert "PIRATE-MARK" in json.dumps(model.requests[-1]["system"])
    before = pool.find(talk.session.id)
    assert before is not None
    await talk.ask("!history")
    assert pool.find(talk.session.id) is before


async def test_the_clis_commands_are_known_before_the_first_turn(talk: Talk) -> None:
    commands = await talk.runner.commands(talk.session)
    assert commands
    assert {"compact", "context"} <= {each.name for each in commands}


async def test_a_tool_that_a_session_may_not_use_is_not_offered(talk: Talk, model: LoopbackModel) -> None:
    talk.session = replace(talk.session, overrides=Overrides(disallowed_tools=("Bash",)))
    await talk.ask("!say hello")
    assert "Bash" not in [tool["name"] for tool in model.requests[-1]["tools"]]


def test_the_surroundings_are_those_of_the_sessions_worker(talk: Talk) -> None:
    own = replace(talk.session, mode="plan", rules=("Bash(ls)",), overrides=Overrides(disallowed_tools=("Write",)))
    around = talk.runner.surroundings(own)
    assert (around.workdir, around.mode) == (talk.workdir, "plan")
    assert "Bash(ls)" in around.allowed
    assert "Write" in around.disallowed
    assert around.marker in around.environment.values()

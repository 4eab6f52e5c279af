"""A thread in which many people write at once, on the loopback Slack with its real limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.slack.testing import LoopbackSlack, Post
from botkit.access import Access
from botkit.bot import Bot, BotSettings
from botkit.leases import owner
from botkit.middleware.errors import errors
from botkit.middleware.lane import lane
from botkit.middleware.session import session
from botkit.routing import Routes
from botkit.stores.memory import MemoryStore
from botkit.testing.scripted_runner import ScriptedRunner
from handlers import chat, commands
from tests.adapters.slack.rig import adapter_for

MANY = 100


@asynccontextmanager
async def busy(root: Path, slack: LoopbackSlack, *, queue: int) -> AsyncGenerator[tuple[Bot, ScriptedRunner, Post]]:
    """A bot whose first answer in a thread ends when the runner's gate is opened; and what began the thread."""
    runner = ScriptedRunner()
    runner.gate.clear()
    bot = Bot(
        "main",
        settings=BotSettings(root, queue=queue),
        adapters=[adapter_for(slack, status="off")],
        routes=Routes((*chat.routes, *commands.routes)),
        middleware=[errors, lane, session],
        runner=runner,
        store=MemoryStore(),
        owner=owner(),
        access=Access(allow_users=frozenset({"*"})),
    )
    async with bot, asyncio.timeout(30):
        began = await slack.say("alice", "general", f"{slack.app.mention} the first")
        await slack.until(lambda: shown(slack, began, "the first"))
        yield bot, runner, began
        runner.gate.set()


def shown(slack: LoopbackSlack, began: Post, text: str) -> list[Post]:
    return [post for post in slack.messages("general", began.ts) if post.app and text in post.shown]


def posted(slack: LoopbackSlack) -> int:
    return len([call for call in slack.calls if call.method == "chat.postMessage"])


async def test_a_hundred_messages_in_line_take_one_notice(tmp_path: Path) -> None:
    async with LoopbackSlack() as slack, busy(tmp_path, slack, queue=MANY) as (bot, _, began):
        for number in range(MANY):
            await slack.say("alice", "general", f"{slack.app.mention} question {number}", began)
        await slack.until(lambda: len(bot.tasks) == MANY + 1)
        await slack.until(lambda: shown(slack, began, f"{MANY - 1} more messages wait"), 20)
        assert posted(slack) == 2, "the answer under way, and the notice"
        assert not slack.rate_limited
        await slack.say("bob", "general", f"{slack.app.mention} !stop all", began)
        await slack.until(lambda: shown(slack, began, f"{MANY} waiting messages were dropped"))
        await slack.until(lambda: len(bot.tasks) == 0)
        assert posted(slack) == 3, "and what /stop all says"


async def test_a_full_queue_takes_one_notice_too(tmp_path: Path) -> None:
    async with LoopbackSlack() as slack, busy(tmp_path, slack, queue=1) as (_, _, began):
        for number in range(20):
            await slack.say("alice", "general", f"{slack.app.mention} question {number}", began)
        await slack.until(lambda: shown(slack, began, "19 messages were not taken"))
        await slack.settled()
        assert posted(slack) == 3
        assert len(shown(slack, began, "already wait here")) == 1


async def test_an_edit_counts_while_the_message_waits_and_is_told_to_be_late_after_that(tmp_path: Path) -> None:
    async with LoopbackSlack() as slack, busy(tmp_path, slack, queue=5) as (_, runner, began):
        waits = await slack.say("bob", "general", f"{slack.app.mention} the second", began)
        await slack.until(lambda: shown(slack, began, "1 other turn"))
        await slack.edit(waits, f"{slack.app.mention} the second, better")
        await slack.edit(began, f"{slack.app.mention} the first, better")
        await slack.until(lambda: shown(slack, began, "answers what stood there before"))
        runner.gate.set()
        await slack.until(lambda: shown(slack, began, "the second, better"))
    assert [turn.prompt.splitlines()[-1] for turn in runner.turns] == ["the first", "the second, better"]

"""Whatever goes wrong inside a handler becomes something its sender can read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from botkit.bot import Bot
from botkit.context import Context
from botkit.errors import ClaudeMissing, Refused, StoreError
from botkit.lanes import Withdrawn
from botkit.limits import Limits
from botkit.redact import Redactor
from botkit.routing import Route, Routes
from tests.botkit.bots import EVERYBODY, Parts


def serve(bot: Bot, *routes: Route) -> None:
    """Give the bot these routes only."""
    bot.routes = Routes(routes)


def failing(problem: Exception) -> Callable[[Context], Awaitable[None]]:
    async def handler(ctx: Context) -> None:
        raise problem

    return handler


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Refused("Not on Sundays."), "Not on Sundays."),
        (Withdrawn("it was deleted"), "it was deleted"),
        (StoreError("down"), "store did not answer"),
        (ClaudeMissing("no CLI"), "cannot be started"),
        (ZeroDivisionError("secret-number"), "Something went wrong"),
    ],
)
async def test_every_failure_is_visible_and_settled(tmp_path: Path, problem: Exception, said: str) -> None:
    parts = Parts(tmp_path)
    async with asyncio.timeout(5), parts.bot() as bot:
        serve(bot, Route(failing(problem), kinds=("new",)))
        await parts.adapter.say("hello")
        await parts.adapter.until_text(said)
    assert not any("secret-number" in text for text in parts.adapter.texts())
    assert await parts.store.take_over("main", "next", await parts.store.owners(), 0.0) == []


async def test_without_the_errors_middleware_a_failure_is_visible_all_the_same(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    async with asyncio.timeout(5), parts.bot() as bot:
        bot.apply(
            settings=bot.settings,
            routes=Routes([Route(failing(ZeroDivisionError("x")), kinds=("new",))]),
            middleware=[],
            access=EVERYBODY,
            limits=Limits(),
            redactor=Redactor(),
        )
        await parts.adapter.say("hello")
        await parts.adapter.until_text("Something went wrong")


async def test_a_command_for_other_roles_is_refused_also_after_a_restart(tmp_path: Path) -> None:
    ran: list[str] = []

    async def purge(ctx: Context) -> None:
        ran.append(ctx.message.author.id)
        await ctx.say("purged")

    route = Route(purge, commands=("purge",), role="approver")
    parts = Parts(tmp_path)
    async with asyncio.timeout(5), parts.bot() as bot:
        serve(bot, route)
        await parts.adapter.say("/purge", user="boss")
        await parts.adapter.until_text("purged")
        await parts.adapter.say("/purge")
        await parts.adapter.until_text("Only an approver may do this.")
    assert ran == ["boss"]


async def test_one_line_says_who_where_and_what_became_of_it(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    with capture_logs() as lines:
        async with asyncio.timeout(5), parts.bot():
            await parts.adapter.say("the-secret-plan")
            await parts.adapter.until_text("the-secret-plan")
    (line,) = [line for line in lines if line["event"] == "message"]
    assert (line["user"], line["outcome"], line["route"]) == ("ann", "answered", "chat")
    shown = [line for line in lines if "the-secret-plan" in str(line)]
    assert {line["log_level"] for line in shown} == {"debug"}

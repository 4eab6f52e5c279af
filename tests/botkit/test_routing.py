from __future__ import annotations

from typing import cast

import pytest

from botkit.commands import Command
from botkit.context import Context
from botkit.errors import ConfigError
from botkit.model import Conversation, Kind, Message, User
from botkit.routing import Handler, Middleware, Route, Routes, compose


async def chat(ctx: Context) -> None: ...


async def stop(ctx: Context) -> None: ...


CHAT = Route(chat, kinds=("new",))
STOP = Route(stop, commands=("stop", "halt"), urgent=True)


def said(text: str, *, kind: Kind = "new", addressed: bool = True) -> Message:
    return Message("1", Conversation("a", "s", "c"), User("u"), text, 0.0, kind=kind, addressed=addressed)


@pytest.mark.parametrize("text", ["/stop", "!stop", "/STOP now", "/halt"])
def test_a_command_finds_its_route_by_any_of_its_names(text: str) -> None:
    assert Routes([STOP, CHAT]).find(said(text)) is STOP


@pytest.mark.parametrize("text", ["stop", "please /stop", "/stopper", "/unknown", "", "/"])
def test_what_is_no_known_command_is_chat(text: str) -> None:
    assert Routes([STOP, CHAT]).find(said(text)) is CHAT


def test_people_are_told_of_each_command_once_by_its_first_name() -> None:
    hidden = Route(chat, commands=("secret",))
    shown = Route(stop, commands=("deploy", "ship"), usage="TARGET [when]", about="put it into service", role="admin")
    assert Routes([shown, hidden, CHAT]).listed == (Command("deploy", "put it into service", "TARGET [when]", "admin"),)


@pytest.mark.parametrize(
    ("usage", "complete"), [("", True), ("[ID] [when]", True), ("[ID] TEXT", False), ("N|ID", False)]
)
def test_what_must_follow_a_command_stands_outside_brackets(usage: str, complete: bool) -> None:
    assert Command("c", "about", usage).complete is complete


def test_a_button_is_the_command_it_stands_for() -> None:
    assert Routes([STOP, CHAT]).find(said("/stop", kind="action")) is STOP


def test_an_edit_to_a_command_does_not_run_it() -> None:
    assert Routes([STOP, CHAT]).find(said("/stop", kind="edited")) is None


def test_what_is_not_meant_for_the_bot_has_no_route() -> None:
    assert Routes([STOP, CHAT]).find(said("hello", addressed=False)) is None


def test_two_handlers_of_one_command_are_refused() -> None:
    with pytest.raises(ConfigError, match="/stop"):
        Routes([STOP, Route(chat, commands=("stop",))])


async def test_the_first_middleware_is_the_outermost() -> None:
    seen: list[str] = []

    def layer(name: str) -> Middleware:
        async def middleware(ctx: Context, handler: Handler) -> None:
            seen.append(f"{name} in")
            await handler(ctx)
            seen.append(f"{name} out")

        return middleware

    async def handler(ctx: Context) -> None:
        seen.append("handler")

    nobody = cast(Context, None)
    await compose([layer("a"), layer("b")], handler)(nobody)
    assert seen == ["a in", "b in", "handler", "b out", "a out"]

"""Decides what Claude asked, for a program: in its own sessions, or with an admin's key anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.http.authors import KEY
from adapters.http.errors import HttpError, not_found
from adapters.http.sessions import owns
from botkit.approvals import Pending
from botkit.bot import Bot
from botkit.errors import Refused
from botkit.events import Answer, Decision, QuestionAsked
from botkit.model import Message, Role, User

if TYPE_CHECKING:
    from adapters.http.call import Call


@dataclass(frozen=True, slots=True)
class _Program:
    """Implements `Decider`."""

    message: Message
    role: Role
    prefix: str = "/"


def pending(call: Call) -> list[tuple[Bot, Pending]]:
    """What waits for a decision that this key may make."""
    found: list[tuple[Bot, Pending]] = []
    for name, bot in call.gateway.house.bots.items():
        if call.key.scopes.bot(name):
            found += [(bot, each) for each in bot.approvals.pending() if _may(call, each)]
    return found


async def decide(call: Call, request: str, decision: Decision) -> None:
    """Carry a decision out, once. Raises HttpError: 404 for what is not open or not this key's, 400, 409."""
    found = next(((bot, each) for bot, each in pending(call) if each.asked.id == request), None)
    if found is None:
        raise not_found("open request")
    bot, asked = found
    if isinstance(asked.asked, QuestionAsked) and isinstance(decision, Answer):
        wanted = len(asked.asked.questions)
        if len(decision.labels) != wanted or not all(decision.labels):
            raise HttpError(400, "invalid_request", f"expected an answer to each of {wanted} questions", field="labels")
    elif isinstance(decision, Answer):
        raise HttpError(400, "invalid_request", "this is no question; allow or deny it", field="labels")
    try:
        await bot.approvals.decide(_decider(call, asked), request, decision)
    except Refused as problem:
        raise HttpError(409, "not_open", problem.text) from None


def _may(call: Call, each: Pending) -> bool:
    return call.key.scopes.admin or owns(call.key, each.message.author.id)


def _decider(call: Call, each: Pending) -> _Program:
    """Whoever asked decides in their own name; an admin in that of the key."""
    if owns(call.key, each.message.author.id):
        return _Program(each.message, "user")
    return _Program(replace(each.message, author=User(f"{KEY}{call.key.id}", call.key.name)), "admin")

"""Deciding what Claude asks: buttons and typed words are the same commands."""

from __future__ import annotations

from botkit import texts
from botkit.context import Context
from botkit.errors import Refused
from botkit.events import Allow, Deny, Question
from botkit.routing import Route


async def allow(ctx: Context) -> None:
    """`/allow [ID] [session]`."""
    id, rest = _request(ctx)
    await ctx.bot.approvals.decide(ctx, id, Allow(for_session=rest.lower() == "session"))


async def deny(ctx: Context) -> None:
    """`/deny [ID] [reason]`; Claude reads the reason."""
    id, reason = _request(ctx)
    await ctx.bot.approvals.decide(ctx, id, Deny(reason))


async def answer(ctx: Context) -> None:
    """`/answer [ID] [question choice]`: numbers from a button, or a typed number, label or free text."""
    id, rest = _request(ctx)
    asked = ctx.bot.approvals.question(id)
    first, _, second = rest.partition(" ")
    if ctx.message.kind == "action" and first.isdecimal() and second.isdecimal():
        number, choice = int(first), int(second)
        if number >= len(asked.questions) or choice >= len(asked.questions[number].choices):
            raise Refused(texts.NO_REQUEST)
        labels: tuple[str, ...] = (asked.questions[number].choices[choice].label,)
    else:
        number = ctx.bot.approvals.next_question(id)
        labels = _labels(asked.questions[number], rest)
    await ctx.bot.approvals.choose(ctx, id, number, labels)


def _request(ctx: Context) -> tuple[str, str]:
    """The request meant and what else was said."""
    first, _, rest = ctx.message.arguments.partition(" ")
    if first and ctx.bot.approvals.is_open(first):
        return first, rest.strip()
    if ctx.message.kind == "action":
        raise Refused(texts.NO_REQUEST)
    return ctx.bot.approvals.find(ctx, ""), ctx.message.arguments


def _labels(question: Question, said: str) -> tuple[str, ...]:
    """Typed answers: numbers or labels, separated by commas where several may be taken; anything else is free text."""
    parts = [part.strip() for part in said.split(",")] if question.several else [said.strip()]
    if not all(parts):
        raise Refused(texts.NOTHING_SAID)
    names = {choice.label.lower(): choice.label for choice in question.choices}
    numbers = {str(number): choice.label for number, choice in enumerate(question.choices, start=1)}
    return tuple(numbers.get(part) or names.get(part.lower()) or part for part in parts)


routes = (
    Route(
        allow, commands=("allow",), usage="[ID] [session]", about="let Claude use the tool", urgent=True, limited=False
    ),
    Route(deny, commands=("deny",), usage="[ID] [reason]", about="do not let it", urgent=True, limited=False),
    Route(
        answer, commands=("answer",), usage="[ID] TEXT", about="answer Claude's question", urgent=True, limited=False
    ),
)

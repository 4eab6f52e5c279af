"""`/api/approvals`: what Claude asks before it goes on."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from adapters.http.api.answers import Told, told
from adapters.http.call import Call
from adapters.http.deciding import decide, pending
from adapters.http.endpoint import Endpoint
from adapters.http.errors import invalid, not_found
from adapters.http.wishes import Body
from botkit.approvals import Pending
from botkit.events import Allow, Answer, Decision, Deny, Question, QuestionAsked

Label = Annotated[str, Field(max_length=10_000)]


class ChoiceShown(Told):
    label: str
    description: str


class QuestionShown(Told):
    """A question to the people."""

    text: str
    header: str
    choices: list[ChoiceShown]
    several: bool
    """More than one may be chosen."""


class Approval(Told):
    """Something that waits for a word."""

    id: str
    kind: Literal["approval", "question"]
    bot: str
    session: str
    turn: str
    tool: str
    summary: str
    detail: str
    rules: list[str]
    """What "for the session" grants."""
    questions: list[QuestionShown]


class Approvals(Told):
    """Oldest first."""

    data: list[Approval]


class DecisionMade(Body):
    """An approval is allowed or denied; a question is answered."""

    allow: bool | None = None
    for_session: bool = False
    """Also grants exactly the rules that were shown, until the session ends."""
    reason: Annotated[str, Field(max_length=10_000)] = ""
    """Of a denial; Claude reads it."""
    labels: Annotated[list[Annotated[list[Label], Field(max_length=100)]], Field(max_length=100)] | None = None
    """For each question its labels, or free text."""


class Decided(Told):
    """What was decided."""

    id: str
    decision: Literal["allowed", "denied", "answered"]


async def page(call: Call) -> web.StreamResponse:
    return told(Approvals(data=[_shown(bot.name, each) for bot, each in pending(call)]))


async def show(call: Call) -> web.StreamResponse:
    id = call.part("id")
    found = next(((bot, each) for bot, each in pending(call) if each.asked.id == id), None)
    if found is None:
        raise not_found("open request")
    return told(_shown(found[0].name, found[1]))


async def make(call: Call) -> web.StreamResponse:
    id, body = call.part("id"), call.parsed(DecisionMade)
    if (body.allow is None) == (body.labels is None):
        raise invalid("allow", "expected either allow or labels")
    decision: Decision = Deny(body.reason)
    name: Literal["allowed", "denied", "answered"] = "denied"
    if body.labels is not None:
        decision, name = Answer(tuple(tuple(each) for each in body.labels)), "answered"
    elif body.allow:
        decision, name = Allow(body.for_session), "allowed"
    await decide(call, id, decision)
    return told(Decided(id=id, decision=name))


def _shown(bot: str, each: Pending) -> Approval:
    asked = each.asked
    blank = Approval(
        id=asked.id,
        kind="approval",
        bot=bot,
        session=each.session,
        turn=each.turn,
        tool="",
        summary="",
        detail="",
        rules=[],
        questions=[],
    )
    if isinstance(asked, QuestionAsked):
        questions = [_question(question) for question in asked.questions]
        return blank.model_copy(update={"kind": "question", "questions": questions})
    told = {"tool": asked.tool, "summary": asked.summary, "detail": asked.detail, "rules": list(asked.rules)}
    return blank.model_copy(update=told)


def _question(question: Question) -> QuestionShown:
    choices = [ChoiceShown(label=choice.label, description=choice.description) for choice in question.choices]
    return QuestionShown(text=question.text, header=question.header, choices=choices, several=question.several)


_ALL, _ONE = "/api/approvals", "/api/approvals/{id}"
ENDPOINTS = (
    Endpoint("GET", _ALL, page, "What waits for a decision", "sessions", answer=Approvals),
    Endpoint("GET", _ONE, show, "One of them", "sessions", answer=Approval),
    Endpoint("POST", _ONE, make, "Decide it, once", "sessions", body=DecisionMade, answer=Decided, counts="free"),
)

"""The CLI's control lines: what botkit asks of it, what it asks of people, and the answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from botkit.claude import wire
from botkit.claude.options import replayable
from botkit.claude.summary import detail, fields, summary
from botkit.events import (
    Allow,
    Answer,
    ApprovalAsked,
    Choice,
    Decision,
    Deny,
    Question,
    QuestionAsked,
    RequestClosed,
)
from botkit.surroundings import CliCommand

QUESTIONS = "AskUserQuestion"


class _Option(msgspec.Struct):
    label: str
    description: str = ""


class _Question(msgspec.Struct):
    question: str
    header: str = ""
    options: list[_Option] = msgspec.field(default_factory=list[_Option])
    several: bool = msgspec.field(default=False, name="multiSelect")


class _Questions(msgspec.Struct):
    questions: list[_Question]


class _Command(msgspec.Struct):
    name: str
    description: str = ""
    usage: str = msgspec.field(default="", name="argumentHint")


class _Offered(msgspec.Struct):
    commands: list[_Command] = msgspec.field(default_factory=list[_Command])


class _Session(msgspec.Struct):
    total: float = msgspec.field(default=0.0, name="total_cost_usd")


class _Usage(msgspec.Struct):
    session: _Session


@dataclass(frozen=True, slots=True)
class Request:
    """Something the CLI asks of people. `id` is what people decide, `cli` the CLI's own name for it."""

    id: str
    cli: str
    asked: wire.Asked
    event: ApprovalAsked | QuestionAsked


def request(id: str, line: wire.ControlRequest) -> Request:
    """What to show for a `can_use_tool` line."""
    asked = line.request
    given = fields(asked.input)
    event: ApprovalAsked | QuestionAsked | None = None
    if asked.tool_name == QUESTIONS:
        event = _question(id, asked)
    if event is None:
        said = summary(asked.tool_name, given) or (asked.description or "")
        event = ApprovalAsked(id, asked.tool_name, said, detail(asked.tool_name, given), _rules(asked))
    return Request(id, line.request_id, asked, event)


def decided(request: Request, decision: Decision) -> tuple[bytes, RequestClosed]:
    """The line that answers the CLI, and what people are told."""
    match decision:
        case Allow(for_session=for_session):
            rules = _rules(request.asked) if for_session else ()
            body: dict[str, object] = {"behavior": "allow", "updatedInput": request.asked.input}
            if rules:
                body["updatedPermissions"] = [_grant(request.asked)]
            told = f"allowed for this session: {', '.join(rules)}" if rules else "allowed"
            return _answer(request.cli, body), RequestClosed(request.id, True, told, rules)
        case Answer(labels=labels) if isinstance(request.event, QuestionAsked):
            texts = [", ".join(chosen) for chosen in labels]
            answers = {question.text: text for question, text in zip(request.event.questions, texts, strict=False)}
            given = {**fields(request.asked.input), "answers": answers}
            body = {"behavior": "allow", "updatedInput": given}
            return _answer(request.cli, body), RequestClosed(request.id, True, "; ".join(texts))
        case Answer():
            return decided(request, Deny("This was not a question."))
        case Deny(reason=reason):
            why = reason or "A person did not allow this."
            body = {"behavior": "deny", "message": why}
            return _answer(request.cli, body), RequestClosed(request.id, False, reason or "denied")


def command(id: str, subtype: str, **more: object) -> bytes:
    """A request to the CLI: `initialize`, `interrupt`, `get_usage` …"""
    return _line({"type": "control_request", "request_id": id, "request": {"subtype": subtype, **more}})


def allow(line: wire.ControlRequest) -> bytes:
    """The answer to a request to use a tool that nobody needs to be asked about."""
    return _answer(line.request_id, {"behavior": "allow", "updatedInput": line.request.input})


def served(id: str, reply: dict[str, object]) -> bytes:
    """The answer to an `mcp_message`."""
    return _answer(id, {"mcp_response": reply})


def refuse(id: str) -> bytes:
    """The answer to a request of the CLI that botkit does not know."""
    said = {"subtype": "error", "request_id": id, "error": "not supported"}
    return _line({"type": "control_response", "response": said})


def total_cost(response: wire.Response) -> float | None:
    """The session's cumulative cost out of the answer to `get_usage`; None when it does not say."""
    try:
        return msgspec.json.decode(response.response, type=_Usage).session.total
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def commands(response: wire.Response) -> tuple[CliCommand, ...]:
    """The CLI's own commands out of the answer to `initialize`; those that begin with `_` are for its own use."""
    try:
        found = msgspec.json.decode(response.response, type=_Offered).commands
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return tuple(CliCommand(each.name, each.description, each.usage) for each in found if not each.name.startswith("_"))


def _question(id: str, asked: wire.Asked) -> QuestionAsked | None:
    try:
        questions = msgspec.json.decode(asked.input, type=_Questions).questions
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return QuestionAsked(
        id,
        tuple(
            Question(
                each.question,
                each.header,
                tuple(Choice(option.label, option.description) for option in each.options),
                each.several,
            )
            for each in questions
        ),
    )


def _grantable(asked: wire.Asked) -> list[dict[str, str]]:
    """Rules that allow, and that come back unchanged when the session is resumed; nothing else is ever granted."""
    return [
        rule
        for suggestion in asked.suggestions
        if suggestion.type == "addRules" and suggestion.behavior == "allow"
        for rule in suggestion.rules
        if replayable(_text(rule))
    ]


def _rules(asked: wire.Asked) -> tuple[str, ...]:
    return tuple(_text(rule) for rule in _grantable(asked))


def _text(rule: dict[str, str]) -> str:
    content = rule.get("ruleContent")
    return f"{rule.get('toolName', '')}({content})" if content else rule.get("toolName", "")


def _grant(asked: wire.Asked) -> dict[str, object]:
    return {"type": "addRules", "rules": _grantable(asked), "behavior": "allow", "destination": "session"}


def _answer(id: str, body: dict[str, object]) -> bytes:
    said = {"subtype": "success", "request_id": id, "response": body}
    return _line({"type": "control_response", "response": said})


def _line(body: dict[str, object]) -> bytes:
    return msgspec.json.encode(body) + b"\n"

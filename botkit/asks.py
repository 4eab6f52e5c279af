"""What an approval and a question look like, open and closed, with and without buttons. Pure."""

from __future__ import annotations

from collections.abc import Callable

from botkit import texts
from botkit.events import ApprovalAsked, Question, QuestionAsked, RequestClosed
from botkit.markdown import block, code
from botkit.model import Action, Capabilities, Outgoing

Fits = Callable[[str], bool]


def opened(asked: ApprovalAsked | QuestionAsked, able: Capabilities, fits: Fits) -> Outgoing:
    """The message that asks. A detail that does not fit is cut, and the message says so."""
    if isinstance(asked, QuestionAsked):
        return _question(asked, able, fits)
    actions = () if not able.buttons else _approval_actions(asked)
    tail = [texts.rules([code(rule) for rule in asked.rules])] if asked.rules else []
    if not able.buttons:
        tail.append(texts.type_approval(able.command_prefix, asked.id, session=bool(asked.rules)))
    return Outgoing(_fitted(_title(asked), asked.detail, "\n\n".join(tail), fits), actions)


def closed(asked: ApprovalAsked | QuestionAsked, how: RequestClosed | None, fits: Fits) -> Outgoing:
    """The same message once it is decided, without buttons; `how` None: the turn ended first."""
    end = how or RequestClosed(asked.id, allowed=False, text=texts.CLOSED_WITH_TURN)
    result = texts.closed(allowed=end.allowed, text=end.text)
    text = f"{_title(asked)}\n\n{result}"
    return Outgoing(text if fits(text) else _cut(result, fits))


def _title(asked: ApprovalAsked | QuestionAsked) -> str:
    if isinstance(asked, ApprovalAsked):
        return texts.approval_title(asked.tool, code(asked.summary[:500]))
    return "\n".join(texts.question_title(question.header, question.text) for question in asked.questions)


def _approval_actions(asked: ApprovalAsked) -> tuple[Action, ...]:
    session = (Action(texts.ALLOW_FOR_SESSION, f"/allow {asked.id} session"),) if asked.rules else ()
    return (
        Action(texts.ALLOW, f"/allow {asked.id}", "primary"),
        *session,
        Action(texts.DENY, f"/deny {asked.id}", "danger"),
    )


def _fitted(title: str, detail: str, tail: str, fits: Fits) -> str:
    def message(shown: int) -> str:
        left = len(detail) - shown
        parts = [title, block(detail[:shown]) if shown else "", texts.not_shown(left) if left else "", tail]
        return "\n\n".join(part for part in parts if part)

    low, high = 0, len(detail)
    if fits(message(high)):
        return message(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(message(middle)) else (low, middle)
    return message(low)


def _question(asked: QuestionAsked, able: Capabilities, fits: Fits) -> Outgoing:
    actions: list[Action] = []
    parts: list[str] = []
    for number, question in enumerate(asked.questions):
        parts.append(_one_question(asked.id, question, able))
        prefix = f"{number + 1}: " if len(asked.questions) > 1 else ""
        actions += (
            Action(prefix + choice.label, f"/answer {asked.id} {number} {index}")
            for index, choice in enumerate(question.choices)
            if able.buttons
        )
    several = any(question.several for question in asked.questions)
    parts.append(texts.type_answer(able.command_prefix, asked.id, several=several, count=len(asked.questions)))
    text = "\n\n".join(parts)
    return Outgoing(_cut(text, fits), tuple(actions))


def _one_question(id: str, question: Question, able: Capabilities) -> str:
    lines = [texts.question_title(question.header, question.text)]
    for index, choice in enumerate(question.choices):
        about = f" — {choice.description}" if choice.description else ""
        typed = "" if able.buttons else f" ({texts.type_choice(able.command_prefix, f'answer {id} {index + 1}')})"
        lines.append(f"- **{choice.label}**{about}{typed}")
    return "\n".join(lines)


def _cut(text: str, fits: Fits) -> str:
    if fits(text):
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle] + "…") else (low, middle)
    return text[:low] + "…"

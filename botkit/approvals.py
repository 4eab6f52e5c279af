"""Open approvals and questions: who may decide them, once, before their time is over. Every decision is logged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from botkit import texts
from botkit.access import RANK
from botkit.context import Context
from botkit.errors import Refused
from botkit.events import Allow, Answer, ApprovalAsked, Decision, Deny, QuestionAsked, RequestClosed
from botkit.model import Message, Role
from botkit.protocols import Runner
from botkit.tasks import Tasks

log = structlog.get_logger("botkit")


@dataclass(slots=True, eq=False)
class _Open:
    ctx: Context
    asked: ApprovalAsked | QuestionAsked
    timer: asyncio.TimerHandle
    answers: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    closing: RequestClosed | None = None
    """How it was decided; the runner's own word that it is over follows."""


class Decider(Protocol):
    """Whoever decides: a `Context`, or a program that speaks for its user."""

    @property
    def message(self) -> Message:
        """Who they are and where they are."""
        ...

    @property
    def role(self) -> Role: ...

    @property
    def prefix(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits for a person."""

    asked: ApprovalAsked | QuestionAsked
    turn: str
    session: str
    message: Message
    """What began the turn."""


class Approvals:
    """The requests of a bot that wait for a person."""

    def __init__(self, runner: Runner, tasks: Tasks, timeout: float) -> None:
        """`timeout`: seconds after which an open request is denied."""
        self.timeout = timeout
        self._runner, self._tasks = runner, tasks
        self._open: dict[str, _Open] = {}

    def opened(self, ctx: Context, asked: ApprovalAsked | QuestionAsked) -> None:
        timer = asyncio.get_running_loop().call_later(self.timeout, self._expire, asked.id)
        self._open[asked.id] = _Open(ctx, asked, timer)
        what = asked.tool if isinstance(asked, ApprovalAsked) else "question"
        log.info("approval_asked", request=asked.id, turn=ctx.turn, tool=what)

    def closed(self, event: RequestClosed) -> RequestClosed:
        """The runner says that a request is over; returns it in the words of whoever decided it."""
        request = self._open.pop(event.id, None)
        if request is None:
            return event
        request.timer.cancel()
        return replace(request.closing, rules=event.rules) if request.closing else event

    def forget(self, ctx: Context) -> list[RequestClosed]:
        """The turn is over: whatever is still open is closed, so that nothing can be pressed any more."""
        ids = [id for id, request in self._open.items() if request.ctx is ctx]
        return [self.closed(RequestClosed(id, allowed=False, text=texts.REQUEST_OVER)) for id in ids]

    def find(self, ctx: Context, id: str) -> str:
        """The id of the request a person means: the one named, or the only one open here. Raises Refused."""
        if id in self._open:
            return id
        here = [key for key, request in self._open.items() if _same_place(request.ctx, ctx) and not request.closing]
        if id or not here:
            raise Refused(texts.NO_REQUEST)
        if len(here) > 1:
            raise Refused(texts.several_requests(here))
        return here[0]

    def question(self, id: str) -> QuestionAsked:
        """The open question with this id. Raises Refused when it is an approval."""
        request = self._open[id]
        if not isinstance(request.asked, QuestionAsked):
            raise Refused(texts.not_a_question(request.ctx.prefix))
        return request.asked

    def expects(self, message: Message) -> bool:
        """Whether what somebody writes can only be the answer to the one question that waits for them here."""
        here = [
            request
            for request in self._open.values()
            if request.ctx.message.conversation == message.conversation and request.closing is None
        ]
        if len(here) != 1 or message.kind != "new" or message.command:
            return False
        return isinstance(here[0].asked, QuestionAsked) and here[0].ctx.message.author == message.author

    def pending(self) -> list[Pending]:
        """All requests that nobody has decided yet, oldest first."""
        return [
            Pending(each.asked, each.ctx.turn, each.ctx.session.id if each.ctx.session else "", each.ctx.message)
            for each in self._open.values()
            if each.closing is None
        ]

    def is_open(self, id: str) -> bool:
        return id in self._open

    async def decide(self, by: Decider, id: str, decision: Decision) -> None:
        """Carry out a person's decision, once. Raises Refused when they may not, or when it is too late."""
        request = self._open[id]
        self._may(by, request)
        if request.closing is not None:
            raise Refused(texts.NO_REQUEST)
        if isinstance(decision, Allow) and isinstance(request.asked, QuestionAsked):
            raise Refused(texts.answer_instead(by.prefix))
        await self._close(id, request, decision, texts.decided(decision, request.asked, by.message.author), by)

    async def choose(self, ctx: Context, id: str, question: int, labels: tuple[str, ...]) -> None:
        """Answer one question of a request; the request closes with the last one. Raises Refused."""
        request, asked = self._open[id], self.question(id)
        self._may(ctx, request)
        if not 0 <= question < len(asked.questions):
            raise Refused(texts.NO_REQUEST)
        request.answers[question] = labels
        if len(request.answers) == len(asked.questions):
            answers = Answer(tuple(request.answers[number] for number in range(len(asked.questions))))
            await self.decide(ctx, id, answers)

    def next_question(self, id: str) -> int:
        """The number of the first question of a request without an answer."""
        request, asked = self._open[id], self.question(id)
        return next(number for number in range(len(asked.questions)) if number not in request.answers)

    def _may(self, by: Decider, request: _Open) -> None:
        author = by.message.author.id
        requester = author == request.ctx.message.author.id and _same_place(request.ctx, by)
        if not requester and RANK[by.role] < RANK["approver"]:
            log.warning("approval_refused", request=request.asked.id, turn=request.ctx.turn, user=author)
            raise Refused(texts.NOT_YOURS_TO_DECIDE)

    def _expire(self, id: str) -> None:
        request = self._open.get(id)
        if request is not None and request.closing is None:
            work = self._close(id, request, Deny(texts.TIMED_OUT_FOR_CLAUDE), texts.timed_out(self.timeout), None)
            self._tasks.start(work, f"approval-timeout-{id}")

    async def _close(self, id: str, request: _Open, decision: Decision, text: str, by: Decider | None) -> None:
        request.closing = RequestClosed(id, allowed=not isinstance(decision, Deny), text=text)
        log.info(
            "approval_decided",
            request=id,
            turn=request.ctx.turn,
            decision=type(decision).__name__.lower(),
            for_session=isinstance(decision, Allow) and decision.for_session,
            user=by.message.author.id if by else "timeout",
        )
        if not await self._runner.answer(id, decision):
            self.closed(request.closing)
            if by is not None:
                raise Refused(texts.NO_REQUEST)


def _same_place(one: Decider, other: Decider) -> bool:
    return one.message.conversation == other.message.conversation

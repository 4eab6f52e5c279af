"""Begins runs: turns that are durable, and go on whatever becomes of the request that began them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from adapters.http.asking import Gone, Question, asked, message_of, not_answered, note
from adapters.http.call import Call
from adapters.http.errors import HttpError, invalid, of_outcome, unavailable
from adapters.http.going import GLANCE
from adapters.http.runs import RunDesk, of_message, record_id
from botkit.events import TurnFinished
from botkit.runs import Run

HEADER = "Idempotency-Key"
IN_PROGRESS = "in_progress"
"""The code of a request that is sent again too early."""


class Repeated(Exception):
    """An earlier request with the same Idempotency-Key has begun the run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(run.id)


async def started(call: Call, question: Question, *, webhook: str = "") -> Run:
    """Give the question to its bot and do not wait: its outcome can be looked up under `call.run`.

    The question must name a session. `webhook`: where the outcome is posted. Raises HttpError, Repeated, StoreError.
    """
    note(call, question)
    _desk(question)
    message = message_of(call, question, kept=True)
    run = replace(of_message(question.bot.name, message, call.run), webhook=webhook)
    try:
        if not await question.bot.deliver(message, run=run):
            raise await _why(call, question)
    except (HttpError, Repeated):
        # Not when the store fell silent: the run may have been admitted all the same, and goes on with its files.
        await question.adapter.drop(question.files)
        raise
    await call.gateway.ledger.pass_on(call.key.id, call.id, record_id(run))
    return run


async def ended(call: Call, question: Question) -> Run:
    """The same, and wait for the end. Raises also Gone, and HttpError 504 when it takes too long: the run goes on."""
    with _desk(question).awaited(call.run) as end:
        await started(call, question)
        while not end.done():
            await asyncio.wait([end], timeout=GLANCE)
            if call.gone:
                raise Gone
            if call.over is not None:
                raise call.over
            if asyncio.get_running_loop().time() >= call.due:
                said = "the answer took too long; the turn goes on, send the same again for its answer"
                raise HttpError(504, "request_timeout", said)
    return end.result()


async def waited(call: Call, question: Question) -> tuple[str, TurnFinished]:
    """The turn's id and the answer, once it is there. Of a request that may be sent again the turn is a run, and
    outlives it. Raises HttpError when it is no answer, Gone, Repeated, StoreError."""
    if HEADER in call.request.headers:
        run = await ended(call, question)
        return run.id, finished(call, run)
    async with asked(call, question) as answer:
        return answer.turn, await answer.finished()


def finished(call: Call, run: Run) -> TurnFinished:
    """The answer a run ended with. Raises HttpError when it is none, 409 while it is at work."""
    outcome = run.finished or run.failed
    if outcome is None:
        raise in_progress()
    call.session = outcome.session
    if (problem := of_outcome(outcome)) is not None:
        raise problem
    assert run.finished is not None, "whatever else ended is a problem"
    return run.finished


def refuse_repeats(call: Call) -> None:
    """Of a request that is answered with a stream. Raises HttpError."""
    if HEADER in call.request.headers:
        raise invalid(HEADER, "a stream cannot be given twice: wait for the answer, or begin a run")


def _desk(question: Question) -> RunDesk:
    if question.adapter.desk is None:
        raise unavailable("the gateway is stopping")
    return question.adapter.desk


async def _why(call: Call, question: Question) -> Exception:
    """Why it was not begun."""
    known = await call.gateway.house.store.runs.get(call.run)
    if known is not None:
        return Repeated(known)
    message = message_of(call, question, kept=True)
    return in_progress() if question.bot.allowed(message) else not_answered()


def in_progress() -> HttpError:
    return HttpError(409, IN_PROGRESS, "this request is being carried out", field=HEADER, retry_after=1.0)

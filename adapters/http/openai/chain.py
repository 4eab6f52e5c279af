"""Responses that go on from each other: their ids say which session they are of, and after how many turns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

from adapters.http.adapter import HttpAdapter
from adapters.http.asking import conversation
from adapters.http.call import Call
from adapters.http.errors import HttpError
from adapters.http.openai.responses_schema import ConversationId, ResponsesRequest
from adapters.http.wishes import session_of
from botkit.bot import Bot

_ID = re.compile(r"resp_(\d{1,9})_([A-Za-z0-9._:@=+-]{1,128})")
FIELD = "previous_response_id"


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a response belongs. `session` '' is a stateless one."""

    session: str
    turns: int
    """Of the session, this one included."""

    def id(self, turn: str) -> str:
        return f"resp_{self.turns}_{self.session}" if self.session else f"resp_0_{turn}"


async def chain(call: Call, body: ResponsesRequest, bot: Bot, adapter: HttpAdapter) -> Chain:
    """Raises HttpError for a response that is not there, or not the last of its chain; StoreError."""
    named = body.conversation.id if isinstance(body.conversation, ConversationId) else body.conversation or ""
    session = session_of(call, claude=body.claude.session, conversation=named)
    if body.previous_response_id is not None:
        if session:
            raise HttpError(400, "invalid_request", "cannot be used with a session's name", field=FIELD)
        return await _after(call, body.previous_response_id, bot, adapter)
    if session:
        return Chain(session, await _turns(call, bot, adapter, session) + 1)
    return Chain("" if body.store is False else f"r-{uuid4().hex}", 1)


async def _after(call: Call, previous: str, bot: Bot, adapter: HttpAdapter) -> Chain:
    match = _ID.fullmatch(previous)
    turns, session = (int(match[1]), match[2]) if match else (0, "")
    have = await _turns(call, bot, adapter, session) if turns else 0
    if not turns or have < turns:
        raise HttpError(404, "previous_response_not_found", f"there is no response {previous[:160]!r}", field=FIELD)
    if have > turns:
        raise HttpError(400, "previous_response_not_last", "only the last response of a chain goes on", field=FIELD)
    return Chain(session, have + 1)


async def _turns(call: Call, bot: Bot, adapter: HttpAdapter, session: str) -> int:
    known = await bot.store.session(f"{bot.name}/{conversation(call, adapter, session).key}")
    return known.turns if known is not None else 0

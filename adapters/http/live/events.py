"""Server-sent events: a session as it goes on, for as long as somebody reads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec
from aiohttp import web

from adapters.http.call import Call
from adapters.http.errors import HttpError, invalid
from adapters.http.live import encode
from adapters.http.sessions import known
from adapters.http.streaming import COMMENT, Stream
from botkit.bot import Bot
from botkit.watching import Seen, Watch, watching

RESET = b'event: reset\ndata: {"type":"reset"}\n\n'
"""What was seen last is forgotten: what runs now is told from its beginning."""


async def events(call: Call) -> web.StreamResponse:
    """Streams until the client leaves. Each event's id is its position, for `Last-Event-ID` or `?since=`."""
    may_stream(call)
    found = await known(call, call.part("id"))
    since = call.request.headers.get("Last-Event-ID") or call.request.query.get("since", "")
    heartbeat = call.gateway.settings.heartbeat
    async with Stream(call, {}, _error) as out:
        with call.gateway.going.streaming(call), watched(found.bot, found.session.id, since) as (watch, forgotten):
            await out.write(RESET if forgotten else COMMENT)
            while not call.gone:
                await out.write(frames(await watch.take(heartbeat)) or COMMENT)
    return out.response


def frames(batch: Sequence[Seen]) -> bytes:
    """Events as they stand in the stream."""
    return b"".join(_frame(each) for each in batch)


def _frame(each: Seen) -> bytes:
    told = encode.seen(each)
    return b"id: %b\n" % each.position.encode() + _event(str(told["type"]), told)


def _error(problem: HttpError) -> bytes:
    return _event("error", {"type": "error", **problem.body("native")})


def _event(name: str, told: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(told))


def may_stream(call: Call) -> None:
    """Raises HttpError 403 for a key that may not."""
    if not call.key.scopes.streaming:
        raise HttpError(403, "not_in_scope", "this API key may not stream")


@contextmanager
def watched(bot: Bot, session: str, since: str) -> Generator[tuple[Watch, bool]]:
    """A reader of the session, and whether the position it asked for is forgotten. Raises HttpError 400."""
    with ExitStack() as stack:
        try:
            reader, forgotten = stack.enter_context(watching(bot.logs, session, since)), False
        except KeyError:
            reader, forgotten = stack.enter_context(watching(bot.logs, session)), True
        except ValueError:
            raise invalid("since", "expected the id of an event of this session") from None
        yield reader, forgotten

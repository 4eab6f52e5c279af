"""Which sessions a key may see: those its own requests began; an admin's key every one of its bots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.http.adapter import HttpAdapter
from adapters.http.authors import KEY
from adapters.http.errors import HttpError, not_found
from botkit.bot import Bot
from botkit.keys import ApiKey
from botkit.model import Conversation, Session

if TYPE_CHECKING:
    from adapters.http.call import Call


@dataclass(frozen=True, slots=True)
class Known:
    """A session of a bot that this key may see."""

    bot: Bot
    adapter: HttpAdapter
    session: Session

    @property
    def conversation(self) -> Conversation | None:
        """Where it goes on; None when nothing does."""
        key = self.session.conversation.partition("/")[2]
        return Conversation.parse(key) if key else None

    def name(self, key: ApiKey) -> str:
        """What a program asks it by. Raises HttpError 409 for one that goes on elsewhere: fork it."""
        where = self.conversation
        if where is None or where.adapter != self.adapter.name or where.space != key.id:
            raise HttpError(409, "session_elsewhere", "this session goes on in another place; fork it to go on here")
        return where.channel


async def known(call: Call, id: str) -> Known:
    """The session with this id. Raises HttpError 404, also for one that this key may not see."""
    session = await call.gateway.house.store.find_session(id)
    if session is None or not (owns(call.key, session.owner) or call.key.scopes.admin):
        raise not_found("session")
    try:
        bot, adapter = call.reach(session.bot)
    except HttpError as problem:
        raise (not_found("session") if problem.status == 404 else problem) from None
    found = Known(bot, adapter, session)
    if not within(call.key, found):
        raise not_found("session")
    call.bot, call.session = bot.name, session.id
    return found


def within(key: ApiKey, known: Known) -> bool:
    """Whether the key may still use the project the session works in."""
    session = known.session
    if session.workdir == str(known.bot.settings.workdir):
        return True
    projects = [name for name, folder in known.adapter.settings.projects.items() if str(folder) == session.workdir]
    return not projects or any(key.scopes.project(name) for name in projects)


def owns(key: ApiKey, author: str) -> bool:
    """Whether the id of an author is this key's, or one of its end users'."""
    own = f"{KEY}{key.id}"
    return author == own or author.startswith(f"{own}:")

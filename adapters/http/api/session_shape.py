"""A session as programs see it."""

from __future__ import annotations

from typing import Literal

from adapters.http.api.answers import Told
from adapters.http.authors import author
from adapters.http.sessions import Known
from botkit.keys import ApiKey
from botkit.model import Conversation, Session
from botkit.sheets import moment

SessionStatus = Literal["running", "idle", "left"]


class SessionShown(Told):
    """What Claude remembers of a conversation, and how it goes on."""

    id: str
    name: str
    """What the program calls it; "" when it was left, or goes on in another place."""
    bot: str
    status: SessionStatus
    """"left": nothing goes on with it until it is resumed."""
    place: str
    """The platform it goes on at: "http", "slack"; "" when it was left."""
    user: str
    """The end user who began it."""
    project: str
    """"" is the bot's own folder."""
    model: str
    permission_mode: str
    agent: str
    thinking: int | None
    """Tokens the model may think with; null is the bot's own setting."""
    effort: str
    allowed: tuple[str, ...]
    """Rules of what is not asked about, granted for this session."""
    disallowed: tuple[str, ...]
    """Rules of what this session may not do, beside the bot's own."""
    title: str
    turns: int
    cost: float
    """US dollars, all turns."""
    created: str
    used: str
    metadata: dict[str, str]


def shown(known: Known, key: ApiKey) -> SessionShown:
    session, where = known.session, known.conversation
    wishes = session.overrides
    return SessionShown(
        id=session.id,
        name=where.channel if where is not None and _own(where, known, key) else "",
        bot=session.bot,
        status=_status(known),
        place=where.adapter if where is not None else "",
        user=session.owner.removeprefix(author(key.id)).removeprefix(":") if session.owner else "",
        project=project_of(known, session),
        model=session.model,
        permission_mode=session.mode,
        agent=wishes.agent,
        thinking=wishes.thinking,
        effort=wishes.effort,
        allowed=session.rules,
        disallowed=wishes.disallowed_tools,
        title=session.title,
        turns=session.turns,
        cost=session.cost,
        created=moment(session.created),
        used=moment(session.used),
        metadata=dict(session.metadata),
    )


def project_of(known: Known, session: Session) -> str:
    """The name of the project whose folder the session works in; '' for the bot's own."""
    projects = known.adapter.settings.projects
    return next((name for name, folder in projects.items() if str(folder) == session.workdir), "")


def _own(where: Conversation, known: Known, key: ApiKey) -> bool:
    return where.adapter == known.adapter.name and where.space == key.id


def _status(known: Known) -> SessionStatus:
    where = known.conversation
    if where is None:
        return "left"
    return "running" if known.bot.lanes.running(where.key) is not None else "idle"

"""Gateway sessions: events in order, kept for a client that comes back to resume."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.discord.testing import payloads
from adapters.discord.testing.clock import Clock
from adapters.discord.testing.directory import Directory
from adapters.discord.testing.faults import Fault, Faults
from adapters.discord.testing.links import Link
from adapters.discord.testing.permissions import MESSAGE_CONTENT
from adapters.discord.testing.record import Record, Sent
from adapters.discord.testing.wire import Json
from adapters.discord.testing.world import App, Guild

RESUME_SECONDS = 180.0
"""How long a session outlives its connection, in Discord's seconds."""
KEPT = 1000


@dataclass(slots=True, eq=False)
class Session:
    """What a client identified for. It may be without a connection for a while."""

    id: str
    app: App
    intents: int
    link: Link | None
    sequence: int = 0
    sent: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=KEPT))
    gone: float = 0.0
    """Since when it is without a connection."""
    held: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    """Events that a scripted fault put behind the next one."""

    def dispatch(self, event: str, data: Json) -> None:
        """An event with the next sequence number, sent now or when the client resumes."""
        self.sequence += 1
        frame: Json = {"op": 0, "t": event, "s": self.sequence, "d": data}
        self.sent.append(frame)
        if self.link is not None:
            self.link.send(frame)


@dataclass(slots=True)
class Sessions:
    """All sessions. What happens while an app has none is lost to it: Discord never delivers again."""

    directory: Directory
    clock: Clock
    record: Record
    faults: Faults
    cut: Callable[[App], None] = field(default=lambda _app: None)
    """Break an app's connections; the gateway puts itself here."""
    resume_url: str = ""
    identified: int = 0
    resumed: int = 0
    _all: dict[str, Session] = field(default_factory=dict[str, Session])

    def of(self, app: App) -> list[Session]:
        now = self.clock.now()
        for session in [one for one in self._all.values() if one.link is None and now - one.gone > RESUME_SECONDS]:
            del self._all[session.id]
        return [session for session in self._all.values() if session.app is app]

    def open(self, app: App, intents: int, link: Link) -> Session:
        session = Session(secrets.token_hex(16), app, intents, link)
        self._all[session.id] = session
        link.session = session
        self.identified += 1
        return session

    def find(self, session_id: str, app: App) -> Session | None:
        """The session if it can still be resumed."""
        return next((session for session in self.of(app) if session.id == session_id), None)

    def resume(self, session: Session, link: Link, sequence: int) -> None:
        """Send again what came after `sequence`."""
        session.link, link.session = link, session
        for frame in session.sent:
            if isinstance(number := frame["s"], int) and number > sequence:
                link.send(frame)
        self.resumed += 1
        session.dispatch("RESUMED", {"_trace": []})

    def leave(self, session: Session, code: int) -> None:
        """The connection is gone; a client that closes with 1000 or 1001 gives its session up."""
        session.link, session.gone = None, self.clock.now()
        if code in (1000, 1001):
            self._all.pop(session.id, None)

    def drop(self, app: App) -> None:
        """Forget the app's sessions: none of them can be resumed."""
        for session in self.of(app):
            del self._all[session.id]

    def greet(self, session: Session) -> None:
        app = session.app
        ready: Json = {
            "v": 10,
            "user": payloads.user(app.bot) | {"verified": True, "mfa_enabled": False, "flags": 0, "email": None},
            "guilds": [{"id": one.id, "unavailable": True} for one in self._guilds(app)],
            "private_channels": [],
            "relationships": [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.resume_url,
            "shard": [0, 1],
            "application": {"id": app.id, "flags": flags(app)},
        }
        session.dispatch("READY", ready)

    def introduce(self, session: Session) -> None:
        """GUILD_CREATE for every guild the app is in."""
        app, apps = session.app, self.directory.apps
        for one in self._guilds(app):
            rooms = [room for room in self.directory.channels.values() if room.guild is one]
            seen = [room for room in rooms if room.kind != "thread" or room.allows(app, 0)]
            session.dispatch("GUILD_CREATE", payloads.guild(one, seen, apps, app))

    def tell(self, app: App, event: str, intent: int, build: Callable[[int], Json]) -> None:
        """Bring an event to every session of the app that asked for its kind."""
        for session in self.of(app):
            if intent and not session.intents & intent:
                continue
            data = build(session.intents)
            self.record.events.append(Sent(app.id, event, data, time.monotonic()))
            self._send(session, event, data, self.faults.take("events", {"t": event, **data}))

    def _send(self, session: Session, event: str, data: Json, fault: Fault | None) -> None:
        held, session.held = session.held, []
        match fault.kind if fault else "":
            case "drop":
                pass
            case "reorder":
                session.held = [*held, (event, data)]
                return
            case "duplicate":
                session.dispatch(event, data)
                session.dispatch(event, data)
            case "disconnect":
                self.cut(session.app)
                session.dispatch(event, data)
            case _:
                session.dispatch(event, data)
        for late in held:
            session.dispatch(*late)

    def _guilds(self, app: App) -> list[Guild]:
        return [one for one in self.directory.guilds.values() if app.bot.id in one.people]


def flags(app: App) -> int:
    """The application's flags: whether the message-content intent is switched on in the portal."""
    return 1 << 19 if app.privileged & MESSAGE_CONTENT else 0

"""All parts of one loopback Slack in one place, as its methods and its people use them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from adapters.slack.testing.clock import Clock
from adapters.slack.testing.delivery import Courier
from adapters.slack.testing.directory import Directory
from adapters.slack.testing.limits import Budgets
from adapters.slack.testing.record import Record
from adapters.slack.testing.rooms import Rooms
from adapters.slack.testing.sockets import Sockets
from adapters.slack.testing.wire import Json
from adapters.slack.testing.world import App, Channel, Person, Post, SharedFile

TRIGGER_SECONDS = 3.0
LINK_USES, LINK_SECONDS = 5, 1800.0
STATUS_SECONDS = 120.0


@dataclass(slots=True, eq=False)
class Upload:
    """A promised file: address given out, bytes not there yet, or there and not shared."""

    app: App
    name: str
    length: int
    data: bytes | None = None


@dataclass(slots=True, eq=False)
class ResponseLink:
    """A `response_url`: five answers in half an hour."""

    app: App
    person: Person
    channel: Channel
    post: Post | None
    expires: float
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What a thread shows under it while an app works."""

    text: str
    loading_messages: tuple[str, ...]
    until: float


@dataclass(slots=True, eq=False)
class Site:
    """The parts, and what is short-lived: uploads, triggers, response links, statuses."""

    origin: str
    """`http://127.0.0.1:port`."""
    elsewhere: str
    """Another host, as far as bearer tokens are concerned."""
    clock: Clock
    directory: Directory
    rooms: Rooms
    record: Record
    budgets: Budgets
    sockets: Sockets
    courier: Courier
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])
    triggers: dict[str, float] = field(default_factory=dict[str, float])
    """Trigger ids and when they were given out; real seconds, as people wait for them."""
    links: dict[str, ResponseLink] = field(default_factory=dict[str, ResponseLink])
    statuses: dict[tuple[str, str], Status] = field(default_factory=dict[tuple[str, str], Status])

    def interaction(self, app: App, person: Person, channel: Channel, post: Post | None) -> Json:
        """A fresh trigger id and response address."""
        trigger, mark = f"{time.monotonic_ns()}.{secrets.token_hex(8)}", secrets.token_urlsafe(16)
        self.triggers[trigger] = time.monotonic()
        self.links[mark] = ResponseLink(app, person, channel, post, self.clock.now() + LINK_SECONDS)
        return {"trigger_id": trigger, "response_url": f"{self.origin}/actions/{app.team.id}/{mark}"}

    def status(self, channel: Channel, thread_ts: str) -> str:
        """The working status a thread shows now, '' for none."""
        status = self.statuses.get((channel.id, thread_ts))
        return status.text if status is not None and status.until > self.clock.now() else ""

    def file(
        self, owner: Person, name: str, data: bytes, media_type: str, *, file_id: str = "", external: bool = False
    ) -> SharedFile:
        """A file that can be downloaded from now on by those who may."""
        file_id = file_id or self.directory.id("F")
        place = f"{self.elsewhere}/elsewhere" if external else f"{self.origin}/files-pri"
        url = f"{place}/{owner.team.id}-{file_id}/{quote(name, safe='')}"
        file = SharedFile(file_id, name, media_type, data, owner, int(time.time()), url, external=external)
        self.directory.files[file_id] = file
        return file

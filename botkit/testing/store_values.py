"""Values for the checks of a store: a message, its journal entry, its admission, a session."""

from __future__ import annotations

from botkit.model import Admission, Attachment, Conversation, Entry, Limit, Message, Session, User

NOW = 1_700_000_000.0
TTL = 15.0
WITHIN = 5.0
"""Seconds any check may take at most."""
NASTY = "a:b*c\nd/e%2F f\u0000g ünï 😀 {x} [y]? '; --"
"""An id no platform has, and that no store may trip over."""


def entry(id: str = "turn-1", *, bot: str = "helper", conversation: str = "", accepted: float = NOW) -> Entry:
    where = Conversation("slack", "T1", "C1", "1.2")
    message = Message(
        id=f"m-{id}",
        conversation=where,
        author=User("U1", "Ada"),
        text="What is 6 × 7? 😀",
        sent_at=accepted,
        attachments=(Attachment("F1", "a.png", "image/png", 3),),
        context="said before",
        raw={"token": "not kept"},
    )
    return Entry(id, bot, conversation or f"{bot}/{where.key}", message, accepted)


def admission(id: str = "turn-1", *limits: Limit, key: str | None = None, now: float = NOW, **more: str) -> Admission:
    """Of a new message; `more` is what `entry` takes."""
    return Admission(f"helper/slack/{id}" if key is None else key, limits, entry(id, accepted=now, **more), now)


def limit(key: str = "helper/bot", *, burst: float = 1.0, per_second: float = 0.1) -> Limit:
    return Limit(key, "bot", burst, per_second)


def session(id: str = "s-1", *, conversation: str = "helper/here", used: float = NOW, owner: str = "U1") -> Session:
    return Session(
        id=id,
        bot="helper",
        conversation=conversation,
        workdir="/srv/work",
        owner=owner,
        created=NOW,
        used=used,
        title="Grüße",
        display="quiet",
        turns=2,
        cost=0.25,
        rules=("Bash(git status)",),
    )

"""Remembers in an existing Redis or Valkey: several processes, also on several machines, share everything.

The journal is no Redis Stream. With a consumer group the lease of an entry lies with the group and is kept by claiming
every single entry again and again, settled entries need trimming, and the other stores would have to imitate both.
Here an entry belongs to an owner, as everywhere in botkit, an owner lives until a time in one sorted set, and one
beat keeps all that it holds; so one contract holds for all stores.

How safe an admitted message is depends on the server: with `appendfsync everysec` a crash of its machine loses up to
a second, with `always` nothing, without an append-only file everything since the last snapshot.

What happens when the server does not do its part; a turn that runs always answers:

- down at the start: botkit says so in one line and ends with exit code 1; whoever supervises it starts it again.
- down, standing still, cut off, out of memory, read-only, or a key of another kind: nothing is taken and nothing is
  acknowledged, so the platform delivers again; no memory is held for it. Answered turns are settled when it is back.
- slow: messages are taken as long as one answer comes within a second and all of them within three.
- scripts forgotten (NOSCRIPT): they are sent again, unnoticed.
- back, but empty: running turns are admitted anew, answer and save their sessions again; waiting ones go on. Sessions
  that nobody uses meanwhile, limits and what was answered before are forgotten: a message that Slack delivers again is
  answered again.
- a process that stood still past its leases: another takes its turns over; when it goes on it lets go of what was
  taken, and neither shows nor writes any more of it. Until then its worker may still work on a turn in the same
  session, for nobody can stop it from outside.
- a process that alone cannot reach the server for longer than its leases: another takes its turns over, while it goes
  on to answer them; who reads may see both at work, and the journal is the other's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

from botkit.model import Admission, Admitted, Entry, Lease, Session
from botkit.store import Beat
from botkit.stores import scripts, session_scripts
from botkit.stores.acts.redis import RedisActs
from botkit.stores.codec import entry_bytes, session_bytes
from botkit.stores.keys.redis import RedisKeys
from botkit.stores.known import Known, readable, readable_session
from botkit.stores.meter.redis import RedisMeter
from botkit.stores.rules import GRACE, LISTED, SEEN_FOR, SESSION_TTL
from botkit.stores.runs.redis import RedisRuns, run_arguments
from botkit.stores.server import Argument, Server

PURGED = 500
"""Most sessions that one round trip forgets, so that nobody waits long."""


class RedisStore:
    """The `redis://` store. `session_ttl`: seconds after its last use until a session is forgotten, 0 for never."""

    def __init__(self, url: str, *, session_ttl: float = SESSION_TTL) -> None:
        self._server = Server(url)
        self._session_ttl = session_ttl
        self._known = Known()
        self.keys = RedisKeys(self._server)
        self.meter = RedisMeter(self._server)
        self.runs = RedisRuns(self._server)
        self.acts = RedisActs(self._server)

    async def admit(self, admission: Admission, owner: str) -> Admitted:
        if not self._known.add(admission.entry.id):
            return Admitted(repeat=True)
        admitted = False
        try:
            answer = await self._server.run(scripts.ADMIT, *_admit(admission, owner))
            admitted = answer[0] == b"admitted" and admission.entry.message.kept
        finally:
            if not admitted:
                self._known.discard(admission.entry.id)
        match answer:
            case [b"refused", index, retry_after]:
                return Admitted(refused=admission.limits[int(float(index))], retry_after=float(retry_after))
            case [b"admitted", row]:
                return Admitted(session=_session(row))
            case _:
                return Admitted(repeat=True)

    async def entries(self, ids: Collection[str]) -> Sequence[Entry]:
        if not ids:
            return []
        rows = await self._server.command("HMGET", "botkit:entries", *ids)
        return readable(data for data in rows if data is not None)

    async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
        changed = await self._server.run(scripts.UPDATE, entry.id, owner, entry_bytes(entry), *self._saving(session))
        self._known.note(entry.id, ours=bool(changed))
        return bool(changed)

    async def settle(self, entry: str, owner: str) -> None:
        await self._server.run(scripts.SETTLE, entry, owner)
        self._known.discard(entry)

    async def bury(self, entry: str, owner: str, why: str) -> None:
        await self._server.run(scripts.BURY, entry, owner, _text(why))
        self._known.discard(entry)

    async def dead(self) -> Sequence[tuple[Entry, str]]:
        rows = await self._server.run(scripts.DEAD)
        return [(entry, why.decode()) for data, why in rows for entry in readable([data])]

    async def take_over(self, bot: str, owner: str, gone: Collection[str], now: float) -> Sequence[Entry]:
        lost = [name for name in gone if name != owner]
        held = await self._server.run(scripts.TAKE_OVER, quote(bot, safe=""), owner, now, GRACE, *lost)
        ids = self._known.claim((id.decode(), mine == 1) for id, mine in held)
        if not ids:
            return []
        try:
            rows = await self._server.command("HMGET", "botkit:entries", *ids)
        except BaseException:
            self._known.discard(*ids)
            raise
        return readable(data for data in rows if data is not None)

    async def owners(self) -> Collection[str]:
        return {name.decode() for name in await self._server.run(scripts.OWNERS)}

    async def beat(self, owner: str, now: float, ttl: float, leases: Collection[Lease] = ()) -> Beat:
        held = [part for lease in leases for part in (lease.key, lease.token)]
        wanted, lost = await self._server.run(scripts.BEAT, owner, now, ttl, *held)
        return Beat({key.decode() for key in wanted}, {key.decode() for key in lost})

    async def session(self, conversation: str) -> Session | None:
        return _session(await self._server.run(session_scripts.SESSION, conversation)) if conversation else None

    async def find_session(self, id: str) -> Session | None:
        return _session(await self._server.run(session_scripts.FIND_SESSION, id))

    async def save_session(self, session: Session) -> None:
        await self._server.run(session_scripts.SAVE_SESSION, *self._saving(session))

    async def new_session(self, session: Session) -> bool:
        return bool(await self._server.run(session_scripts.NEW_SESSION, *self._saving(session)))

    async def list_sessions(
        self, bot: str, *, owner: str = "", since: float = 0.0, before: tuple[float, str] | None = None
    ) -> Sequence[Session]:
        index = "/".join(["botkit:sessions", quote(bot, safe=""), *([quote(owner, safe="")] if owner else [])])
        rows = await self._server.run(session_scripts.LIST_SESSIONS, index, since, LISTED, *(before or ()))
        return [session for row in rows if (session := _session(row)) is not None]

    async def mark(self, key: str) -> str | None:
        value = await self._server.command("HGET", "botkit:marks", key)
        return None if value is None else str(value.decode())

    async def set_mark(self, key: str, value: str | None) -> None:
        if value is None:
            await self._server.command("HDEL", "botkit:marks", key)
        else:
            await self._server.command("HSET", "botkit:marks", key, _text(value))

    async def change_mark(self, key: str, old: str | None, new: str) -> bool:
        was = [] if old is None else [_text(old)]
        return bool(await self._server.run(scripts.CHANGE_MARK, key, _text(new), *was))

    async def lease(self, key: str, owner: str, now: float, ttl: float) -> Lease | None:
        token = await self._server.run(scripts.LEASE, key, owner, now, ttl)
        return None if token is None else Lease(key, int(token))

    async def release(self, lease: Lease, owner: str) -> None:
        await self._server.run(scripts.RELEASE, lease.key, owner, lease.token)

    async def purge(self, *, seen: float, sessions: float) -> int:
        rows, more = await self._server.run(scripts.PURGE, seen, sessions, PURGED)
        while more:
            went, more = await self._server.run(scripts.PURGE, seen, sessions, PURGED)
            rows += went
        return int(rows)

    async def check(self) -> str:
        facts = _facts(await self._server.command("INFO", "everything"))
        version = facts.get("valkey_version") or facts.get("redis_version", "?")
        line = f"{facts.get('server_name', 'redis').capitalize()} {version} at {self._server.place}"
        if facts.get("aof_enabled") == "0":
            line += "; append-only file off: a crash of the server loses messages (set appendonly yes)"
        if facts.get("maxmemory_policy", "noeviction") != "noeviction":
            line += f"; it evicts keys when full ({facts['maxmemory_policy']}): set maxmemory-policy noeviction"
        return line

    async def __aenter__(self) -> RedisStore:
        await self._server.command("PING")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.close()

    def _saving(self, session: Session | None) -> list[Argument]:
        if session is None:
            return []
        bot, owner = quote(session.bot, safe=""), quote(session.owner, safe="")
        ttl = int(self._session_ttl)
        return [session.id, session.conversation, session.used, bot, owner, session_bytes(session), ttl]


def _admit(admission: Admission, owner: str) -> list[Argument]:
    entry, bot = admission.entry, quote(admission.entry.bot, safe="")
    fixed: list[Argument] = [admission.key, admission.now, owner, GRACE, int(SEEN_FOR), entry.id, bot, entry.accepted]
    limits = [part for limit in admission.limits for part in (limit.key, limit.burst, limit.per_second)]
    data = entry_bytes(entry) if entry.message.kept else b""
    run = run_arguments(admission.run) if admission.run is not None else [""] * 5
    return [*fixed, data, entry.conversation, *run, *limits]


def _session(row: Any) -> Session | None:
    return readable_session(row[0], row[1].decode()) if row else None


def _text(value: str) -> bytes:
    return value.encode(errors="replace")


def _facts(info: Any) -> dict[str, str]:
    lines = info.decode().splitlines() if isinstance(info, bytes) else [f"{name}:{info[name]}" for name in info]
    return dict(line.split(":", 1) for line in lines if ":" in line)

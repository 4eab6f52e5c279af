"""The audit log, on a Redis or Valkey server."""

from __future__ import annotations

from collections.abc import Sequence

from botkit.keys import Act
from botkit.roles import PAGE
from botkit.stores.codec import Codec
from botkit.stores.pages import drop_old, rows
from botkit.stores.server import Server

_acts = Codec(Act)

# id, at, data
_ADD = """
if redis.call('HSETNX', 'botkit:acts', ARGV[1], ARGV[3]) == 1 then
  redis.call('ZADD', 'botkit:acts:at', ARGV[2], ARGV[1])
end
"""


class RedisActs:
    """See `roles.Acts`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def add(self, act: Act) -> None:
        await self._server.run(_ADD, act.id, act.at, _acts.encode(act))

    async def list(
        self, *, who: str = "", target: str = "", before: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[Act]:
        found: list[Act] = []
        async for data in rows(self._server, "botkit:acts:at", "botkit:acts", newest=True, after=before):
            acts = _acts.readable([data])
            found += [act for act in acts if who in ("", act.who) and target in ("", act.target)]
            if len(found) == most:
                break
        return found

    async def purge(self, before: float) -> int:
        return await drop_old(self._server, "botkit:acts:at", "botkit:acts", before)

"""Names of people, looked up once and remembered; without the right to ask, ids are shown instead."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import structlog

from adapters.feishu.api import Api
from adapters.feishu.wire import Json, read
from botkit.errors import AdapterError, NotAllowed

log = structlog.get_logger("botkit.feishu")

REMEMBERED = 2000
"""People; the least recently needed are asked for again."""


class People:
    """What Feishu calls its users. Messages only carry ids; names stand in mentions."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: OrderedDict[str, str] = OrderedDict()
        self._refused = False

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The names of those whose names can be had; never raises AdapterErrors."""
        wanted = tuple(dict.fromkeys(id for id in ids if id))
        unknown = [id for id in wanted if id not in self._names]
        if unknown and not self._refused:
            await asyncio.gather(*map(self._ask, unknown))
        known = {id: self._names[id] for id in wanted if self._names.get(id)}
        for id in known:
            self._names.move_to_end(id)
        while len(self._names) > REMEMBERED:
            self._names.popitem(last=False)
        return known

    async def _ask(self, id: str) -> None:
        try:
            found = await self._api.call("GET", "/open-apis/contact/v3/users/{}", id, query={"user_id_type": "open_id"})
        except NotAllowed as problem:
            self._refused = self._refused or problem.code == "99991672"
            self._names[id] = ""  # outside of what the app may see: not asked again
            log.info("no_name", user=id, problem=str(problem))
            return
        except AdapterError as problem:
            log.info("no_name", user=id, problem=str(problem))
            return
        # Without the scope for it the answer has everything but the name.
        self._names[id] = str((read(found.get("user"), Json) or {}).get("name") or "")

"""Names of people, looked up once and remembered; without the right to ask, ids are shown instead."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

import structlog

from adapters.slack.api import Api
from adapters.slack.wire import read_user
from botkit.errors import AdapterError, NotAllowed

log = structlog.get_logger("botkit.slack")

REMEMBERED = 2000
"""People; the least recently needed are asked for again."""


class People:
    """What Slack calls its users."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: OrderedDict[str, str] = OrderedDict()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._refused = False

    async def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The names of those whose names can be had; never raises."""
        wanted = tuple(dict.fromkeys(ids))
        unknown = [id for id in wanted if id and id not in self._names]
        if unknown and not self._refused:
            await asyncio.gather(*map(self._ask, unknown))
        known = {id: self._names[id] for id in wanted if id in self._names}
        for id in known:
            self._names.move_to_end(id)
        while len(self._names) > REMEMBERED:
            self._names.popitem(last=False)
        return known

    async def _ask(self, id: str) -> None:
        """Once, however many messages want to know it at the same time: Slack allows a hundred questions a minute."""
        lock = self._asking.get(id)
        if lock is None:
            lock = self._asking[id] = asyncio.Lock()
        async with lock:
            if id not in self._names:
                await self._learn(id)

    async def _learn(self, id: str) -> None:
        try:
            answer = await self._api.call("users.info", user=id)
        except NotAllowed as problem:
            self._refused = problem.code == "missing_scope"
            log.warning("no_names", problem=str(problem))
            return
        except AdapterError as problem:
            log.info("no_name", user=id, problem=str(problem))
            return
        user = read_user(answer.get("user"))
        profile = user.get("profile") or {}
        name = profile.get("display_name") or user.get("real_name") or user.get("name")
        if name:
            self._names[id] = name

"""Streaming cards (CardKit): made, typed into, kept open, closed.

https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/streaming-updates-openapi-overview
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from adapters.feishu.api import Api
from adapters.feishu.cards import STREAMING, dumps, text_of
from adapters.feishu.refusals import OLD_SEQUENCE, STREAM_CLOSED
from adapters.feishu.wire import Json
from botkit.errors import AdapterError, Unreachable

CARD = "/open-apis/cardkit/v1/cards/{}"
RENEW = 8 * 60.0
"""Seconds after which streaming is switched on anew; Feishu switches it off after about ten minutes."""
TICKS = 10
"""Sequence numbers a second: as many as the operations Feishu allows on a card."""
LEAP = 3600 * TICKS
REMEMBERED = 2000
CLOSED = float("-inf")


@dataclass(slots=True)
class _Card:
    sequence: int = 0
    open_since: float | None = None
    """When this process switched streaming on, by the loop's clock; CLOSED: it is off; None: not known."""


class Streams:
    """The streaming cards of one app.

    Nothing about a card must survive a restart: its `sequence` must only grow, so it follows the clock.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._cards: OrderedDict[str, _Card] = OrderedDict()

    async def create(self, card: Json) -> str:
        """Make a card that is already streaming; returns its id. Raises AdapterErrors."""
        body = {"type": "card_json", "data": dumps(card)}
        made = await self._api.call("POST", "/open-apis/cardkit/v1/cards", json=body)
        id = made.get("card_id")
        if not isinstance(id, str):
            raise Unreachable("cardkit: Feishu named no card", acted=False)
        self._card(id).open_since = _now()
        return id

    async def of_message(self, message: str) -> str:
        """The card that a message shows. Raises AdapterErrors."""
        found = await self._api.call("POST", "/open-apis/cardkit/v1/cards/id_convert", json={"message_id": message})
        id = found.get("card_id")
        return id if isinstance(id, str) else ""

    async def write(self, id: str, form: Json) -> None:
        """Replace the text by that of a card; Feishu types what is new of it. Raises AdapterErrors."""
        card = self._card(id)
        if card.open_since == CLOSED:  # it was finished: there may be more in it than the text
            await self._replace(id, {**form, "config": form["config"] | STREAMING})
            card.open_since = _now()
            return
        if card.open_since is not None and _now() - card.open_since > RENEW:
            await self._switch(id, on=True)
        mark, text = text_of(form)
        try:
            await self._content(id, mark, text)
        except AdapterError as problem:
            if problem.code not in STREAM_CLOSED:
                raise
            await self._switch(id, on=True)
            await self._content(id, mark, text)

    async def finish(self, id: str, card: Json) -> None:
        """End the streaming, then put the final card in its place. Raises AdapterErrors."""
        if self._card(id).open_since != CLOSED:
            await self._switch(id, on=False)
        await self._replace(id, card)

    async def _replace(self, id: str, card: Json) -> None:
        await self._operate("PUT", CARD, id, json={"card": {"type": "card_json", "data": dumps(card)}})

    async def _content(self, id: str, mark: str, rendered: str) -> None:
        await self._operate("PUT", CARD + "/elements/{}/content", id, mark, json={"content": rendered})

    async def _switch(self, id: str, *, on: bool) -> None:
        settings = {"config": {"streaming_mode": on}}
        await self._operate("PATCH", CARD + "/settings", id, json={"settings": dumps(settings)})
        self._card(id).open_since = _now() if on else CLOSED

    async def _operate(self, method: str, template: str, *ids: str, json: Json) -> None:
        """One operation. A number that Feishu has passed already (another process, a clock set back) leaps ahead."""
        for leap in (0, LEAP):
            body = {**json, "sequence": self._next(ids[0], leap), "uuid": uuid.uuid4().hex}
            try:
                await self._api.call(method, template, *ids, json=body)
                return
            except AdapterError as problem:
                if leap or problem.code != OLD_SEQUENCE:
                    raise

    def _next(self, id: str, leap: int) -> int:
        card = self._card(id)
        card.sequence = max(card.sequence + 1, int(time.time() * TICKS) % 2**31) + leap
        return min(card.sequence, 2**31 - 1)

    def _card(self, id: str) -> _Card:
        card = self._cards.setdefault(id, _Card())
        self._cards.move_to_end(id)
        while len(self._cards) > REMEMBERED:
            self._cards.popitem(last=False)
        return card


def _now() -> float:
    return asyncio.get_running_loop().time()

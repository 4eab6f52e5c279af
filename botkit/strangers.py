"""Whoever may not use a bot: logged, and told so once where the config wants that."""

from __future__ import annotations

from collections import OrderedDict

import structlog

from botkit import texts
from botkit.access import Access
from botkit.errors import AdapterError
from botkit.model import Message, Outgoing
from botkit.protocols import Messenger
from botkit.tasks import Tasks

log = structlog.get_logger("botkit")

MAX_TOLD = 1_000
"""Strangers who were told once; the oldest are forgotten."""


class Strangers:
    """Remembers whom it has told."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._told: OrderedDict[str, None] = OrderedDict()

    def turn_away(self, message: Message, access: Access, messenger: Messenger) -> None:
        log.info("stranger", user=message.author.id, conversation=message.conversation.key)
        key = f"{message.conversation.adapter}/{message.author.id}"
        if access.strangers == "ignore" or message.author.is_bot or message.kind != "new" or key in self._told:
            return
        self._told[key] = None
        while len(self._told) > MAX_TOLD:
            self._told.popitem(last=False)
        self._tasks.start(_tell(message, messenger), f"stranger-{message.id}")


async def _tell(message: Message, messenger: Messenger) -> None:
    try:
        await messenger.send(message.conversation, Outgoing(texts.stranger(message.author.id)))
    except AdapterError as problem:
        log.warning("stranger_not_told", problem=str(problem))

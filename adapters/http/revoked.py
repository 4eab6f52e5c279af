"""Ends the runs whose key was taken away: those that wait never begin, and what runs is stopped."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.http.adapter import HttpAdapter
from botkit.bot import Bot
from botkit.context import Context
from botkit.keyring import KeyRefused, Keyring
from botkit.turns import take_back


async def end_runs(bots: Iterable[Bot], ring: Keyring) -> None:
    """Look at the key of every run in this process, once. Raises StoreError."""
    for bot in bots:
        runs: dict[str, list[Context]] = {}
        for ctx in bot.lanes.everybody():
            if isinstance(ctx.adapter, HttpAdapter) and ctx.message.kept:
                runs.setdefault(ctx.message.conversation.space, []).append(ctx)
        for key, begun in runs.items():
            if why := await _why(ring, key, bot.name):
                for ctx in begun:
                    await take_back(bot, ctx.message, why)


async def _why(ring: Keyring, key: str, bot: str) -> str:
    """Why its runs may not go on; '' when they may."""
    try:
        found = await ring.still(key)
    except KeyRefused as refused:
        return "its API key was removed" if refused.reason == "unknown" else f"its API key is {refused.reason}"
    return "" if found.scopes.bot(bot) else "its API key may not use this bot any more"

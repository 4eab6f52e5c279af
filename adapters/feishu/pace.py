"""Feishu's budgets for one app, https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control."""

from __future__ import annotations

from botkit.budget import Rate
from botkit.pacing import Pacer


def pacer() -> Pacer:
    """Each method takes 1,000 calls a minute and 50 a second; a chat five messages a second from all its bots together.

    A card's own ten operations a second are kept by the interval between edits. A final edit is two operations, of
    different methods.
    """
    return Pacer(
        {"edit": Rate(900, burst=30, reserve=10), "post": Rate(900, burst=30, reserve=10)},
        {"post": Rate(240, burst=1)},  # with more at once, some second would hold six
    )

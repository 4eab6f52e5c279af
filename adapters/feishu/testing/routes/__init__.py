"""The REST methods, with the paths, scopes and fields Feishu documents for each."""

from __future__ import annotations

from adapters.feishu.testing.routes import account, cards, chats, files, listing, messages, reactions
from adapters.feishu.testing.routes.call import Call, Download, Route

ROUTES: tuple[Route, ...] = (
    account.ROUTES + messages.ROUTES + listing.ROUTES + files.ROUTES + chats.ROUTES + reactions.ROUTES + cards.ROUTES
)

__all__ = ["ROUTES", "Call", "Download", "Route"]

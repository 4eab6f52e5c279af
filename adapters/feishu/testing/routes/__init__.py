"""The REST methods, with the paths, scopes and fields Feishu documents for each."""

from __future__ import annotations

from adapters.feishu.testing.routes import account, callbacks, cards, chats, files, listing, messages, reactions
from adapters.feishu.testing.routes.call import Call, Download, Route

_MODULES = (account, messages, listing, files, chats, reactions, cards, callbacks)
ROUTES: tuple[Route, ...] = tuple(route for module in _MODULES for route in module.ROUTES)

__all__ = ["ROUTES", "Call", "Download", "Route"]

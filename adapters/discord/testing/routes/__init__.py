"""Every route of the REST API that the loopback Discord has."""

from __future__ import annotations

from adapters.discord.testing.routes import account, commands, messages, responses, threads

ROUTES = [*account.ROUTES, *messages.ROUTES, *threads.ROUTES, *commands.ROUTES, *responses.ROUTES]

"""`GET /v1/models`: what may stand as `model` in a request, which is a bot, or a bot and one of its models."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web
from pydantic import BaseModel

from adapters.http.call import Call, http_adapter
from botkit.bot import Bot


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "botkit"


class Models(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


async def models(call: Call) -> web.Response:
    scopes = call.key.scopes
    listed = [
        {"id": id, "object": "model", "created": int(bot.started), "owned_by": "botkit"}
        for name, bot in call.gateway.house.bots.items()
        if scopes.bot(name) and http_adapter(bot) is not None
        for id in (name, *(f"{name}/{model}" for model in offered(bot) if scopes.model(model)))
    ]
    body = msgspec.json.encode({"object": "list", "data": listed})
    return web.Response(body=body, content_type="application/json")


def offered(bot: Bot) -> tuple[str, ...]:
    """The models a bot offers by name."""
    settings = bot.settings
    return tuple(dict.fromkeys(name for name in (settings.model, *settings.models) if name))


async def health(call: Call) -> web.Response:
    house = call.gateway.house
    ready = any((adapter := http_adapter(bot)) is not None and adapter.hub is not None for bot in house.bots.values())
    body = msgspec.json.encode({"status": "ok" if ready else "unavailable"})
    return web.Response(status=200 if ready else 503, body=body, content_type="application/json")

"""`/api/models` and `/api/tools`: what there is."""

from __future__ import annotations

from aiohttp import web

from adapters.http.api.answers import Told, told
from adapters.http.call import Call, http_adapter
from adapters.http.endpoint import Endpoint
from adapters.http.openai.models import offered


class ModelShown(Told):
    """A model of a bot."""

    bot: str
    model: str
    """"" is the CLI's own choice."""
    default: bool


class ModelsShown(Told):
    data: list[ModelShown]


class ToolShown(Told):
    """A tool that can be used in a session's folder without a turn."""

    name: str
    about: str
    path: str
    allowed: bool
    """This key may use it, where the session and its bot do not forbid it."""


class ToolsShown(Told):
    data: list[ToolShown]


async def models(call: Call) -> web.StreamResponse:
    scopes = call.key.scopes
    data = [
        ModelShown(bot=name, model=model, default=model == bot.settings.model)
        for name, bot in call.gateway.house.bots.items()
        if scopes.bot(name) and http_adapter(bot) is not None
        for model in offered(bot) or ("",)
        if model == bot.settings.model or scopes.model(model)
    ]
    return told(ModelsShown(data=data))


async def tools(call: Call) -> web.StreamResponse:
    scopes, head = call.key.scopes, "/api/sessions/{id}/tools/"
    data = [
        ToolShown(
            name=(name := endpoint.path.removeprefix(head)),
            about=endpoint.summary,
            path=endpoint.path,
            allowed=scopes.endpoint(endpoint.scope) and (name != "bash" or scopes.bash),
        )
        for endpoint in call.gateway.endpoints
        if endpoint.path.startswith(head)
    ]
    return told(ToolsShown(data=data))


ENDPOINTS = (
    Endpoint("GET", "/api/models", models, "Bots and their models", answer=ModelsShown, counts="free"),
    Endpoint("GET", "/api/tools", tools, "Tools that need no turn", answer=ToolsShown, counts="free"),
)

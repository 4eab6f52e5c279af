"""The keys of [gateway] and of [bots.NAME.http]."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from adapters.http.admin.settings import AdminSettings, Strong
from botkit.fields import FilePath, Seconds
from botkit.keys import networks
from botkit.model import PermissionMode
from botkit.settings import Section


def _origin(origin: str) -> str:
    if origin != "*" and (not origin.startswith(("https://", "http://")) or origin.count("/") != 2):
        raise ValueError('expected an origin such as "https://app.example.com", or "*"')
    return origin


Networks = Annotated[tuple[str, ...], AfterValidator(networks)]
Origin = Annotated[str, AfterValidator(_origin)]


class HttpSettings(Section):
    """Lets programs with an API key use this bot over HTTP; [gateway] must be there as well."""

    projects: dict[str, FilePath] = Field(default_factory=dict)
    """Folders a call may name as its project, besides the bot's workdir: {site = "../site"}."""
    permission_modes: tuple[PermissionMode, ...] = ("plan", "dontAsk")
    """What a call may ask for besides the bot's own mode."""


class WebhookSettings(Section):
    """Tells programs what became of their runs."""

    secret: Strong = SecretStr("")
    """What webhooks are signed with, a secret of each key's own made of it; "" is no webhooks."""
    allow: Networks = ()
    """Networks they may go to beside public addresses, then also by http://: ["127.0.0.1", "10.1.0.0/16"]."""


class GatewaySettings(Section):
    """HTTP for programs: OpenAI's, Anthropic's and botkit's own API. Each caller needs a key (`botkit keys create`)."""

    max_body: int = Field(default=48 * 1024 * 1024, ge=1024)
    """Largest request in bytes; files travel inside it."""
    max_requests: int = Field(default=1000, ge=1)
    """Answered at once, besides those that only look; who comes then is told to come again (429)."""
    max_requests_per_key: int = Field(default=100, ge=1)
    """Of one key."""
    max_streams: int = Field(default=10_000, ge=1)
    """Streams and WebSockets that may watch sessions at once."""
    max_streams_per_key: int = Field(default=1000, ge=1)
    """Of one key."""
    request_time: Seconds = Field(default=1800.0, gt=0)
    """Longest time until a request has its whole answer; then its turn is stopped."""
    heartbeat: Seconds = Field(default=15.0, gt=0)
    """A silent stream says that it lives."""
    slow_reader: Seconds = Field(default=30.0, gt=0)
    """A client that takes nothing of its stream for so long is cut off."""
    trusted_proxies: Networks = ()
    """Their X-Forwarded-For says who the client is: ["10.0.0.0/8"]. From anybody else it means nothing."""
    cors: tuple[Origin, ...] = ()
    """Web pages that may use the gateway from a browser: ["https://app.example.com"]; ["*"] is every page."""
    failures_per_minute: int = Field(default=20, ge=1)
    """Wrong keys from one address; then it is told to wait."""
    webhooks: WebhookSettings = WebhookSettings()
    """[gateway.webhooks]"""
    admin: AdminSettings = AdminSettings()
    """[gateway.admin]"""

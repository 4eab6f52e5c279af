"""The keys of [gateway] and of [bots.NAME.http]."""

from __future__ import annotations

from pydantic import Field

from botkit.fields import FilePath, Seconds
from botkit.model import PermissionMode
from botkit.settings import Section


class HttpSettings(Section):
    """Lets programs with an API key use this bot over HTTP; [gateway] must be there as well."""

    projects: dict[str, FilePath] = Field(default_factory=dict)
    """Folders a call may name as its project, besides the bot's workdir: {site = "../site"}."""
    permission_modes: tuple[PermissionMode, ...] = ("plan", "dontAsk")
    """What a call may ask for besides the bot's own mode."""


class GatewaySettings(Section):
    """HTTP for programs: OpenAI's, Anthropic's and botkit's own API. Each caller needs a key (`botkit keys create`)."""

    max_body: int = Field(default=48 * 1024 * 1024, ge=1024)
    """Largest request in bytes; files travel inside it."""
    max_requests: int = Field(default=1000, ge=1)
    """Answered at once; who comes then is told to come again."""
    max_requests_per_key: int = Field(default=100, ge=1)
    """Of one key."""
    request_time: Seconds = Field(default=1800.0, gt=0)
    """Longest time until a request has its whole answer; then its turn is stopped."""
    heartbeat: Seconds = Field(default=15.0, gt=0)
    """A silent stream says that it lives."""
    slow_reader: Seconds = Field(default=30.0, gt=0)
    """A client that takes nothing of its stream for so long is cut off."""

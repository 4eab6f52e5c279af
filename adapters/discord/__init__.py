"""Discord: mentions, direct messages and threads, over the gateway. Light: no SDK is imported here."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from botkit.plugins import AdapterPlugin, Setup
from botkit.protocols import Adapter

__all__ = ["DiscordSettings", "plugin"]


class DiscordSettings(BaseModel):
    """`[bots.NAME.discord]`: one application, in as many servers as it was invited to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr = Field(description="The bot's token, from the Developer Portal's page Bot")
    api_url: str = Field("https://discord.com/api/v10", description="Where Discord's REST API is (a proxy)")
    gateway_url: str = Field("wss://gateway.discord.gg", description="Where Discord's gateway is (a proxy)")
    slash_commands: bool = Field(
        True, description="Register botkit's commands with Discord; other commands of the application are replaced"
    )
    typing: bool = Field(True, description="Show that the bot is typing while it works")
    thread_context: int = Field(
        50, ge=0, le=500, description="Earlier messages given to Claude when it is called into a thread"
    )
    catch_up: int = Field(
        50, ge=0, le=1000, description="Messages looked at per conversation after a downtime; 0: none"
    )
    catch_up_age: float = Field(
        24 * 3600.0, ge=0, description="Seconds; what was missed longer ago than this is not answered"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        token = self.bot_token.get_secret_value()
        if not token:
            raise ValueError("bot_token must not be empty")
        if token.lower().startswith("bot ") or token != token.strip():
            raise ValueError("bot_token is the token alone, without 'Bot ' or spaces")
        if not self.api_url.startswith(("https://", "http://")):
            raise ValueError("api_url must begin with https://")
        if not self.gateway_url.startswith(("wss://", "ws://")):
            raise ValueError("gateway_url must begin with wss://")
        return self


def _create(name: str, settings: DiscordSettings) -> Adapter:
    from adapters.discord.adapter import DiscordAdapter  # imported late: the SDK costs 34 MB and 0.2 s

    return DiscordAdapter(name, settings)


def _setup(wanted: Setup) -> str:
    del wanted  # commands are told to Discord when the bot connects, and nothing reaches it from outside
    from adapters.discord.invite import steps

    return steps()


plugin = AdapterPlugin(settings=DiscordSettings, create=_create, setup=_setup)

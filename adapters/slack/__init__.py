"""Slack: mentions, direct messages and threads, over Socket Mode or the Events API. Light: no SDK is imported here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from botkit.plugins import AdapterPlugin, Setup
from botkit.protocols import Adapter

__all__ = ["SlackSettings", "plugin"]


class SlackSettings(BaseModel):
    """`[bots.NAME.slack]`: one app in one workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr = Field(description="The bot user's OAuth token, xoxb-…")
    app_token: SecretStr = Field(
        SecretStr(""), description="The app-level token, xapp-…, for Socket Mode; leave it out to receive over HTTP"
    )
    signing_secret: SecretStr = Field(
        SecretStr(""), description="Verifies what Slack sends to /{bot}/slack/events; only needed without app_token"
    )
    api_url: str = Field("https://slack.com/api/", description="Where Slack's Web API is (GovSlack, a proxy)")
    format: Literal["mrkdwn", "markdown"] = Field(
        "mrkdwn",
        description="How answers are sent: as mrkdwn text, or as `markdown` blocks (Slack draws tables and headings)",
    )
    stream: Literal["auto", "native", "edit", "final"] = Field(
        "auto",
        description="How an answer grows: 'native' streams it, which in a channel only the person who asked sees; "
        "'edit' edits a message; 'auto' streams in direct messages and edits in channels; 'final' posts it once it is "
        "there",
    )
    stream_seconds: float = Field(
        240.0,
        ge=1,
        le=290,
        description="How long one message is streamed before the answer goes on in a new one; Slack closes a stream "
        "after five minutes",
    )
    status: Literal["auto", "assistant", "reaction", "off"] = Field(
        "auto",
        description="The sign of work in progress: 'assistant' sets the thread's status, 'reaction' adds :eyes:, "
        "'auto' takes the first that works",
    )
    edits_per_minute: int = Field(
        45, ge=1, le=1200, description="chat.update calls for the whole workspace; Slack allows about 50"
    )
    thread_context: int = Field(
        50, ge=0, le=500, description="Earlier messages given to Claude when it is called into a thread"
    )
    catch_up: int = Field(
        50, ge=0, le=1000, description="Messages looked at per followed conversation after a downtime; 0: none"
    )
    catch_up_age: float = Field(
        24 * 3600.0, ge=0, description="Seconds; what was missed longer ago than this is not answered"
    )
    catch_up_channels: int = Field(
        40,
        ge=0,
        le=500,
        description="Channels looked through after a downtime for who called the bot for the first time; 0: none. "
        "Channels without a thread of the bot's need the scopes channels:read, groups:read, im:read and mpim:read",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.bot_token.get_secret_value():
            raise ValueError("bot_token must not be empty")
        if self.bot_token.get_secret_value().startswith("xapp-"):
            raise ValueError("bot_token is an app-level token (xapp-…); it must be the bot's own, xoxb-…")
        if self.app_token.get_secret_value().startswith(("xoxb-", "xoxp-")):
            raise ValueError("app_token is a bot or user token; it must be an app-level token, xapp-…")
        if not self.app_token.get_secret_value() and not self.signing_secret.get_secret_value():
            raise ValueError("give app_token (Socket Mode) or signing_secret (HTTP): without one nothing is received")
        if not self.api_url.startswith(("https://", "http://")):
            raise ValueError("api_url must begin with https://")
        return self


def _create(name: str, settings: SlackSettings) -> Adapter:
    from adapters.slack.adapter import SlackAdapter  # imported late: the SDK costs 30 MB and 0.2 s

    return SlackAdapter(name, settings)


def _setup(wanted: Setup) -> str:
    from adapters.slack.manifest import PATH, steps

    settings = wanted.settings
    socket = isinstance(settings, SlackSettings) and settings.app_token.get_secret_value()
    return steps(wanted.commands, "" if socket or not wanted.address else wanted.address + PATH)


plugin = AdapterPlugin(settings=SlackSettings, create=_create, setup=_setup)

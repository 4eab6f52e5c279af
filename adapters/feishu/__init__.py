"""Feishu and Lark: mentions, direct messages, topics, over a long connection or HTTP. Light: no SDK is imported."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from botkit.plugins import AdapterPlugin, Setup
from botkit.protocols import Adapter

__all__ = ["FeishuSettings", "plugin"]

_DOMAINS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}


class FeishuSettings(BaseModel):
    """`[bots.NAME.feishu]`: one self-built app in one tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app_id: str = Field(description="The app's id, cli_…")
    app_secret: SecretStr = Field(description="The app's secret, from Credentials & Basic Info")
    domain: str = Field(
        "feishu", description="'feishu' (feishu.cn), 'lark' (larksuite.com), or the address of a private deployment"
    )
    transport: Literal["long_connection", "webhook"] = Field(
        "long_connection",
        description="How events arrive: over a connection that botkit opens, or at /{bot}/feishu/events",
    )
    encrypt_key: SecretStr = Field(
        SecretStr(""), description="Decrypts and verifies what arrives at the webhook; not used by the long connection"
    )
    verification_token: SecretStr = Field(
        SecretStr(""), description="Compared with the token in each event at the webhook, if given"
    )
    stream: Literal["auto", "edit"] = Field(
        "auto",
        description="How answers grow: 'auto' types them into a streaming card where the platform has those, "
        "'edit' replaces an ordinary card",
    )
    stop_button: bool = Field(True, description="A growing answer carries a button that stops it")
    working: str = Field(
        "Typing", description="The emoji reaction on a message that is being worked on (an emoji_type); '' for none"
    )
    thread_context: int = Field(
        50, ge=0, le=500, description="Earlier messages given to Claude when it is called into a topic"
    )
    catch_up: int = Field(
        50, ge=0, le=1000, description="Messages looked at per followed conversation after a downtime; 0: none"
    )
    catch_up_age: float = Field(
        24 * 3600.0, ge=0, description="Seconds; what was missed longer ago than this is not answered"
    )
    catch_up_groups: int = Field(
        40,
        ge=0,
        le=100,
        description="Groups looked through after a downtime for who called the bot for the first time; 0: none. Needs "
        "the scope im:message.group_msg, and im:chat:readonly for groups without a topic of the bot's",
    )

    @property
    def base_url(self) -> str:
        """The address of the open platform, without a slash at its end."""
        return _DOMAINS.get(self.domain, self.domain).rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.base_url.startswith(("https://", "http://")):
            raise ValueError("domain is 'feishu', 'lark' or an address that begins with https://")
        if not self.app_id or not self.app_secret.get_secret_value():
            raise ValueError("app_id and app_secret must not be empty")
        if self.transport == "webhook" and not self.encrypt_key.get_secret_value():
            raise ValueError(
                "the webhook needs encrypt_key: without one nobody can tell who sent an event "
                "(Developer Console -> Events & Callbacks -> Encryption Strategy)"
            )
        return self


def _create(name: str, settings: FeishuSettings) -> Adapter:
    from adapters.feishu.adapter import FeishuAdapter  # imported late: the SDK's parts cost 10 MB and 0.1 s

    return FeishuAdapter(name, settings)


def _setup(wanted: Setup) -> str:
    from adapters.feishu.console import steps  # Feishu has no menu of commands

    return steps(wanted.address)


plugin = AdapterPlugin(settings=FeishuSettings, create=_create, setup=_setup)

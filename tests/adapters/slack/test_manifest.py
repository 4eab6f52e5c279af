"""The app asks for exactly the rights it uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from pydantic import ValidationError

import adapters.slack
from adapters.slack import SlackSettings, plugin
from adapters.slack.manifest import manifest, usage_hint
from adapters.slack.methods import ALL, COMMANDS, EVENTS, OPTIONAL, READS, REQUIRED, SCOPES, Method
from adapters.slack.testing import LoopbackSlack
from botkit.commands import Command
from botkit.plugins import Setup, load_adapter, setup_of
from tests.adapters.slack.rig import COMMANDS as OFFERED
from tests.adapters.slack.rig import Bot, adapter_for

SOURCES = Path(adapters.slack.__file__).parent.glob("*.py")


def test_the_manifest_has_exactly_the_scopes_of_the_methods_and_events_used() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if path.name != "methods.py")
    known = set(get_args(Method))
    used = {name for name in re.findall(r'"((?:[a-z]+\.)+[a-zA-Z]+)"', text) if name in known or "." in name} & known
    assert used == known == set(SCOPES)
    assert known >= READS
    needed = {scope for method in used for scope in SCOPES[method]}
    needed |= {scope for scopes in EVENTS.values() for scope in scopes} | {COMMANDS}
    assert set(ALL) == needed == {*REQUIRED, *OPTIONAL}
    made = manifest(OFFERED)
    assert made["oauth_config"] == {"scopes": {"bot": sorted(needed)}}


async def test_an_app_made_from_the_manifest_hears_that_an_assistant_thread_is_opened() -> None:
    made = msgspec.convert(manifest(OFFERED), Manifest)
    assert "assistant_view" in made.features, "without it Slack has no such threads for the app"
    async with LoopbackSlack(speed=60) as slack:
        slack.app.scopes = set(made.oauth_config["scopes"]["bot"])
        slack.app.events = set(made.settings["event_subscriptions"]["bot_events"])
        bot = Bot(slack)
        async with adapter_for(slack).connect(bot):
            root = await slack.open_assistant("alice")
            await slack.until(lambda: bot.signs)
        assert bot.signs[0][0].thread == root.ts
        slack.app.scopes.discard("assistant:write")
        async with adapter_for(slack).connect(bot):
            await slack.open_assistant("alice")
            await slack.settled()
        assert len(bot.signs) == 1, "the event needs the scope"


class Manifest(msgspec.Struct):
    """What of it is looked at."""

    features: dict[str, Any]
    oauth_config: dict[str, dict[str, list[str]]]
    settings: dict[str, Any]


def test_socket_mode_needs_no_address_and_http_has_it_everywhere() -> None:
    socket = manifest(OFFERED, command="/ask")
    http = manifest(OFFERED, public_url="https://bots.example/acme/slack/events")
    assert "request_url" not in repr(socket)
    assert "'socket_mode_enabled': True" in repr(socket)
    assert "'command': '/ask'" in repr(socket)
    assert repr(http).count("https://bots.example/acme/slack/events") == 3
    assert "'socket_mode_enabled': False" in repr(http)


def pasted(said: str) -> object:
    start, end = said.index("{\n"), said.index("\n}\n") + 2
    return msgspec.json.decode(said[start:end])


def test_the_set_up_can_be_pasted() -> None:
    said = setup_of("slack", Setup(OFFERED))
    assert pasted(said) == manifest(OFFERED)
    assert 'bot_token = "${SLACK_BOT_TOKEN}"' in said
    assert 'app_token = "${SLACK_APP_TOKEN}"' in said


def test_where_slack_reaches_the_bot_the_manifest_says_so_and_the_secret_is_asked_for() -> None:
    at = "https://bots.example/acme"
    said = setup_of("slack", Setup(OFFERED, at))
    assert pasted(said) == manifest(OFFERED, public_url=f"{at}/slack/events")
    assert 'signing_secret = "${SLACK_SIGNING_SECRET}"' in said
    assert "app_token" not in said
    http = SlackSettings.model_validate({"bot_token": "xoxb-1", "signing_secret": "s"})
    assert setup_of("slack", Setup(OFFERED, at, http)) == said
    socket = SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"})
    assert setup_of("slack", Setup(OFFERED, at, socket)) == setup_of("slack", Setup(OFFERED))


def test_the_slash_command_says_what_the_bot_offers() -> None:
    assert usage_hint(OFFERED) == "help | stop [all] | status | resume N|ID | deploy TARGET [when]"
    many = [Command(f"command{number}", "one of many", "[what]") for number in range(100)]
    assert 950 < len(usage_hint(many)) <= 1000
    assert usage_hint(many).endswith("[what]")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"bot_token": "xoxb-1"}, "without one nothing is received"),
        ({"bot_token": "xapp-1", "app_token": "xapp-1"}, "bot_token is an app-level token"),
        ({"bot_token": "xoxb-1", "app_token": "xoxb-1"}, "app_token is a bot"),
        ({"bot_token": "xoxb-1", "app_token": "xapp-1", "api_url": "slack.com"}, "https://"),
        ({"bot_token": "xoxb-1", "app_token": "xapp-1", "colour": "red"}, "colour"),
        ({"app_token": "xapp-1"}, "bot_token"),
        ({"bot_token": "", "app_token": "xapp-1"}, "bot_token must not be empty"),
    ],
)
def test_wrong_settings_say_what_is_wrong(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        SlackSettings.model_validate(given)


def test_the_adapter_is_found_by_name_and_made_without_a_network() -> None:
    assert load_adapter("slack") is plugin
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1", "signing_secret": "s"})
    assert plugin.create("team", settings).name == "team"
    assert "xoxb-1" not in repr(settings)

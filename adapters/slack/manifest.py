"""The app manifest: what to paste at api.slack.com/apps so that the app has exactly the rights botkit uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.slack.methods import ALL, EVENTS
from botkit.commands import Command

Json = dict[str, object]

PATH = "/slack/events"
"""Where Slack delivers, below the bot's address, when it does so over HTTP."""
DESCRIPTION = "Claude Code in your workspace"
LONGEST_HINT = 1000
"""Characters of a slash command's hint, https://docs.slack.dev/reference/app-manifest."""

_STEPS = """\
1. https://api.slack.com/apps -> Create New App -> From a manifest -> your workspace; paste this:

{manifest}

   {other}
2. Install to Workspace; OAuth & Permissions -> Bot User OAuth Token (xoxb-...) is SLACK_BOT_TOKEN.
3. Basic Information -> {secret}.
4. In bots.toml, with the ids of those who may use it (their profile -> ... -> Copy member ID):

   [bots.NAME.slack]
   bot_token = "${{SLACK_BOT_TOKEN}}"
   {line}

   [bots.NAME.access]
   allow_users = ["YOUR-MEMBER-ID"]

5. botkit doctor; then /invite the bot into a channel and mention it."""

_SOCKET_MODE = {
    "other": "It is for Socket Mode. If Slack is to deliver over HTTP: botkit init slack --public-url https://YOUR-HOST",
    "secret": "App-Level Tokens -> Generate, scope connections:write (xapp-...) is SLACK_APP_TOKEN",
    "line": 'app_token = "${SLACK_APP_TOKEN}"',
}
_HTTP = {
    "other": "Slack asks these addresses at once. botkit answers when it runs with the token and the secret below, so\n"
    "   have them verified after that: Event Subscriptions -> Request URL -> Retry.",
    "secret": "App Credentials -> Signing Secret is SLACK_SIGNING_SECRET",
    "line": 'signing_secret = "${SLACK_SIGNING_SECRET}"',
}


def steps(commands: Sequence[Command], public_url: str = "") -> str:
    """How to set the app up, with its manifest: what `botkit init slack` says. `public_url` as for `manifest`."""
    made = msgspec.json.format(msgspec.json.encode(manifest(commands, public_url=public_url)), indent=2)
    return _STEPS.format(manifest=made.decode(), **(_HTTP if public_url else _SOCKET_MODE))


def manifest(
    commands: Sequence[Command], *, name: str = "Claude", command: str = "/claude", public_url: str = ""
) -> Json:
    """A Slack app manifest. `public_url` is where Slack reaches `/{bot}/slack/events`; '' means Socket Mode.

    One slash command stands for all: Slack's names are shared by every app of a workspace.
    https://docs.slack.dev/reference/app-manifest
    """
    request = {"request_url": public_url} if public_url else {}
    slash: Json = {
        "command": command,
        "description": f"Commands for {name}",
        "usage_hint": usage_hint(commands),
        "should_escape": True,
        **({"url": public_url} if public_url else {}),
    }
    return {
        "display_information": {"name": name, "description": DESCRIPTION},
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "assistant_view": {"assistant_description": DESCRIPTION},  # without it there are no assistant threads
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [slash],
        },
        "oauth_config": {"scopes": {"bot": list(ALL)}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(EVENTS), **request},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not public_url,
            "token_rotation_enabled": False,
        },
    }


def usage_hint(commands: Sequence[Command]) -> str:
    """What may be typed after the slash command, as many as Slack takes."""
    hint = ""
    for command in commands:
        longer = f"{hint} | {command.name} {command.usage}".strip(" |")
        if len(longer) > LONGEST_HINT:
            break
        hint = longer
    return hint

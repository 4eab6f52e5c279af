"""The app manifest: what to paste at api.slack.com/apps so that the app has exactly the rights botkit uses. Pure."""

from __future__ import annotations

import msgspec

from adapters.slack.methods import EVENTS, REQUIRED

Json = dict[str, object]

_STEPS = """\
1. https://api.slack.com/apps -> Create New App -> From a manifest -> your workspace; paste this:

{manifest}

   Without Socket Mode (`app_token`) turn `socket_mode_enabled` off and give https://YOUR-HOST/BOT/slack/events as
   `request_url` of event_subscriptions and interactivity and as `url` of the slash command.
2. Install to Workspace; OAuth & Permissions -> Bot User OAuth Token (xoxb-...) is SLACK_BOT_TOKEN.
3. Basic Information -> App-Level Tokens -> Generate, scope connections:write (xapp-...) is SLACK_APP_TOKEN;
   for HTTP take the Signing Secret instead.
4. In bots.toml:

   [bots.NAME.slack]
   bot_token = "${{SLACK_BOT_TOKEN}}"
   app_token = "${{SLACK_APP_TOKEN}}"

5. botkit doctor; then /invite the bot into a channel and mention it."""


def steps() -> str:
    """How to set the app up, with its manifest: what `botkit init slack` says."""
    return _STEPS.format(manifest=msgspec.json.format(msgspec.json.encode(manifest()), indent=2).decode())


def manifest(*, name: str = "Claude", command: str = "/claude", public_url: str = "") -> Json:
    """A Slack app manifest. `public_url` is where Slack reaches `/{bot}/slack/events`; '' means Socket Mode.

    https://docs.slack.dev/reference/app-manifest
    """
    request = {"request_url": public_url} if public_url else {}
    slash: Json = {
        "command": command,
        "description": "Commands for Claude: help, new, stop, status, sessions",
        "usage_hint": "help",
        "should_escape": True,
        **({"url": public_url} if public_url else {}),
    }
    return {
        "display_information": {"name": name, "description": "Claude Code in your workspace"},
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [slash],
        },
        "oauth_config": {"scopes": {"bot": list(REQUIRED)}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(EVENTS), **request},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not public_url,
            "token_rotation_enabled": False,
        },
    }

"""The app manifest: what to paste at api.slack.com/apps so that the app has exactly the rights botkit uses. Pure."""

from __future__ import annotations

from adapters.slack.methods import EVENTS, REQUIRED

Json = dict[str, object]


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

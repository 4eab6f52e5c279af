"""The rights the bot needs, the link that invites it with exactly these, and the steps in Discord's portal. Pure."""

from __future__ import annotations

from urllib.parse import urlencode

PERMISSIONS = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
}
"""https://docs.discord.com/developers/topics/permissions"""
INTENTS = {
    "guilds": 1 << 0,
    "guild_messages": 1 << 9,
    "guild_typing": 1 << 11,
    "dm_messages": 1 << 12,
    "dm_typing": 1 << 14,
    "message_content": 1 << 15,
}
"""What the gateway is asked for, by discord.py's names; only the last one must be switched on in the portal."""
SCOPES = ("bot", "applications.commands")

_STEPS = """\
1. https://discord.com/developers/applications -> New Application.
2. Bot -> Reset Token; the token is DISCORD_BOT_TOKEN.
3. Bot -> Privileged Gateway Intents -> switch on MESSAGE CONTENT INTENT (the other two stay off) -> Save Changes.
   General Information -> Interactions Endpoint URL stays empty: slash commands and buttons come over the gateway.
4. Invite the bot; YOUR-APPLICATION-ID is on General Information:

   {link}

   It asks for: {permissions}.
5. In bots.toml, with the ids of those who may use it (Settings -> Advanced -> Developer Mode, then Copy User ID):

   [bots.NAME.discord]
   bot_token = "${{DISCORD_BOT_TOKEN}}"

   [bots.NAME.access]
   allow_users = ["YOUR-USER-ID"]

6. botkit doctor; then mention the bot in a channel."""


def permissions() -> int:
    """The permissions as the number that Discord's links take."""
    return sum(PERMISSIONS.values())


def link(application: str, *, host: str = "https://discord.com") -> str:
    """Where somebody who manages a server invites the bot."""
    query = {"client_id": application, "scope": " ".join(SCOPES), "permissions": permissions()}
    return f"{host}/oauth2/authorize?{urlencode(query)}"


def steps() -> str:
    """How to set the application up: what `botkit init discord` says."""
    return _STEPS.format(link=link("YOUR-APPLICATION-ID"), permissions=", ".join(PERMISSIONS))

"""A strict Discord on loopback, for tests of everything that talks to Discord.

It refuses what Discord refuses, limits what Discord limits and says so in the same headers, delivers what Discord
delivers to those with the right intents, and records what a client does against the rules. `LoopbackDiscord` is where
to begin.
"""

from adapters.discord.testing.faults import Fault, Trouble
from adapters.discord.testing.interactions import Interaction
from adapters.discord.testing.record import ApiCall, Sent, Violation
from adapters.discord.testing.server import LoopbackDiscord
from adapters.discord.testing.world import App, Attachment, Channel, Guild, Person, Post, Role, Version

__all__ = [
    "ApiCall",
    "App",
    "Attachment",
    "Channel",
    "Fault",
    "Guild",
    "Interaction",
    "LoopbackDiscord",
    "Person",
    "Post",
    "Role",
    "Sent",
    "Trouble",
    "Version",
    "Violation",
]

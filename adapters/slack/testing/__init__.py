"""A strict Slack on loopback, for tests of everything that talks to Slack.

It refuses what Slack refuses, limits what Slack limits, delivers what Slack delivers, in Slack's order and again when
it is not acknowledged, and records what a client does against the rules. `LoopbackSlack` is where to begin.
"""

from adapters.slack.testing.delivery import Attempt, Delivery
from adapters.slack.testing.faults import Fault, Trouble
from adapters.slack.testing.hooks import encoded, signed
from adapters.slack.testing.record import ApiCall, Violation
from adapters.slack.testing.server import LoopbackSlack
from adapters.slack.testing.world import App, Channel, Person, Post, SharedFile, Version, Workspace

__all__ = [
    "ApiCall",
    "App",
    "Attempt",
    "Channel",
    "Delivery",
    "Fault",
    "LoopbackSlack",
    "Person",
    "Post",
    "SharedFile",
    "Trouble",
    "Version",
    "Violation",
    "Workspace",
    "encoded",
    "signed",
]

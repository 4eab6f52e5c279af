"""A strict Feishu on loopback (Lark is the same), for tests of everything that talks to Feishu.

It refuses what Feishu refuses, with Feishu's codes, limits what Feishu limits, delivers what Feishu delivers, by long
connection or webhook and again when it is not acknowledged, and records what a client does against the rules.
`LoopbackFeishu` is where to begin.
"""

from adapters.feishu.testing.delivery import Attempt, Delivery
from adapters.feishu.testing.faults import Fault, Trouble
from adapters.feishu.testing.people import Press
from adapters.feishu.testing.record import ApiCall, Violation
from adapters.feishu.testing.secrecy import encrypted, signature, signed
from adapters.feishu.testing.server import LoopbackFeishu
from adapters.feishu.testing.world import App, Card, Chat, Person, Post, Resource, Version

__all__ = [
    "ApiCall",
    "App",
    "Attempt",
    "Card",
    "Chat",
    "Delivery",
    "Fault",
    "LoopbackFeishu",
    "Person",
    "Post",
    "Press",
    "Resource",
    "Trouble",
    "Version",
    "Violation",
    "encrypted",
    "signature",
    "signed",
]

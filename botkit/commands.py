"""A command as people find it: in `/help`, and in the menus of platforms that have commands of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from botkit.model import Role

_OPTIONAL = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a bot's routes; typed after the platform's sign, it is the same as chosen from a menu."""

    name: str
    about: str
    """One line of Markdown."""
    usage: str = ""
    """What follows the name, what may be left out in brackets: `[ID] TEXT`; '' when nothing does."""
    role: Role = "user"
    """The least role that may use it."""

    @property
    def complete(self) -> bool:
        """The name alone is enough."""
        return not _OPTIONAL.sub("", self.usage).strip()

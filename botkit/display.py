"""How much of a turn people see besides the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeGuard, get_args

Level = Literal["quiet", "normal", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)


def is_level(text: str) -> TypeGuard[Level]:
    return text in LEVELS


@dataclass(frozen=True, slots=True)
class Display:
    """What replies show: of a whole bot, or in one conversation."""

    level: Level = "normal"
    """`quiet`: the answer alone, once it is there. `normal`: it grows, with a line for each tool, the task list and the
    time it takes. `full`: also what Claude thinks and what its tools answer, folded."""
    footer: bool = True
    """The small last line: duration, cost, tools used."""

    def at(self, level: str) -> Display:
        """The same at another level; what is none ('', or what another version of botkit wrote) changes nothing."""
        return replace(self, level=level) if is_level(level) else self

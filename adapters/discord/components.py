"""Buttons and menus under a message, and the command that a press stands for. Pure."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from botkit.model import Action

Json = dict[str, object]

_Item = TypeVar("_Item")

OURS = "botkit"
CUSTOM_ID, LABEL, OPTION = 100, 80, 100
"""Most characters of a custom_id, a button's label, an option's label or value; Discord's component reference."""
ROWS, BUTTONS, OPTIONS = 5, 5, 25
"""Most rows of a message, buttons of a row, options of a menu."""
MANY = 5
"""More choices than this become a menu."""
REMEMBERED = 5000

_STYLES = {"primary": 1, "default": 2, "danger": 4}


class Keys:
    """Short keys for commands that do not fit a custom_id. They live as long as the process."""

    def __init__(self) -> None:
        self._commands: OrderedDict[str, str] = OrderedDict()

    def short(self, command: str, most: int) -> str:
        """The command itself if it fits, else its key."""
        if len(command) <= most and not command.startswith("#"):
            return command
        key = "#" + hashlib.sha256(command.encode()).hexdigest()[:24]
        self._commands[key] = command
        self._commands.move_to_end(key)
        while len(self._commands) > REMEMBERED:
            self._commands.popitem(last=False)
        return key

    def command(self, short: str) -> str:
        """The command behind what `short` gave; '' for a key of an earlier process."""
        return self._commands.get(short, "") if short.startswith("#") else short


def components(actions: Sequence[Action], keys: Keys, thread: str = "") -> list[Json]:
    """Rows of buttons; many choices that differ in nothing but their words become menus.

    `thread` is named where the message stands outside of the thread it belongs to.
    """
    choices = [action for action in actions if action.style == "default"]
    menus = len(choices) > MANY
    plain = [action for action in actions if not menus or action.style != "default"]
    rows = [_row(row) for row in _chunks(_buttons(plain, keys, thread), BUTTONS)]
    if menus:
        rows = [*_menus(choices, keys, thread), *rows]
    return rows[:ROWS]


def pressed(custom_id: str, values: Sequence[str], keys: Keys) -> tuple[str, str]:
    """The thread named in a custom_id and the command that was chosen; '' for what is not ours or too old."""
    kind, _, rest = custom_id.partition(":")
    _, _, rest = rest.partition(":")
    thread, _, command = rest.partition(":")
    if kind != OURS:
        return "", ""
    return thread, keys.command(values[0] if values else command)


def _buttons(actions: Sequence[Action], keys: Keys, thread: str) -> Iterator[Json]:
    for number, action in enumerate(actions):
        head = f"{OURS}:{number}:{thread}:"
        yield {
            "type": 2,
            "style": _STYLES[action.style],
            "label": _shortened(action.label, LABEL),
            "custom_id": head + keys.short(action.command, CUSTOM_ID - len(head)),
        }


def _menus(choices: Sequence[Action], keys: Keys, thread: str) -> Iterator[Json]:
    unique = {keys.short(action.command, OPTION): action for action in choices}
    for number, some in enumerate(_chunks(unique.items(), OPTIONS)):
        options = [{"label": _shortened(action.label, OPTION), "value": value} for value, action in some]
        menu: Json = {"type": 3, "custom_id": f"{OURS}:m{number}:{thread}:", "options": options}
        yield _row([menu])


def _row(inside: Sequence[Json]) -> Json:
    return {"type": 1, "components": list(inside)}


def _chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    left = list(items)
    for start in range(0, len(left), size):
        yield left[start : start + size]


def _shortened(label: str, most: int) -> str:
    return (label if len(label) <= most else label[: most - 1] + "…") or "…"

"""Folds a turn's events into what is seen. Pure: no clock, no waiting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Display:
    """What a bot's replies show besides the answer."""

    footer: bool = True
    """The small last line: duration, cost, tools used."""
    tools: bool = True
    """One line for each tool while the turn runs."""
    thinking: bool = False

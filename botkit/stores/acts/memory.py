"""The audit log, in this process only."""

from __future__ import annotations

from collections.abc import Sequence

from botkit.keys import Act
from botkit.roles import PAGE


class MemoryActs:
    """See `roles.Acts`."""

    def __init__(self) -> None:
        self._acts: dict[str, Act] = {}

    async def add(self, act: Act) -> None:
        self._acts.setdefault(act.id, act)

    async def list(
        self, *, who: str = "", target: str = "", before: tuple[float, str] | None = None, most: int = PAGE
    ) -> Sequence[Act]:
        found = [act for act in self._acts.values() if who in ("", act.who) and target in ("", act.target)]
        found.sort(key=lambda act: (act.at, act.id), reverse=True)
        return [act for act in found if before is None or (act.at, act.id) < before][:most]

    async def purge(self, before: float) -> int:
        rows = len(self._acts)
        self._acts = {id: act for id, act in self._acts.items() if act.at >= before}
        return rows - len(self._acts)

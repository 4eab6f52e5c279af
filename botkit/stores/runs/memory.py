"""Async runs in this process only."""

from __future__ import annotations

from collections.abc import Sequence

from botkit.roles import PAGE
from botkit.runs import ENDED, Repeatable, Run


class MemoryRuns:
    """See `roles.Runs`."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._requests: dict[tuple[str, str], Repeatable] = {}

    async def save(self, run: Run) -> None:
        before = self._runs.get(run.id)
        if before is None or before.status not in ENDED:
            self._runs[run.id] = run

    async def get(self, id: str) -> Run | None:
        return self._runs.get(id)

    async def list(self, key: str, *, before: tuple[float, str] | None = None, most: int = PAGE) -> Sequence[Run]:
        found = [run for run in self._runs.values() if run.key == key]
        found.sort(key=lambda run: (run.created, run.id), reverse=True)
        return [run for run in found if before is None or (run.created, run.id) < before][:most]

    async def claim(self, request: Repeatable) -> Repeatable | None:
        earlier = self._requests.get((request.key, request.name))
        if earlier is not None and earlier.expires > request.at:
            return earlier
        self._requests[request.key, request.name] = request
        return None

    async def answer(self, request: Repeatable) -> None:
        self._requests[request.key, request.name] = request

    async def forget(self, key: str, name: str) -> None:
        self._requests.pop((key, name), None)

    async def purge(self, before: float, now: float) -> int:
        rows = len(self._runs) + len(self._requests)
        self._runs = {id: run for id, run in self._runs.items() if run.created >= before}
        self._requests = {name: request for name, request in self._requests.items() if request.expires > now}
        return rows - len(self._runs) - len(self._requests)

"""Starts workers: resumes a session or begins it, whichever the CLI says it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from botkit.claude.intake import Intake
from botkit.claude.keeping import Keeping
from botkit.claude.options import RERENDER, Profile, TurnLimits
from botkit.claude.worker import Worker
from botkit.errors import ClaudeCrashed

# The CLI's own words, the only sign by which these two can be told from a crash.
_UNKNOWN, _IN_USE = "No conversation found", "already in use"


@dataclass(frozen=True, slots=True)
class Order:
    """What a turn needs: a worker of this profile with this session."""

    profile: Profile
    session: str
    owner: str
    fresh: bool
    rules: tuple[str, ...] = ()
    total: float = 0.0
    """The session's cost so far, for a CLI that cannot say it itself."""
    copied: str = ""
    """The session it begins as a copy of."""


class Starting:
    """The workers on their way; `born` gets each one before it can say anything by itself."""

    def __init__(
        self, ambient: Mapping[str, str], turns: TurnLimits, keeping: Keeping, born: Callable[[Worker], None]
    ) -> None:
        self._ambient, self._turns, self._keeping, self._born = ambient, turns, keeping, born
        self._workers: set[Worker] = set()
        self._intake = Intake()

    async def start(self, order: Order) -> Worker:
        """Resume the session, or begin it; if the CLI says that it must be the other way, the other way.

        Raises ClaudeMissing or ClaudeCrashed.
        """
        await self._keeping.ensure()
        try:
            return await self._spawn(order, resume=not order.fresh)
        except ClaudeCrashed as crash:
            if order.profile.rerender and RERENDER in crash.stderr:
                # An older CLI, which records nothing.
                return await self.start(replace(order, profile=replace(order.profile, rerender=False)))
            if (_IN_USE if order.fresh else _UNKNOWN) not in crash.stderr:
                raise
        worker = await self._spawn(order, resume=order.fresh)
        worker.lost = not order.fresh
        return worker

    async def cancel(self, session: str | None = None) -> None:
        """End those of a session (None: all) before they are ready: their `start` raises ClaudeCrashed."""
        for worker in [each for each in self._workers if session in (None, each.session)]:
            await worker.kill()

    async def _spawn(self, order: Order, *, resume: bool) -> Worker:
        worker = Worker(order.profile, order.session, self._turns, self._keeping.marker(), self._intake)
        self._workers.add(worker)
        try:
            await worker.start(self._ambient, resume=resume, rules=order.rules, total=order.total, copied=order.copied)
        except BaseException:
            await worker.kill()
            raise
        finally:
            self._workers.discard(worker)
        self._born(worker)
        return worker

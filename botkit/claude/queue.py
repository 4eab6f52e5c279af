"""The line of turns that wait for a place in the pool: first come, first served, but nobody holds all the places."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from botkit.errors import RunnerError


class Withdrawn(RunnerError):
    """The turn was stopped while it waited."""


class Ticket:
    """One waiting turn. `report` is told how many go first whenever that changes; 0 when it begins."""

    def __init__(self, session: str, owner: str, report: Callable[[int], None]) -> None:
        self.session, self.owner = session, owner
        self.called = asyncio.Event()
        self.granted = False
        self.number = 0
        """Of its arrival."""
        self._report = report
        self._ahead = -1

    def place(self, ahead: int) -> None:
        if ahead != self._ahead:
            self._ahead = ahead
            self._report(ahead)


class Queue:
    """Tickets in the order in which they will be served."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._arrivals = self._calls = 0
        self._served: dict[str, int] = {}
        """Which call each waiting owner had last."""

    def __len__(self) -> int:
        return len(self._tickets)

    def add(self, ticket: Ticket, running: Iterable[str]) -> None:
        self._arrivals += 1
        ticket.number = self._arrivals
        self._tickets.append(ticket)
        self._arrange(running)

    def call(self, running: Iterable[str]) -> Ticket:
        """Grant the next ticket a place. `running` names the owners of the turns that have one."""
        self._arrange(running)
        ticket = self._tickets.pop(0)
        self._calls += 1
        waiting = {each.owner for each in self._tickets}
        self._served = {owner: call for owner, call in self._served.items() if owner in waiting}
        self._served[ticket.owner] = self._calls
        ticket.granted = True
        ticket.place(0)
        ticket.called.set()
        self._arrange(running)
        return ticket

    def withdraw(self, session: str | None = None) -> None:
        """Send a session's turn (None: everybody) away without a place."""
        for ticket in [each for each in self._tickets if session in (None, each.session)]:
            self._tickets.remove(ticket)
            ticket.called.set()

    def _arrange(self, running: Iterable[str]) -> None:
        """Whoever has fewer turns, running or before it in line, goes first; then whoever was served longest ago."""
        load = Counter(running)
        keyed: list[tuple[tuple[int, int, int], Ticket]] = []
        for ticket in sorted(self._tickets, key=lambda each: each.number):
            keyed.append(((load[ticket.owner], self._served.get(ticket.owner, 0), ticket.number), ticket))
            load[ticket.owner] += 1
        self._tickets = [ticket for _, ticket in sorted(keyed, key=lambda entry: entry[0])]
        for ahead, ticket in enumerate(self._tickets, start=1):
            ticket.place(ahead)

"""What a benchmark gives: rows with a number, what it is compared with, and what was expected of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `ratio` compares it with another one of the same run; `least` and `most` are what is expected
    of the ratio where there is one, else of the value."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """None: nothing was expected."""
        if self.least is None and self.most is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    @property
    def expected(self) -> str:
        unit = "x" if self.ratio is not None else f" {self.unit}"
        if self.least is not None:
            return f"at least {self.least:,g}{unit}"
        return f"at most {self.most:,g}{unit}" if self.most is not None else ""


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | ratio | expected | |", "| --- | ---: | ---: | ---: | --- |"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x" if row.ratio < 10 else f"{row.ratio:.0f}x"
        verdict = {None: "", True: "met", False: "**short**"}[row.met]
        lines.append(f"| {row.what} | {_number(row.value)} {row.unit} | {ratio} | {row.expected} | {verdict} |")
    return "\n".join(lines)


def median_ms(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"

"""`botkit usage`: what programs have used."""

from __future__ import annotations

import sys
import time
from typing import Annotated, get_args

import typer

from botkit.errors import ConfigError
from botkit.issuing import Desk
from botkit.operator import FILE, ConfigFile, at_desk, key_id, when
from botkit.sheets import record_head, record_lines, sum_sheet
from botkit.usage import Dimension, UsageQuery

PAGE = 500
"""Records of one question to the store."""
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def usage(
    config: ConfigFile = FILE,
    since: Annotated[str, typer.Option(help='"7d" ago, or a date.')] = "30d",
    until: Annotated[str, typer.Option(help="A date; without it, now.")] = "",
    by: Annotated[str, typer.Option(help="key, bot, model, endpoint, status, user, day; several with commas.")] = "key",
    key: Annotated[str, typer.Option(help="Only this key.")] = "",
    bot: Annotated[str, typer.Option(help="Only this bot.")] = "",
    model: Annotated[str, typer.Option(help="Only this model.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help='As CSV; with --by "" every single request.')] = False,
) -> None:
    """What programs have used."""
    now = time.time()
    query = UsageQuery(
        since=when(since, now, ahead=False, key="--since"),
        until=when(until, now, ahead=False, key="--until") if until else float("inf"),
        by=_dimensions(by),
        key=key_id(key) if key else "",
        bot=bot,
        model=model,
    )
    if csv and not query.by:
        at_desk(config, lambda desk: _print_records(desk, query))
        return
    sums = at_desk(config, lambda desk: desk.store.meter.sums(query))
    if csv:
        sys.stdout.write(sum_sheet(query.by, sums))
        return
    if not sums:
        typer.echo("nothing was used in this time")
    for each in sums:
        group = "  ".join(part or "-" for part in each.group) or "all"
        tokens = f"{each.input_tokens} in, {each.output_tokens} out"
        typer.echo(f"{group}: {each.requests} requests ({each.errors} failed), tokens {tokens}, ${each.cost:.4f}")


async def _print_records(desk: Desk, query: UsageQuery) -> None:
    sys.stdout.write(record_head())
    after: tuple[float, str] | None = None
    while page := await desk.store.meter.records(query, after=after, most=PAGE):
        sys.stdout.write(record_lines(page))
        after = page[-1].at, page[-1].id


def _dimensions(text: str) -> tuple[Dimension, ...]:
    names = [name for part in text.split(",") if (name := part.strip())]
    for name in names:
        if name not in DIMENSIONS:
            raise ConfigError(f"{name!r} is none of {', '.join(DIMENSIONS)}", key="--by")
    return tuple(dimension for name in names for dimension in DIMENSIONS if dimension == name)

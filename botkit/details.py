"""What a reply at the level `full` has to leave out: every thought and every output of a turn, as a file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path

import structlog

from botkit import texts
from botkit.context import Context
from botkit.errors import Refused
from botkit.events import FileOffered, TextDelta, ThinkingDelta, ToolFinished, ToolStarted, TurnEvent
from botkit.folders import upload_folder
from botkit.toolbox import Toolbox

log = structlog.get_logger("botkit")


async def add(ctx: Context) -> None:
    """Send the file, before the outcome, if there is something to put in and somebody wants to see everything."""
    if ctx.display.level != "full" or ctx.log is None or ctx.session is None:
        return
    text = left_out(ctx.log.events)
    if not text:
        return
    try:
        await ctx.push(await asyncio.to_thread(_kept, text, Path(ctx.session.workdir), ctx.session.id))
    except (OSError, Refused) as problem:
        log.warning("details_not_kept", turn=ctx.turn, problem=str(problem))


def left_out(events: Iterable[TurnEvent]) -> str:
    """The steps of a turn in full, as Markdown; '' when its reply shows all of them anyway."""
    steps = Toolbox()
    for event in events:
        match event:
            case ToolStarted():
                steps.start(event)
            case ToolFinished():
                steps.finish(event)
            case ThinkingDelta(text=text, parent=""):
                steps.think(text)
            case TextDelta(parent=""):
                steps.rest()
            case _:
                pass
    return "" if steps.shows_all else steps.whole()


def _kept(text: str, workdir: Path, session: str) -> FileOffered:
    """The text among the files that go out in a session. Raises Refused and OSError."""
    data = text.encode("utf-8", "replace")
    id = hashlib.sha256(data).hexdigest()[:16]
    file = upload_folder(workdir, session) / f"sent-{id}"
    file.write_bytes(data)
    return FileOffered(file, texts.DETAILS, "", file, id, len(data))

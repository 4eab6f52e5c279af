"""What may be done in a session's folder without a turn: what Claude might do there, were the program who approves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from adapters.http.errors import HttpError
from adapters.http.sessions import Known
from botkit.folders import FOLDER, UPLOADS, folder_name
from botkit.surroundings import Surroundings

Tool = Literal["Read", "Glob", "Grep", "Edit", "Bash"]
"""By the names of Claude's own tools, for which the bot's rules are written."""

CHANGES: frozenset[str] = frozenset(("Edit", "Bash"))
ALSO: dict[str, tuple[str, ...]] = {"Edit": ("Edit", "Write"), "Glob": ("Glob", "Read"), "Grep": ("Grep", "Read")}
"""Who may not use one of these tools may not do the same in another way."""
KEPT = frozenset((".git", ".claude", ".vscode", ".idea", ".husky", ".mcp.json", FOLDER))
"""What other programs obey, or is botkit's own: not changed from here, wherever in a path it stands."""


def permit(found: Known, tool: Tool) -> Surroundings:
    """How the session's worker runs, if this tool may be used there. Raises HttpError 403."""
    around = found.bot.runner.surroundings(found.session)
    names = ALSO.get(tool, (tool,))
    for rule in around.disallowed:
        # Rules with a pattern are the CLI's to read: where there is one, Claude has to be asked.
        if rule.partition("(")[0] in names:
            raise _refused(f"this bot restricts {rule.partition('(')[0]}: ask Claude instead")
    if around.tools is not None and not set(names) & set(around.tools):
        raise _refused(f"this session does without {tool}")
    if tool in CHANGES:
        if around.mode == "plan":
            raise _refused("nothing is changed in plan mode")
        if around.mode == "dontAsk" and not set(names) & set(around.allowed):
            raise _refused(f"{tool} is not allowed in this session, and nobody is asked")
    return around


def hidden(found: Known, path: Path) -> bool:
    """Whether a path relative to the folder is not the session's: what other sessions were sent lies there too."""
    if not path.parts or path.parts[0].lower() != FOLDER:  # also where `.Botkit` is the same folder
        return False
    own = (FOLDER, UPLOADS, folder_name(found.session.id))
    return path.parts[: len(own)] != own


def unchangeable(path: Path) -> bool:
    """Whether a path relative to the folder is one that nothing may change from here."""
    return any(part.lower() in KEPT for part in path.parts)


def _refused(message: str) -> HttpError:
    return HttpError(403, "tool_not_allowed", message)

"""What a program may ask of Claude beside the question: checked against its key and its bot's config."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from adapters.http.adapter import HttpAdapter
from adapters.http.call import Call
from adapters.http.errors import HttpError, invalid, not_found
from botkit.bot import Bot
from botkit.model import PLAIN, Overrides, PermissionMode

SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@=+-]{0,128}$")]
"""How a program calls a session of its own."""
UserName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Show = Literal["thinking", "tools"]
Thinking = bool | Annotated[int, Field(ge=0, le=128_000)]
"""Tokens the model may think with; false is not at all, true is the bot's own setting."""
Effort = Literal["minimal", "low", "medium", "high", "xhigh", "max"]

SESSION = re.compile(r"[A-Za-z0-9._:@=+-]{1,128}")
ARGUMENT = 100_000
"""Bytes of what a session's worker is told when it starts; Linux takes 128 KB, with what the bot itself says."""
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/\[\]-]{0,99}")
_TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_EFFORTS: dict[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}


@dataclass(frozen=True, slots=True)
class Given:
    """A text of a request, and the field where it stood; of several the one that is most likely to be wrong."""

    text: str = ""
    field: str = ""


NOTHING = Given()


class Body(BaseModel):
    """A JSON object of a request: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Claude(Body):
    """What only Claude knows, as `claude` in any request (`extra_body={"claude": …}` in OpenAI's clients)."""

    session: SessionName = ""
    """Continues a session, or begins one under this name."""
    project: str = ""
    """One of the bot's projects; a new session works in its folder."""
    workdir: str = ""
    """The same by its folder."""
    tools: tuple[str, ...] | None = None
    """The only built-in tools there are; [] is none."""
    disallowed_tools: tuple[str, ...] = ()
    permission_mode: PermissionMode | None = None
    thinking: Thinking | None = None
    """Tokens the model may think with; false is not at all, true is the bot's own setting."""
    effort: Effort | None = None
    show: tuple[Show, ...] = ()
    """What the answer holds besides its text."""
    on_disconnect: Literal["stop", "finish"] = "stop"
    """What becomes of the turn when the client closes the connection."""


def chosen(call: Call, model: str, *, field: str = "model") -> tuple[Bot, HttpAdapter, str]:
    """The bot and the model ('': the bot's own) that `bot` or `bot/model` names. Raises HttpError 404."""
    name, _, wanted = model.partition("/")
    bot, adapter = call.reach(name, field=field)
    if wanted and wanted != bot.settings.model:
        offered = bot.settings.models
        if not call.key.scopes.model(wanted) or not _MODEL.fullmatch(wanted) or (offered and wanted not in offered):
            raise not_found(f"model: {model[:100]!r}", field=field)
    return bot, adapter, wanted


def overrides(
    call: Call,
    bot: Bot,
    adapter: HttpAdapter,
    claude: Claude,
    *,
    model: str = "",
    system: Given = NOTHING,
    schema: Given = NOTHING,
    session: bool = True,
) -> Overrides:
    """What the turn is to be. Raises HttpError for what this key or this bot does not allow.

    `session`: it is one of a session, whose worker takes less than one that is told everything before its only turn.
    """
    if not claude.model_fields_set and not (model or system.text or schema.text):
        return PLAIN
    if session:
        startable(system)
        startable(schema)
    mode = claude.permission_mode
    if mode is not None and mode not in (bot.settings.mode, *adapter.settings.permission_modes):
        raise HttpError(
            403, "not_allowed", f"this bot does not take {mode!r} from a call", field="claude.permission_mode"
        )
    for field, names in (("tools", claude.tools or ()), ("disallowed_tools", claude.disallowed_tools)):
        for place, name in enumerate(names):
            if not _TOOL.fullmatch(name):
                raise invalid(f"claude.{field}.{place}", f"{name[:64]!r} is not the name of a tool")
    thinking = claude.thinking
    if isinstance(thinking, bool):
        thinking = None if thinking else 0
    return Overrides(
        model=model,
        mode=mode or "",
        workdir=_workdir(call, bot, adapter, claude),
        system=system.text,
        schema=schema.text,
        tools=claude.tools,
        disallowed_tools=claude.disallowed_tools,
        effort=_EFFORTS.get(claude.effort or "", claude.effort or ""),
        thinking=thinking,
    )


def startable(given: Given) -> None:
    """Make sure that a worker can be started with a text. Raises HttpError."""
    if "\0" in given.text or len(given.text.encode()) > ARGUMENT:
        raise invalid(given.field, f"too long for a session, which takes {ARGUMENT} bytes of it, none of them zero")


def _workdir(call: Call, bot: Bot, adapter: HttpAdapter, claude: Claude) -> str:
    """'' for the bot's own."""
    if not claude.project and claude.workdir in ("", str(bot.settings.workdir)):
        return ""
    field = "claude.project" if claude.project else "claude.workdir"
    for name, folder in adapter.settings.projects.items():
        if call.key.scopes.project(name) and (name == claude.project or str(folder) == claude.workdir):
            return str(Path(folder))
    raise not_found("project", field=field)


def session_of(call: Call, **given: str) -> str:
    """The session a call names, in fields of its body or as `X-Session-Id`; '' for a stateless call. Raises HttpError.

    `claude` is the field `claude.session`.
    """
    header = call.request.headers.get("X-Session-Id", "")
    if header and not SESSION.fullmatch(header):
        raise invalid("X-Session-Id", "letters, digits and . _ : @ = + - only, at most 128")
    named = {"X-Session-Id": header, **given}
    names = {name for name in named.values() if name}
    if len(names) > 1:
        field = [field for field, name in named.items() if name][-1]
        raise invalid("claude.session" if field == "claude" else field, "the request names two sessions")
    return names.pop() if names else ""

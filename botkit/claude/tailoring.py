"""What one turn asks for beside its bot's profile: as a profile of its own, or told to a worker that is ready. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from botkit.claude.options import Profile
from botkit.model import PLAIN, Overrides, PermissionMode, Session


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a stateless worker is told before its one turn, so that one for anybody can be ready ahead of need."""

    system: str = ""
    schema: str = ""
    model: str = ""
    mode: str = ""
    effort: str = ""
    thinking: int | None = None

    def requests(self) -> Iterator[tuple[str, dict[str, object]]]:
        """The control requests that say it, in order: the handshake comes last, for it ends the preparations."""
        if self.model:
            yield "set_model", {"model": self.model}
        if self.mode:
            yield "set_permission_mode", {"mode": self.mode}
        if self.effort:
            yield "apply_flag_settings", {"settings": {"effortLevel": self.effort}}
        if self.thinking is not None:
            yield "set_max_thinking_tokens", {"max_thinking_tokens": self.thinking}
        handshake: dict[str, object] = {"appendSystemPrompt": self.system} if self.system else {}
        if self.schema:
            handshake["jsonSchema"] = msgspec.json.decode(self.schema)
        yield "initialize", handshake


def stateless(profile: Profile, overrides: Overrides) -> Profile:
    """Of a worker for one turn without a memory. What a briefing can say is not in it."""
    own = _narrowed(profile, overrides)
    workdir = Path(overrides.workdir) if overrides.workdir else profile.workdir
    return replace(own, stateless=True, workdir=workdir)


def needs_own(overrides: Overrides) -> bool:
    """Whether a stateless turn needs a worker that is started for it, because no briefing can say what it wants."""
    wanted = overrides.workdir or overrides.disallowed_tools or overrides.budget
    return bool(wanted) or overrides.tools is not None


def briefing(profile: Profile, overrides: Overrides) -> Briefing:
    return Briefing(
        system=_both(profile.append_system_prompt, overrides.system),
        schema=overrides.schema,
        model=overrides.model,
        mode=overrides.mode,
        effort=overrides.effort,
        thinking=overrides.thinking,
    )


def tailored(profile: Profile, session: Session, overrides: Overrides) -> Profile:
    """Of a worker that keeps its session. What the turn asks for comes before the session's, that before the bot's."""
    overrides = merged(session.overrides, overrides)
    if overrides == PLAIN and _plain(profile, session):
        return profile
    own = _narrowed(profile, overrides)
    environment = own.environment
    if overrides.thinking is not None:
        environment = {**environment, "MAX_THINKING_TOKENS": str(overrides.thinking)}
    return replace(
        own,
        workdir=Path(session.workdir) if session.workdir else profile.workdir,
        model=overrides.model or session.model or profile.model,
        permission_mode=overrides.mode or _mode(session.mode) or profile.permission_mode,
        append_system_prompt=_both(profile.append_system_prompt, overrides.system),
        rerender=bool(overrides.system or overrides.agent or overrides.rerender),
        schema=overrides.schema,
        effort=overrides.effort or profile.effort,
        environment=environment,
        agents=_agents(profile.agents, overrides.agents),
        agent=overrides.agent,
        base=profile,
    )


def _plain(profile: Profile, session: Session) -> bool:
    """Whether a session is as its bot's profile has it."""
    return (
        session.workdir in ("", str(profile.workdir))
        and session.model in ("", profile.model)
        and session.mode in ("", profile.permission_mode)
    )


def merged(session: Overrides, message: Overrides) -> Overrides:
    """What a turn asks for: its message's wishes over its session's."""
    if session == PLAIN or message == PLAIN:
        return message if session == PLAIN else session
    return replace(
        message,
        model=message.model or session.model,
        mode=message.mode or session.mode,
        system=_both(session.system, message.system),
        schema=message.schema or session.schema,
        tools=session.tools if message.tools is None else message.tools,
        disallowed_tools=tuple(dict.fromkeys((*session.disallowed_tools, *message.disallowed_tools))),
        effort=message.effort or session.effort,
        thinking=session.thinking if message.thinking is None else message.thinking,
        budget=min((each for each in (session.budget, message.budget) if each), default=0.0),
        agent=message.agent or session.agent,
        agents=message.agents or session.agents,
        rerender=message.rerender or session.rerender,
    )


def _agents(bot: str, more: str) -> str:
    """Both lists of agents as one; of two with one name the second counts."""
    if not more or not bot:
        return more or bot
    kind = dict[str, object]
    return msgspec.json.encode(msgspec.json.decode(bot, type=kind) | msgspec.json.decode(more, type=kind)).decode()


def _narrowed(profile: Profile, overrides: Overrides) -> Profile:
    if overrides.tools is None and not overrides.disallowed_tools and not overrides.budget:
        return profile
    budgets = [budget for budget in (profile.turn_budget, overrides.budget) if budget]
    return replace(
        profile,
        tools=profile.tools if overrides.tools is None else overrides.tools,
        disallowed_tools=(*profile.disallowed_tools, *overrides.disallowed_tools),
        turn_budget=min(budgets, default=0.0),
    )


def _both(first: str, second: str) -> str:
    return "\n\n".join(part for part in (first, second) if part)


def _mode(text: str) -> PermissionMode | None:
    """A session's own permission mode; an unknown one changes nothing."""
    match text:
        case "default" | "acceptEdits" | "plan" | "dontAsk" | "auto" | "bypassPermissions":
            return text
        case _:
            return None

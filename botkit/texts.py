"""All words shown to people, in one place. Markdown; standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botkit.events import FailureReason, TurnFailed, Usage

# Replies

WORKING = "_Working…_"
COMPACTING = "_Shortening its memory…_"
ASKED = "_Waiting for the answer to a question below._"
INTERRUPTED = "⚠️ _Interrupted before it was finished. What is above may be incomplete._"
RESUMED = "⚠️ _Interrupted here by a restart; it goes on below._"
CUT = "⚠️ _The answer above is incomplete._"
NO_TEXT = "_Finished without a text answer._"
SUPERSEDED = "_(The answer ends above.)_"
CLOSED_WITH_TURN = "The turn is over."
CLOSED_BY_RESTART = "Closed by a restart: this can no longer be decided. If it is still needed, Claude asks again."

FAILURES: Mapping[FailureReason, str] = {
    "stopped": "⏹️ **Stopped.** Send a message to go on.",
    "crashed": "❌ **Claude Code ended unexpectedly.** Send your message again; the session is kept.",
    "silent": "❌ **Claude Code gave no sign of life and was ended.** Send your message again; the session is kept.",
    "timeout": "❌ **This took too long and was ended.** Ask for a smaller step, or send “continue”.",
    "api": "❌ **The model's API refused or was overloaded.** Wait a little and send your message again.",
    "login": "❌ **Claude Code is not logged in.** An operator must give it valid credentials (`botkit doctor` helps).",
    "budget": "❌ **The budget is spent.** Start anew with a smaller task, or ask an operator to raise the limit.",
    "missing": "❌ **Claude Code cannot be started.** An operator must install it (`botkit doctor` says more).",
    "protocol": "❌ **Claude Code said something that botkit does not understand.** Send your message again; if it "
    "happens twice, tell an operator.",
    "interrupted": "⚠️ **Interrupted by a restart.** If it does not go on by itself, send your message again.",
    "gave_up": "❌ **Given up: this was cut off too many times.** Ask for a smaller step.",
    "error": "❌ **Something went wrong.** Send your message again; if it happens twice, tell an operator.",
}


def failure(outcome: TurnFailed, detail: str) -> str:
    """Why a turn failed and what to do; `detail` is Markdown, '' when there is nothing to add."""
    return f"{FAILURES[outcome.reason]}\n{detail}" if detail else FAILURES[outcome.reason]


def waiting(ahead: int) -> str:
    return f"_Waiting: {ahead} other {'turn goes' if ahead == 1 else 'turns go'} first._"


def retrying(attempt: int, delay: float, status: int) -> str:
    why = f"answered {status}" if status else "did not answer"
    return f"_The model's API {why}; attempt {attempt} in {delay:.0f} s._"


def earlier_tools(count: int) -> str:
    return f"_… {count} earlier_"


def denied(tools: Sequence[str]) -> str:
    """`tools` are Markdown."""
    return f"🚫 Not allowed: {', '.join(tools)}"


def footer(usage: Usage) -> str:
    """The small last line of a finished answer."""
    parts = [_duration(usage.seconds)] if usage.seconds else []
    if usage.cost:
        parts.append(f"${usage.cost:.2f}" if usage.cost >= 0.01 else f"${usage.cost:.4f}")
    if usage.tools:
        parts.append(f"{usage.tools} {'tool' if usage.tools == 1 else 'tools'}")
    return f"_{' · '.join(parts)}_" if parts else ""


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


# Approvals and questions

ALLOW = "Allow"
ALLOW_FOR_SESSION = "Allow for this session"
DENY = "Deny"


def approval_title(tool: str, summary: str) -> str:
    """`summary` is Markdown, '' when the tool says it all."""
    return f"🔐 **Claude asks to use {tool}:** {summary}" if summary else f"🔐 **Claude asks to use {tool}.**"


def not_shown(characters: int) -> str:
    return f"⚠️ {characters} more characters are not shown here."


def rules(granted: Sequence[str]) -> str:
    """`granted` are Markdown."""
    return f"“{ALLOW_FOR_SESSION}” grants: {', '.join(granted)}"


def type_approval(prefix: str, id: str, *, session: bool) -> str:
    kept = f", `{prefix}allow {id} session`" if session else ""
    return f"Type `{prefix}allow {id}`{kept} or `{prefix}deny {id} reason`."


def question_title(header: str, text: str) -> str:
    return f"❓ **{header}:** {text}" if header else f"❓ {text}"


def type_answer(prefix: str, id: str, *, several: bool) -> str:
    many = "; more than one may be taken" if several else ""
    return f"Type `{prefix}answer {id}` and the answer{many}."


def type_choice(prefix: str, command: str) -> str:
    return f"`{prefix}{command}`"


def closed(*, allowed: bool, text: str) -> str:
    return f"{'✅' if allowed else '🚫'} {text}"

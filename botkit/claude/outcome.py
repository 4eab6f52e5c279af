"""How a turn ended, from the CLI's last line. Pure."""

from __future__ import annotations

from botkit.claude import wire
from botkit.claude.fold import Fold
from botkit.claude.summary import fields, summary
from botkit.events import FailureReason, Outcome, TurnFailed, TurnFinished, Usage

_LOGIN = ("authentication_failed", "oauth_org_not_allowed")
_RETRYABLE = (0, 408, 409, 429)


def usage(result: wire.Result, tools: int, baseline: float) -> Usage:
    """What the turn took. A total below the baseline means that the CLI began to count anew (`/clear`)."""
    tokens = result.usage or wire.Tokens()
    return Usage(
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cache_read_tokens=tokens.cache_read_input_tokens,
        cache_write_tokens=tokens.cache_creation_input_tokens,
        cost=round(result.total - baseline if result.total >= baseline else result.total, 9),
        seconds=result.duration_ms / 1000,
        tools=tools,
        total=result.total,
    )


def outcome(result: wire.Result, fold: Fold, taken: Usage) -> Outcome:
    """The outcome of a turn that nobody stopped."""
    session = result.session or fold.session
    if not result.is_error and result.subtype == "success":
        denials = tuple(f"{each.tool_name} {_about(each)}".strip() for each in result.denials)
        return TurnFinished(_text(result, fold), taken, session, denials)
    reason, retryable = _reason(result, fold)
    said = "; ".join(map(str, result.errors)) or result.result or result.subtype
    return TurnFailed(reason, said, retryable, taken, session)


def _reason(result: wire.Result, fold: Fold) -> tuple[FailureReason, bool]:
    status = result.api_error_status if isinstance(result.api_error_status, int) else 0
    if result.subtype == "error_max_budget_usd":
        return "budget", False
    if fold.error in _LOGIN or status == 401:
        return "login", False
    if fold.error or status:
        return "api", status in _RETRYABLE or status >= 500
    if (result.terminal_reason or "").startswith("aborted"):
        return "stopped", True
    return "error", False


def _text(result: wire.Result, fold: Fold) -> str:
    """All the turn's text; the CLI's own `result` holds only the last message, or what a slash command printed."""
    structured = bytes(result.structured)
    if structured not in (b"", b"null"):
        return structured.decode()
    last = result.result or ""
    if last.strip() and last.strip() not in fold.text:
        return f"{fold.text}\n\n{last}" if fold.text else last
    return fold.text


def _about(denied: wire.Denied) -> str:
    return summary(denied.tool_name, fields(denied.tool_input))

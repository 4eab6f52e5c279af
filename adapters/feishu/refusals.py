"""What Feishu's error codes mean to botkit. Pure.

Every answer has a `code`; 0 is success. Errors come as HTTP 400 as often as with a fitting status, so the code decides.
Codes: https://open.feishu.cn/document/server-docs/im-v1/message/create, .../cardkit-v1/card/update and
.../getting-started/server-error-codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.feishu.wire import Json, read, read_all
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable

GUESS = 1.0
"""Seconds to wait after a refusal for frequency that does not say how long."""

STALE_TOKEN = frozenset({"99991661", "99991663", "99991664", "99991665", "99991668"})
"""The tenant token expired or was replaced."""
NO_SCOPE = "99991672"
STREAM_CLOSED = frozenset({"300309", "200850"})
OLD_SEQUENCE = "300317"
WHERE = frozenset(
    {
        *("230002", "230006", "230013", "230018", "230027", "230029", "230034", "230035", "230038", "230053"),
        *("230071", "232011", "10003", "10012", "10013", "10014", "10015", NO_SCOPE),
    }
)
"""Refused for who may write where, whatever is written."""
TOO_LARGE = frozenset({"230025", "200860", "413"})

LONG_CONNECTION = (
    "the app may not use the long connection: Developer Console -> Events & Callbacks -> Subscription mode "
    "-> Receive events through persistent connection"
)

HINTS = {
    "403": LONG_CONNECTION,
    "1000040350": "there are 50 connections of this app already: stop other copies of it",
    "10003": "app_id or app_secret is not known there: copy both again, and see whether `domain` is right",
    "10012": "there is no app with this app_id at this domain (feishu and lark are two worlds)",
    "10013": "app_id is wrong: copy it from Credentials & Basic Info",
    "10014": "app_secret is wrong: copy it again from Credentials & Basic Info",
    "10015": "app_secret is wrong: copy it again from Credentials & Basic Info",
    "11205": "the app has no bot: Developer Console -> Add Features -> Bot, then publish a version",
    "230002": "the bot is not in the group: add it in the group's settings -> Bots",
    "230006": "the app has no bot: Developer Console -> Add Features -> Bot, then publish a version",
    "230013": "the person is outside of the app's availability: Version Management -> Availability",
    "230035": "the bot may not send there: see the group's settings",
    "99991401": "the app takes calls from listed addresses only: Security Settings -> IP Allowlist",
    "99991673": "the app is not enabled in this tenant: publish a version and let an administrator approve it",
    "99991679": "the app is not enabled in this tenant: publish a version and let an administrator approve it",
}
"""What to change, by code."""

_RATE = frozenset({"99991400", "230020", "11232", "11233", "11247", "1000004", "1000005"})
_BUSY = frozenset({"200810", "230049", "1500", "2200", "40003", "1", "1000040343"})
_GONE = frozenset(
    {
        *("230011", "230019", "230031", "230050", "230072", "230075", "230110"),  # recalled, too old, edited too often
        *("231003", "232006", "232009", "200740", "200750", "234003", "234008"),
    }
)
_CARD = frozenset({"230099", "230028", "230022", "200570", "200220"})
_SCOPES = re.compile(r"[a-z_]+(?::[a-z_.]+)+")
_INNER = re.compile(r"ErrCode:\s*(\d+)")


def refused(status: int, headers: Mapping[str, str], answer: Json, says: str) -> AdapterError:
    """The error for an answer that is no success. A 230099 carries the code inside of it, if there is one."""
    given, message = answer.get("code"), str(answer.get("msg") or "")
    code = str(given) if isinstance(given, int) else ""
    inner = _INNER.search(message)
    says = f"{says}: {message or f'HTTP {status}'}" + (f" ({code})" if code else "")
    if code in _RATE or (status == 429 and code not in _CARD):
        return RateLimited(says, retry_after=_reset(headers), code=code or "429")
    if code in _BUSY or (not code and status >= 500) or (code == "" and status < 400):
        return Unreachable(says, acted=code not in _BUSY, code=code or str(status))
    if code in _GONE:
        return Gone(says, code=code)
    if code in TOO_LARGE or (status == 413 and not code):
        return TooLong(says, code=code or "413")
    if code in _CARD or (code.startswith("200") and len(code) == 6):
        return TooLong(says, code=inner[1] if inner else code)
    if code == NO_SCOPE:
        return NotAllowed(f"{says}: {_missing(answer, message)}", code=code)
    return NotAllowed(": ".join(filter(None, (says, HINTS.get(code, "")))), code=code or str(status))


def _missing(answer: Json, message: str) -> str:
    """Which scope to add, as Feishu names it in either of two places."""
    violations = read_all((read(answer.get("error"), Json) or {}).get("permission_violations"), Json)
    named = [str(one.get("subject")) for one in violations] or _SCOPES.findall(message)
    scopes = " or ".join(dict.fromkeys(named)) or "it names"
    return f"add the scope {scopes} in Developer Console -> Permissions & Scopes, then publish a version"


def _reset(headers: Mapping[str, str]) -> float:
    for name in ("x-ogw-ratelimit-reset", "Retry-After"):
        try:
            return max(0.0, float(headers[name]))
        except (KeyError, ValueError):
            continue
    return GUESS

"""Takes the values of secrets out of a text, and what could forge a line or drive a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Characters; anything shorter is part of ordinary words and would tear holes into every text."""
HIDDEN = "[secret]"

# Everything that moves a cursor, ends a line, reorders text or is no character at all.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Redactor:
    """Hides known secrets, also inside longer words and in the forms a URL or JSON gives them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        # Longest first: one secret may begin with another.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None
        self._start = re.compile("|".join(map(_start, self._forms)))
        self._most = max(map(len, self._forms), default=1) - 1

    def redact(self, text: str) -> str:
        """The text with every secret replaced."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    @property
    def idle(self) -> bool:
        """There is nothing to hide."""
        return self._pattern is None

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a secret that goes on."""
        start = max(0, len(text) - self._most) if self._forms else len(text)
        while start < len(text) and (found := self._start.search(text, start)):
            end = text[found.start() :]
            if any(form.startswith(end) for form in self._forms if len(form) > len(end)):
                return len(end)
            start = found.start() + 1
        return 0


def _start(form: str) -> str:
    """Finds where it may begin, rarely anywhere else: its first three characters, or fewer where the text ends."""
    first, second, third = map(re.escape, form[:3])
    return rf"{first}(?:{second}(?:{third}|\Z)|\Z)"


def whole(text: str) -> str:
    """The text, with a question mark for each half of a character, which JSON can hold and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def neutral(text: str) -> str:
    """The text on one line, with control characters written out: nothing in it can pass for another line."""
    return _CONTROL.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    named = {10: "\\n", 13: "\\r", 9: "\\t"}.get(code)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _forms(secret: str) -> set[str]:
    stripped = secret.strip()
    return {
        stripped,
        quote(stripped, safe=""),
        quote(stripped),
        quote_plus(stripped),
        stripped.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"),
        *(line.strip() for line in stripped.splitlines() if len(line.strip()) >= 3 * SHORTEST),
    }

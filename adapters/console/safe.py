"""Makes a text safe to print: what would steer the terminal is shown as a sign instead of obeyed. Pure."""

from __future__ import annotations

# C1 controls (0x9b is another way to write ESC [), and the marks that turn the reading direction around: an approval
# must not look like another command than it is (CVE-2021-42574).
_HIDDEN = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SIGNS = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\u2421",
    **dict.fromkeys(_HIDDEN, "\ufffd"),
}


def safe(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_SIGNS)

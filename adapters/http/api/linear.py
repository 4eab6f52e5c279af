"""Regular expressions whose time grows with the text alone: no pattern of a program can hold botkit up."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable

from adapters.http.errors import HttpError

MEMORY = 8 * 1024 * 1024
"""Bytes one expression may take."""


def finder(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    """Whether a text holds the pattern, in RE2's syntax. Raises ValueError for what is none, HttpError."""
    try:
        import re2
    except ImportError:
        raise HttpError(501, "not_installed", "botkit was installed without its extra [http]") from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(pattern, options=options)
    except re2.error as problem:
        (said,) = problem.args  # bytes
        raise ValueError(said.decode(errors="replace")) from None
    return lambda text: compiled.search(text) is not None

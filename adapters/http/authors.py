"""How a program is called as the author of messages."""

from __future__ import annotations

KEY = "key:"
"""What the id of an author begins with: `key:<key id>`, or `key:<key id>:<end user>`."""


def author(key: str, user: str = "") -> str:
    """The id of a key, or of one of its end users."""
    return f"{KEY}{key}:{user}" if user else f"{KEY}{key}"

"""Second names: the paths by which other servers call the same. The handlers are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from adapters.http.endpoint import Endpoint

SECOND = {
    "/api/sessions": "/api/conversations",
    "/api/sessions/{id}": "/api/conversations/{id}",
    "/api/sessions/{id}/messages": "/api/conversations/{id}/continue",
    "/chat": "/api/chat",
}


def second_names(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """A further endpoint for each that has a second name."""
    return tuple(
        replace(each, path=SECOND[each.path], summary=f"The same as {each.method} {each.path}")
        for each in endpoints
        if each.path in SECOND
    )

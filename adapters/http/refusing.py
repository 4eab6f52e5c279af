"""Parameters without which the answer would be another one than was asked for: refused, unless they say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.http.errors import unsupported
from adapters.http.wishes import Body

Neutral = Mapping[str, Sequence[object]]
"""Values of parameters that ask for nothing; null never does."""


def refuse(body: Body, refused: type[Body], neutral: Neutral) -> None:
    """`refused` has the parameters as its fields. Raises HttpError that names the first one that says something."""
    for name in refused.model_fields:
        value = getattr(body, name)
        if value is not None and value not in neutral.get(name, ()):
            raise unsupported(name, f"{name} is not supported")

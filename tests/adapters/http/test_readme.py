"""The gateway's README says what is served, what is ignored and what is refused, exactly."""

from __future__ import annotations

import re

from adapters.http.anthropic import schema as anthropic
from adapters.http.openai.responses_schema import IgnoredHere, RefusedHere
from adapters.http.openai.schema import Ignored, Refused
from adapters.http.routes import ENDPOINTS
from adapters.http.table import README, written
from adapters.http.wishes import Claude

TEXT = README.read_text(encoding="utf-8")


def cells(row: str) -> list[set[str]]:
    """The names in the columns of a row of a table."""
    found = re.search(rf"(?m)^\| {row} \|(.*)\|(.*)\|$", TEXT)
    assert found is not None
    return [set(re.findall(r"`(\w+)`", cell)) for cell in found.groups()]


def test_the_table_lists_every_route() -> None:
    assert written(TEXT, ENDPOINTS) == TEXT, "run `python -m adapters.http.table`"


def test_every_parameter_stands_where_it_belongs() -> None:
    assert cells("chat completions") == [set(Ignored.model_fields), set(Refused.model_fields)]
    assert cells("responses") == [set(IgnoredHere.model_fields), set(RefusedHere.model_fields)]
    assert cells("messages") == [set(anthropic.Ignored.model_fields), set(anthropic.Refused.model_fields)]


def test_every_key_of_claude_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"(?m)^\| (`[^|]*) \|", TEXT))))
    assert set(Claude.model_fields) <= explained

"""The README's table of routes, made from the endpoints: `python -m adapters.http.table` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from adapters.http.endpoint import Endpoint

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- routes -->\n", "<!-- /routes -->\n"


def table(endpoints: Iterable[Endpoint]) -> str:
    """Markdown, in the order of the endpoints."""
    rows = [
        f"| `{each.method}` | `{each.path}` | {_who(each)} | {_counts(each)} | {each.summary.rstrip('.')} |"
        for each in endpoints
    ]
    return "\n".join(["| method | path | for | counts as | what |", "| --- | --- | --- | --- | --- |", *rows, ""])


def written(readme: str, endpoints: Iterable[Endpoint]) -> str:
    """The README with the table as it must be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(endpoints)}{END}{after}"


def _who(endpoint: Endpoint) -> str:
    if endpoint.admin:
        return "administrators"
    return "everybody" if endpoint.open else f"scope `{endpoint.scope}`" if endpoint.scope else "any key"


def _counts(endpoint: Endpoint) -> str:
    return "" if endpoint.admin or endpoint.open else endpoint.counted


if __name__ == "__main__":
    from adapters.http.routes import ENDPOINTS

    README.write_text(written(README.read_text(encoding="utf-8"), ENDPOINTS), encoding="utf-8")

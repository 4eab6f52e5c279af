"""A native stream: what its chunks add up to, how long it lives, and which of it somebody sees meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.slack.testing.blocks import check_blocks
from adapters.slack.testing.wire import Json, Refusal, mappings, string

STREAM_SECONDS = 300.0
"""Streams die this long after their start, even while active (python-slack-sdk#1859)."""
MAX_CHUNK = 12_000
"""Characters of one call's text."""
MAX_FIELD = 256
"""Characters of a chunk's title, details or output."""
MAX_TASKS = 50
MAX_BYTES = 10_600
"""Undocumented: with text, titles and twice the details about so many bytes are taken in all (openclaw#143882)."""
STATES = ("pending", "in_progress", "complete", "error")
_FIELDS: dict[str, frozenset[str]] = {
    "markdown_text": frozenset({"text"}),
    "task_update": frozenset({"id", "title", "status", "details", "output", "sources"}),
    "plan_update": frozenset({"title"}),
    "blocks": frozenset({"blocks"}),
}


@dataclass(slots=True, eq=False)
class Stream:
    """A running stream. `begun` is in Slack's seconds; `recipient` is a user id, '' in direct messages."""

    begun: float
    recipient: str
    display: str
    mode: str = ""
    """What it was first given, text or chunks: it takes nothing else."""
    text: str = ""
    title: str = ""
    tasks: dict[str, Json] = field(default_factory=dict[str, Json])
    added: list[Json] = field(default_factory=list[Json])
    first: str | None = None
    """What everybody else sees of it until it is stopped."""

    def expired(self, now: float) -> bool:
        return now - self.begun > STREAM_SECONDS

    def take(self, text: str, chunks: Sequence[Json]) -> list[str]:
        """Add what a call brings. Raises Refusal and adds nothing; returns what only a sloppy client does."""
        if text and chunks:
            raise Refusal("cannot_provide_both_markdown_text_and_chunks")
        mode = "text" if text else "chunks" if chunks else ""
        if mode and self.mode and mode != self.mode:
            raise Refusal("streaming_mode_mismatch")
        words = [text] if text else [string(chunk.get("text")) for chunk in chunks if _type(chunk) == "markdown_text"]
        sloppy = [complaint for chunk in chunks for complaint in _check(chunk)]
        if sum(map(len, words)) > MAX_CHUNK:
            raise Refusal("msg_too_long")
        title, tasks, said = self.title, dict(self.tasks), self.text + "".join(words)
        for chunk in chunks:
            if _type(chunk) == "plan_update":
                title = string(chunk.get("title"))
            if _type(chunk) == "task_update":
                tasks[string(chunk.get("id"))] = _merged(tasks.get(string(chunk.get("id")), {}), chunk)
        if len(tasks) > MAX_TASKS or (said and _bytes(said, title, tasks) > MAX_BYTES):
            raise Refusal("msg_too_long")
        if self.text and words and words[0][:1].isspace():
            sloppy.append("a chunk begins with a space, which Slack may swallow")
        self.mode, self.title, self.tasks, self.text = self.mode or mode, title, tasks, said
        self.added += [block for chunk in chunks if _type(chunk) == "blocks" for block in mappings(chunk.get("blocks"))]
        return sloppy

    def blocks(self) -> list[Json]:
        """What stands there, as blocks; tasks come first, as a plan or one by one."""
        tasks: list[Json] = [{**task, "type": "task_card"} for task in self.tasks.values()]
        if self.display == "plan" and (tasks or self.title):
            tasks = [{"type": "plan", "title": self.title, "tasks": list(self.tasks.values())}]
        text: list[Json] = [{"type": "markdown", "text": self.text}] if self.text else []
        return [*tasks, *text, *self.added]

    def stop(self) -> None:
        """A plan that is stopped under a running task says that it went wrong."""
        if any(task.get("status") == "in_progress" for task in self.tasks.values()):
            self.title = "Something went wrong"


def _type(chunk: Json) -> str:
    return string(chunk.get("type"))


def _check(chunk: Json) -> list[str]:
    fields = _FIELDS.get(_type(chunk))
    if fields is None:
        raise Refusal("invalid_chunks", f"[ERROR] unsupported chunk type {chunk.get('type')!r}")
    if _type(chunk) == "markdown_text" and not string(chunk.get("text")):
        raise Refusal("invalid_chunks", "[ERROR] missing required field: text")
    needed = {"task_update": ("id", "title", "status"), "plan_update": ("title",)}.get(_type(chunk), ())
    if not all(string(chunk.get(name)) for name in needed):
        raise Refusal("invalid_chunks", f"[ERROR] missing required field: {needed}")
    if _type(chunk) == "task_update" and chunk.get("status") not in STATES:
        raise Refusal("invalid_chunks", "[ERROR] unknown status")
    if any(len(string(chunk.get(name))) > MAX_FIELD for name in ("title", "details", "output")):
        raise Refusal("invalid_chunks", f"[ERROR] must be no longer than {MAX_FIELD} characters")
    complaints = check_blocks(mappings(chunk.get("blocks"))) if _type(chunk) == "blocks" else []
    if complaints:
        raise Refusal("invalid_blocks", *complaints)
    return [f"a {_type(chunk)} chunk has no field {name!r}" for name in chunk.keys() - fields - {"type"}]


def _merged(task: Json, chunk: Json) -> Json:
    """Title and status are replaced; details and output are added to."""
    merged: Json = {"task_id": chunk.get("id"), "title": chunk.get("title"), "status": chunk.get("status")}
    for name in ("details", "output"):
        if whole := string(task.get(name)) + string(chunk.get(name)):
            merged[name] = whole
    return merged


def _bytes(text: str, title: str, tasks: dict[str, Json]) -> int:
    once = text + title + "".join(string(task.get("title")) for task in tasks.values())
    twice = "".join(string(task.get(name)) for task in tasks.values() for name in ("details", "output"))
    return len(once.encode()) + 2 * len(twice.encode())

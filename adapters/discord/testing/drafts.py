"""A message as an app sends it: read as strictly as Discord does, before anything happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.discord.testing.components import check_components
from adapters.discord.testing.embeds import check_embeds
from adapters.discord.testing.form import Form
from adapters.discord.testing.permissions import COMPONENTS_V2
from adapters.discord.testing.text import Allowed, read_allowed
from adapters.discord.testing.wire import Json, Refusal, is_mapping, is_number, mapping, number, string

MAX_TEXT = 2000
MAX_NONCE = 25
MAX_FILE, MAX_REQUEST = 10 * 1024 * 1024, 25 * 1024 * 1024
MAX_FILES = 10
FIELDS = frozenset(
    {"content", "nonce", "enforce_nonce", "tts", "embeds", "allowed_mentions", "message_reference", "components"}
    | {"sticker_ids", "attachments", "flags", "poll", "payload_json"}
)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file in the request: `index` is the n of `files[n]`."""

    index: int
    name: str
    media_type: str
    data: bytes
    description: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A readable message. `changed` are the fields that the request had at all."""

    changed: frozenset[str]
    text: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    flags: int = 0
    allowed: Allowed = field(default_factory=Allowed)
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reply_to: str = ""
    reply_channel: str = ""
    must_exist: bool = True
    files: list[GivenFile] = field(default_factory=list[GivenFile])
    kept: list[str] = field(default_factory=list[str])
    """Ids of attachments that stay when a message is edited."""

    @property
    def empty(self) -> bool:
        return not (self.text or self.embeds or self.components or self.files or self.kept)


def read_draft(body: Json, files: Sequence[GivenFile], prefix: tuple[str, ...] = ()) -> Draft:
    """Raises Refusal with everything that is wrong with it."""
    if any(len(file.data) > MAX_FILE for file in files) or sum(len(file.data) for file in files) > MAX_REQUEST:
        raise Refusal(40005)
    form = Form(prefix)
    flags = number(body.get("flags"))
    modern = bool(flags & COMPONENTS_V2)
    text = form.text(body.get("content"), ("content",), MAX_TEXT)
    if modern and (text or body.get("embeds")):
        form.complain(
            ("content",), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "The 'content' field cannot be used"
        )
    reference = mapping(body.get("message_reference"))
    reply_to = form.snowflake(reference.get("message_id"), ("message_reference", "message_id")) if reference else ""
    given, kept = _attachments(form, body, files)
    draft = Draft(
        changed=frozenset(body) | frozenset[str]({"files"} if files else ()),
        text=text.strip(),
        embeds=check_embeds(form, body.get("embeds")),
        components=check_components(form, body.get("components"), modern=modern),
        flags=flags,
        allowed=read_allowed(form, body.get("allowed_mentions")),
        nonce=_nonce(form, body.get("nonce")),
        enforce_nonce=body.get("enforce_nonce") is True,
        reply_to=reply_to,
        reply_channel=str(reference.get("channel_id") or ""),
        must_exist=reference.get("fail_if_not_exists") is not False,
        files=given,
        kept=kept,
    )
    form.check()
    return draft


def _nonce(form: Form, value: object) -> str | int | None:
    if value is None or is_number(value):
        return value
    return form.text(value, ("nonce",), MAX_NONCE)


def _attachments(form: Form, body: Json, files: Sequence[GivenFile]) -> tuple[list[GivenFile], list[str]]:
    """New files, described by the entries with their index; entries with a snowflake are kept."""
    entries = form.items(body.get("attachments"), ("attachments",), MAX_FILES)
    if len(files) > MAX_FILES:
        form.complain(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length.")
    named = {str(entry.get("id")): entry for entry in entries}
    given: list[GivenFile] = []
    for file in files:
        entry = named.pop(str(file.index), {})
        name = string(entry.get("filename")) or file.name
        description = form.text(entry.get("description"), ("attachments", file.index, "description"), 1024)
        given.append(GivenFile(file.index, name, file.media_type, file.data, description))
    for key in named:
        if len(key) < 15:
            form.complain(("attachments",), "ATTACHMENT_NOT_FOUND", f"No file for attachment {key}")
    return given, [key for key in named if len(key) >= 15]


def unknown_fields(body: object) -> list[str]:
    """Fields that no message has; Discord passes over them in silence."""
    return sorted(body.keys() - FIELDS) if is_mapping(body) else []

"""A call being answered: who calls, with which arguments, and what it may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.feishu.testing.site import Site
from adapters.feishu.testing.wire import Json, Refusal, is_mapping, is_number, misfit, missing
from adapters.feishu.testing.world import App, Chat, Post

NOTHING: Json = {}


@dataclass(frozen=True, slots=True)
class Download:
    """An answer that is a file."""

    data: bytes
    name: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an authenticated app. Every lookup raises Feishu's own refusal."""

    route: str
    app: App
    site: Site
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json = field(default_factory=dict[str, object])
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])
    """Uploaded parts: name and bytes."""

    def text(self, name: str, *, most: int = 0, required: bool = True) -> str:
        """A string of the body; its length in code points."""
        value = self.body.get(name)
        if value is None or value == "":
            if required:
                raise missing(name)
            return ""
        if not isinstance(value, str):
            raise _wrong_type(name, value)
        if most and len(value) > most:
            raise misfit(name, f"the max len is {most}")
        return value

    def whole(self, name: str, *, least: int, most: int) -> int:
        """An integer of the body."""
        value = self.body.get(name)
        if value is None:
            raise missing(name)
        if not is_number(value):
            raise _wrong_type(name, value)
        if not least <= value <= most:
            raise misfit(name, f"must be between {least} and {most}")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            raise _wrong_type(name, value)
        return value is True

    def table(self, name: str) -> Json:
        """A JSON object of the body."""
        value = self.body.get(name)
        if value is None:
            raise missing(name)
        if not is_mapping(value):
            raise _wrong_type(name, value)
        return value

    def asked(self, name: str, *, one_of: tuple[str, ...] = (), default: str = "") -> str:
        """A string of the query; '' as `default` makes it required."""
        value = self.query.get(name, "") or default
        if not value:
            raise missing(name)
        if one_of and value not in one_of:
            raise misfit(name, f"{name} is optional, options: [{','.join(one_of)}]")
        return value

    def need(self, *scopes: str) -> None:
        """At least one of the scopes. Raises Refusal 99991672."""
        if not scopes or self.app.scopes.intersection(scopes):
            return
        listed = ", ".join(scopes)
        violations: list[object] = [{"type": "action_scope_required", "subject": scope} for scope in scopes]
        words = f"Access denied. One of the following scopes is required: [{listed}]."
        help_: Json = {"url": f"https://open.feishu.cn/app/{self.app.id}/auth?q={','.join(scopes)}", "description": ""}
        raise Refusal(99991672, words, error={"permission_violations": violations, "helps": [help_]})

    def post(self) -> Post:
        """The message in the path, of a chat the app is in. Raises Refusal 230001 for none, 230002 outside."""
        post = self.site.directory.find_post(self.path["message_id"])
        if post is None:
            raise Refusal(230001, ext="invalid message_id")
        self.inside(post.chat)
        return post

    def inside(self, chat: Chat) -> Chat:
        if chat.dissolved:
            raise Refusal(232009)
        if self.app.id not in chat.apps:
            raise Refusal(230002)
        return chat

    def violation(self, what: str) -> None:
        self.site.record.violation(self.route, what)


def _wrong_type(name: str, value: object) -> Refusal:
    return Refusal(9499, f"Invalid parameter type in json: {name}. Invalid parameter value: {value}.")


@dataclass(frozen=True, slots=True)
class Route:
    """A method and what Feishu demands before it runs."""

    name: str
    """As the SDK calls it."""
    method: str
    path: str
    run: Callable[[Call], Json | Download]
    fields: frozenset[str] = frozenset()
    """Of body and query."""
    scopes: tuple[str, ...] = ()
    """Any one of them will do."""
    multipart: bool = False
    open: bool = False
    """Needs no token."""

"""What an app may send: the `content` of every message type, checked and brought into the form Feishu keeps.

https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/create_json
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.feishu.testing import cards
from adapters.feishu.testing.cards import CardProblem
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.reading import pings, placed
from adapters.feishu.testing.wire import (
    Json,
    Refusal,
    compact,
    decoded,
    is_mapping,
    is_sequence,
    mapping,
    names,
    string,
)
from adapters.feishu.testing.world import App, Card, Resource, Speaker

TEXT_BYTES, RICH_BYTES = 150 * 1024, 30 * 1024
KINDS = names("text post image file audio media sticker interactive share_chat share_user")
_SPANS = names("text a at img media emotion hr code_block md")
_KEYS = {"image": "image_key", "file": "file_key", "audio": "file_key", "media": "file_key", "sticker": "file_key"}


@dataclass(slots=True)
class Draft:
    """A checked content, not yet a message."""

    kind: str
    content: str
    mentions: list[Speaker] = field(default_factory=list[Speaker])
    pings: list[str] = field(default_factory=list[str])
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """Reads contents for one app. Raises Refusal for what Feishu does not take."""

    directory: Directory
    app: App

    def draft(self, kind: str, raw: str) -> Draft:
        if kind not in KINDS:
            raise Refusal(230001, ext="invalid msg_type")
        content = decoded(raw)
        if not is_mapping(content):
            raise Refusal(230001, ext="content is not a string in json format")
        if len(raw.encode()) > (RICH_BYTES if kind in ("interactive", "post") else TEXT_BYTES):
            raise Refusal(230025)
        match kind:
            case "text":
                draft = self._text(content)
            case "post":
                draft = self._post(content)
            case "interactive":
                return self._card(content)
            case _:
                self._resource(kind, content)
                draft = Draft(kind, compact(content))
        draft.pings = pings(self.directory, self.app, kind, content)
        return draft

    def check_card(self, card: Json) -> None:
        """Raises CardProblem."""
        cards.check(card, known=lambda who: who in self._names(), image=self._is_image)

    def _text(self, content: Json) -> Draft:
        text = content.get("text")
        if not isinstance(text, str) or not text:
            raise Refusal(230001, ext="text field can't be nil, please check your request")
        mentions: list[Speaker] = []
        return Draft("text", compact({"text": placed(text, self._names(), mentions)}), mentions)

    def _post(self, content: Json) -> Draft:
        languages = {name: body for name, body in content.items() if is_mapping(body) and "content" in body}
        if not languages or len(languages) != len(content):
            raise Refusal(230001, ext="invalid message content, post must be {language: {title, content}}")
        body = mapping(next(iter(languages.values())))
        mentions: list[Speaker] = []
        if not is_sequence(body.get("content")):
            raise Refusal(230001, ext="invalid message content, content must be a list of paragraphs")
        lines = [self._line(line, mentions) for line in body["content"]] if is_sequence(body["content"]) else []
        kept: Json = {"title": string(body.get("title")), "content": lines}
        return Draft("post", compact(kept), mentions)

    def _line(self, line: object, mentions: list[Speaker]) -> list[Json]:
        if not is_sequence(line):
            raise Refusal(230001, ext="invalid message content, a paragraph must be a list of elements")
        spans: list[Json] = []
        for span in line:
            if not is_mapping(span) or span.get("tag") not in _SPANS:
                raise Refusal(230001, ext=f"invalid message content, unknown element {mapping(span).get('tag')}")
            if span["tag"] == "md" and len(line) > 1:
                raise Refusal(230001, ext="invalid message content, md must be the only element of its paragraph")
            spans.append(self._span(span, mentions))
        return spans

    def _span(self, span: Json, mentions: list[Speaker]) -> Json:
        match span["tag"]:
            case "at":
                key = placed(f'<at id="{string(span.get("user_id"))}"></at>', self._names(), mentions)
                if key.startswith("<"):
                    raise Refusal(230001, ext="invalid message content, at an unknown user")
                return {"tag": "at", "user_id": key, "user_name": mentions[-1].name if mentions else ""}
            case "img":
                if not self._is_image(string(span.get("image_key"))):
                    raise Refusal(230001, ext="invalid image_key")
            case "md":
                return {**span, "text": placed(string(span.get("text")), self._names(), mentions)}
            case "text" | "a" | "code_block":
                if not isinstance(span.get("text"), str):
                    raise Refusal(230001, ext=f"invalid message content, {span['tag']} without text")
            case _:
                pass
        return span

    def _card(self, content: Json) -> Draft:
        if content.get("type") == "card":
            card = self._entity(content)
            found = pings(self.directory, self.app, "interactive", card.json)
            return Draft("interactive", compact(content), pings=found, card=card)
        if content.get("type") == "template":
            raise failed(CardProblem(200380, "template does not exist", "templateID"))
        try:
            self.check_card(content)
        except CardProblem as problem:
            raise failed(problem) from None
        found = pings(self.directory, self.app, "interactive", content)
        return Draft("interactive", compact(content), pings=found, card=Card(self.app, content, self.directory.clock))

    def _entity(self, content: Json) -> Card:
        card = self.directory.cards.get(string(mapping(content.get("data")).get("card_id")))
        if card is None or card.app is not self.app:
            raise failed(CardProblem(11310, "cardid is invalid"))
        if card.sent:
            raise failed(CardProblem(11310, "cardid is invalid", "the card entity has already been sent"))
        return card

    def _resource(self, kind: str, content: Json) -> None:
        name = _KEYS.get(kind)
        if name is None:
            return
        resource = self.directory.resources.get(string(content.get(name)))
        wanted = "image" if kind == "image" else "file"
        if resource is None or resource.kind != wanted or not self._mine(resource):
            raise Refusal(230001, ext=f"invalid {name}")
        matching = {"audio": resource.file_type == "opus", "media": resource.file_type == "mp4"}
        if not matching.get(kind, kind != "file" or resource.file_type != "mp4"):
            raise Refusal(230055)

    def _mine(self, resource: Resource) -> bool:
        return resource.owner is self.app

    def _is_image(self, key: str) -> bool:
        resource = self.directory.resources.get(key)
        return resource is not None and resource.kind == "image" and self._mine(resource)

    def _names(self) -> dict[str, Speaker]:
        everybody: list[Speaker] = [*self.directory.people.values(), *self.directory.apps.values()]
        names = {self.directory.open_id(self.app, who): who for who in everybody}
        for person in self.directory.people.values():
            names |= {person.user_id: person, person.union_id: person}
        return names


def failed(problem: CardProblem) -> Refusal:
    """How the message methods say what is wrong with a card."""
    return Refusal(230099, f"Failed to create card content, ext={problem}")

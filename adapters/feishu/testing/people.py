"""What people do in Feishu: write, answer, edit, recall, press buttons, add bots to groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.feishu.testing import cards
from adapters.feishu.testing.cards import CardProblem
from adapters.feishu.testing.content import Draft
from adapters.feishu.testing.delivery import Delivery
from adapters.feishu.testing.events import pressed
from adapters.feishu.testing.site import Site
from adapters.feishu.testing.wire import Json, compact, is_mapping, mapping, mappings, string
from adapters.feishu.testing.world import Card, Chat, Person, Post, Resource, Speaker


@dataclass(frozen=True, slots=True)
class Press:
    """What came of pressing a button."""

    delivery: Delivery
    toast: str = ""
    error: int = 0
    """What the person's client complains of, 0 for nothing: 200341 no answer within 3 s, 200671 not acknowledged,
    200672 an answer that is none, 200673 a card that is none, 200340 the app takes no callbacks."""


@dataclass(slots=True, eq=False)
class People:
    """Acts for people. Raises ValueError for what Feishu's own client would not let them do."""

    site: Site

    def say(self, who: Person, chat: Chat, text: str, answers: Post | None, *, threaded: bool) -> Post:
        """Write text; `@name` of a member of the chat, typed out, is a mention."""
        mentions: list[Speaker] = []
        return self._send(who, chat, "text", {"text": self._typed(chat, text, mentions)}, mentions, answers, threaded)

    def rich(
        self,
        who: Person,
        chat: Chat,
        title: str,
        lines: Sequence[str | Resource],
        answers: Post | None,
        *,
        threaded: bool,
    ) -> Post:
        """Write rich text: a paragraph for every line, images among them."""
        mentions: list[Speaker] = []
        content: list[list[Json]] = [self._paragraph(chat, line, mentions) for line in lines]
        return self._send(who, chat, "post", {"title": title, "content": content}, mentions, answers, threaded)

    def attach(self, who: Person, chat: Chat, resource: Resource, answers: Post | None, *, threaded: bool) -> Post:
        """Send an image, an audio message (opus) or a file."""
        if resource.kind == "image":
            return self._send(who, chat, "image", {"image_key": resource.key}, [], answers, threaded)
        if resource.file_type == "opus":
            body: Json = {"file_key": resource.key, "duration": resource.duration}
            return self._send(who, chat, "audio", body, [], answers, threaded)
        return self._send(
            who, chat, "file", {"file_key": resource.key, "file_name": resource.name}, [], answers, threaded
        )

    def forward(self, who: Person, chat: Chat, posts: Sequence[Post]) -> Post:
        """Pass messages on, merged into one, of which Feishu delivers no more than that it is one."""
        made = self._send(
            who, chat, "merge_forward", {"content": "Merged and Forwarded Message"}, [], None, threaded=False
        )
        made.forwards = list(posts)
        return made

    def edit(self, post: Post, text: str) -> None:
        """Change a text message. Feishu tells no app; only who asks for the message learns of it."""
        if post.deleted or post.kind != "text":
            raise ValueError("only a text that still stands can be edited")
        mentions: list[Speaker] = []
        typed = self._typed(post.chat, text, mentions)
        post.updated = self.site.clock.stamp()
        self.site.rooms.change(post, Draft("text", compact({"text": typed}), mentions))

    async def press(self, who: Person, post: Post, wanted: str) -> Press:
        """Press the button with that label, name, element id or value, and wait for the app's answer."""
        if post.card is None or post.deleted:
            raise ValueError("there is no card to press on")
        button = _find(post.card.json, wanted)
        if button.get("disabled") is True:
            raise ValueError(f"the button {wanted!r} is disabled")
        app, card, action = post.card.app, post.card, _action(button)
        if "card.action.trigger" not in app.events:
            raise ValueError("the app takes no callbacks: the client shows 200340")
        token = self.site.callback(app, post)
        card.interacting += 1
        delivery = self.site.courier.send(
            app, "card.action.trigger", pressed(self.site.directory, app, post, who, action, token)
        )
        await self.site.record.until(lambda: delivery.finished, 60.0)
        self._end_interaction(card)
        self.site.callbacks[token].answered = True
        return self._answered(delivery, post)

    def _answered(self, delivery: Delivery, post: Post) -> Press:
        attempt = delivery.attempts[-1]
        if attempt.problem:
            return Press(delivery, error=200341 if attempt.problem == "timeout" else 200671)
        if attempt.response is None or attempt.response == {}:
            return Press(delivery)
        toast, given = mapping(attempt.response).get("toast"), mapping(attempt.response).get("card")
        if not is_mapping(attempt.response) or not attempt.response.keys() <= {"toast", "card"}:
            self.site.record.violation("card.action.trigger", "answered with what is neither toast nor card")
            return Press(delivery, error=200672)
        words = string(mapping(toast).get("content"))
        if words:
            post.toasts.append(words)
        error = self._replace(post, mapping(given)) if given is not None else 0
        return Press(delivery, words, error)

    def _replace(self, post: Post, given: Json) -> int:
        data = given.get("data")
        if given.get("type") != "raw" or not is_mapping(data) or post.card is None:
            self.site.record.violation("card.action.trigger", "answered with a card that is not {type: raw, data}")
            return 200673
        try:
            self.site.contents(post.card.app).check_card(data)
        except CardProblem as problem:
            self.site.record.violation("card.action.trigger", f"answered with an impossible card: {problem}")
            return 200673
        post.card.json = data
        self.site.rooms.redraw(post.card)
        return 0

    def _end_interaction(self, card: Card) -> None:
        card.interacting -= 1
        if card.before_interaction is not None and not card.interacting:
            # "Executed in parallel or ahead of the response, the update fails or is restored at once."
            card.json, card.before_interaction = card.before_interaction, None
            self.site.rooms.redraw(card)

    def _send(
        self,
        who: Person,
        chat: Chat,
        kind: str,
        content: Json,
        mentions: list[Speaker],
        answers: Post | None,
        threaded: bool,
    ) -> Post:
        if who.union_id not in chat.people:
            raise ValueError(f"{who.name} is not in {chat.name or 'these direct messages'}")
        if answers is not None and answers.deleted:
            raise ValueError("that message has been recalled")
        return self.site.rooms.add(chat, who, Draft(kind, compact(content), mentions), answers, threaded=threaded)

    def _typed(self, chat: Chat, text: str, mentions: list[Speaker]) -> str:
        """`@name` becomes `@_user_n`, `@all` becomes `@_all`; a name twice is mentioned twice under one key."""
        names = {who.name: who for who in self.site.directory.members(chat)}
        pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))

        def put(found: re.Match[str]) -> str:
            who = names[found[1]]
            if who not in mentions:
                mentions.append(who)
            return f"@_user_{mentions.index(who) + 1}"

        return re.sub(rf"@({pattern})(?!\w)", put, re.sub(r"@all(?!\w)", "@_all", text)) if names else text

    def _paragraph(self, chat: Chat, line: str | Resource, mentions: list[Speaker]) -> list[Json]:
        if isinstance(line, Resource):
            return [{"tag": "img", "image_key": line.key}]
        spans: list[Json] = []
        for part in re.split(r"(@_user_\d+|@_all)", self._typed(chat, line, mentions)):
            if part.startswith("@_user_"):
                name = mentions[int(part.removeprefix("@_user_")) - 1].name
                spans.append({"tag": "at", "user_id": part, "user_name": name, "style": []})
            elif part:
                spans.append({"tag": "text", "text": part, "style": []})
        return spans


def _find(card: Json, wanted: str) -> Json:
    found = cards.buttons(card)
    for button in found:
        values = [mapping(one).get("value") for one in mappings(button.get("behaviors"))] + [button.get("value")]
        if wanted in (cards.label(button), button.get("name"), button.get("element_id"), *map(compact, values)):
            return button
    raise ValueError(f"no button {wanted!r}, only {[cards.label(button) for button in found]}")


def _action(button: Json) -> Json:
    value = button.get("value")
    for behavior in mappings(button.get("behaviors")):
        if behavior.get("type") == "callback":
            value = behavior.get("value")
    if value is None:
        raise ValueError(f"the button {cards.label(button)!r} calls nobody back")
    action: Json = {"value": value, "tag": "button"}
    if isinstance(button.get("name"), str):
        action["name"] = button["name"]
    return action

"""CardKit: card entities, their elements and their streaming mode.

https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/streaming-updates-openapi-overview
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from adapters.feishu.testing import cards
from adapters.feishu.testing.cards import CardProblem
from adapters.feishu.testing.content import failed
from adapters.feishu.testing.routes.call import NOTHING, Call, Route
from adapters.feishu.testing.routes.changes import changed
from adapters.feishu.testing.wire import (
    Json,
    Refusal,
    compact,
    decoded,
    is_mapping,
    is_sequence,
    mapping,
    mappings,
    names,
    string,
)
from adapters.feishu.testing.world import Card

SCOPE = ("cardkit:card:write",)
LIFE_SECONDS = 14 * 86400
STREAMING_SECONDS = 600.0
"""From switching it on to its closing by itself, whatever happens in between."""
MAX_SEQUENCE = 2**31 - 1
MAX_CONTENT = 100_000


def _create(call: Call) -> Json:
    card = _parsed(call, call.text("type", most=50), call.text("data", most=3_000_000))
    entity = Card(call.app, card, call.site.clock, str(7 * 10**18 + secrets.randbelow(10**18)))
    entity.created = call.site.clock.now()
    _stream(call, entity, on=entity.config.get("streaming_mode") is True)
    call.site.directory.cards[entity.id] = entity
    return {"card_id": entity.id}


def _convert(call: Call) -> Json:
    """The card of a message as an entity; one that was none becomes one."""
    post = call.site.directory.find_post(call.text("message_id"))
    if post is None or post.card is None or post.card.app is not call.app:
        raise Refusal(10002, ext="message_id is not a card of this application")
    card = post.card
    if not card.id:
        card.id, card.created = str(7 * 10**18 + secrets.randbelow(10**18)), call.site.clock.now()
        call.site.directory.cards[card.id] = card
    return {"card_id": card.id}


def _content(call: Call) -> Json:
    """The whole text of one element: typed out when it continues the old one."""
    content = call.text("content", most=MAX_CONTENT)
    card = _begin(call)
    if card.streaming_until and not card.streaming:
        card.streaming_until = 0.0
        raise Refusal(200850)
    if not card.streaming:
        raise Refusal(300309)
    element = cards.find(card.json, call.path["element_id"])
    if element is None:
        raise Refusal(300313, f"ErrMsg: not find elementID: {call.path['element_id']}; ")
    if element.get("tag") not in ("plain_text", "markdown"):
        raise Refusal(300310)
    before = string(element.get("content"))
    _try(call, card, lambda whole: _set(whole, call.path["element_id"], content))
    card.typewriter.append(content.startswith(before))
    return _done(call, card)


def _settings(call: Call) -> Json:
    """`config` and `card_link` are merged into what was there."""
    settings = decoded(call.text("settings", most=MAX_CONTENT))
    if not is_mapping(settings) or not settings.keys() <= {"config", "card_link"}:
        raise Refusal(300122, "ErrMsg: Failed to update card configuration; ")
    card = _begin(call)
    config = mapping(settings.get("config"))
    if config.get("update_multi") is False:
        raise Refusal(300302)
    _try(call, card, lambda whole: whole.update({"config": {**mapping(whole.get("config")), **config}}))
    if "streaming_mode" in config:
        _stream(call, card, on=config["streaming_mode"] is True)
    return _done(call, card)


def _update(call: Call) -> Json:
    """Another card altogether; its own config says whether it streams."""
    given = call.table("card")
    fresh = _parsed(call, string(given.get("type")), string(given.get("data")))
    card = _begin(call)
    card.json = fresh
    _stream(call, card, on=card.config.get("streaming_mode") is True)
    return _done(call, card)


def _batch(call: Call) -> Json:
    """Several changes, all of them or none."""
    actions = decoded(call.text("actions", most=1_000_000))
    if not is_sequence(actions) or not actions:
        raise Refusal(10002, ext="actions is not a list in json format")
    card = _begin(call)

    def change(whole: Json) -> None:
        for action in actions:
            changed(whole, mapping(action))

    _try(call, card, change)
    for action in mappings(actions):
        config = mapping(mapping(mapping(action.get("params")).get("settings")).get("config"))
        if "streaming_mode" in config:
            _stream(call, card, on=config["streaming_mode"] is True)
    return _done(call, card)


def _element(kind: str) -> Callable[[Call], Json]:
    """One of the methods that change an element, each of which is an action of `batch_update` on its own."""

    def run(call: Call) -> Json:
        params: Json = {name: value for name, value in call.body.items() if name not in ("uuid", "sequence")}
        for name in ("elements", "element", "partial_element"):
            if name in params:
                params[name] = decoded(call.text(name, most=MAX_CONTENT))
        if "element_id" in call.path:
            ids = [call.path["element_id"]]
            params |= {"element_ids": ids} if kind == "delete_elements" else {"element_id": ids[0]}
        card = _begin(call)
        _try(call, card, lambda whole: changed(whole, {"action": kind, "params": params}))
        return _done(call, card)

    return run


def _begin(call: Call) -> Card:
    """The card, if it may be operated on with this `uuid` and `sequence` now. A refused operation uses up neither."""
    uuid = call.text("uuid", most=64, required=False)
    sequence = call.whole("sequence", least=1, most=MAX_SEQUENCE)
    card = call.site.directory.cards.get(call.path["card_id"])
    if card is None:
        raise Refusal(200740)
    if card.app is not call.app:
        raise Refusal(300311)
    if call.site.clock.now() - card.created > LIFE_SECONDS:
        raise Refusal(200750)
    call.site.budgets.card(call.route, card.id)
    if uuid and uuid in card.uuids:
        # The documentation does not say which is looked at first when a request is repeated as it was.
        raise Refusal(200770)
    if sequence <= card.sequence:
        raise Refusal(300317)
    if card.interacting:
        raise Refusal(200810)
    return card


def _done(call: Call, card: Card) -> Json:
    card.sequence = call.whole("sequence", least=1, most=MAX_SEQUENCE)
    uuid = call.text("uuid", required=False)
    if uuid:
        card.uuids.add(uuid)
    call.site.rooms.redraw(card)
    return NOTHING


def _try(call: Call, card: Card, change: Callable[[Json], None]) -> None:
    """Change a copy, and keep it if such a card can be."""
    copy = mapping(decoded(compact(card.json)))
    change(copy)
    _check(call, copy)
    card.json = copy


def _parsed(call: Call, kind: str, data: str) -> Json:
    if kind != "card_json":
        raise Refusal(10002, ext="only card_json can be here")
    card = decoded(data)
    if not card:
        raise Refusal(300307)
    if not is_mapping(card):
        raise Refusal(200220, "ErrMsg: Failed to generate card content; ")
    if card.get("schema") != "2.0":
        raise Refusal(200220, "ErrMsg: Failed to generate card content, schema must be 2.0; ")
    _check(call, card)
    return card


def _check(call: Call, card: Json) -> None:
    if mapping(card.get("config")).get("update_multi") is False:
        raise Refusal(300302)
    if len(compact(card).encode()) > cards.MAX_BYTES:
        raise Refusal(200860)
    try:
        call.site.contents(call.app).check_card(card)
    except CardProblem as problem:
        if problem.code == 300305:
            raise Refusal(300305) from None
        if problem.code == 200621:
            raise Refusal(200220, f"ErrMsg: Failed to generate card content, {problem}; ") from None
        # Seen of the text method: a failing render is told with the message methods' code and its sub-code.
        raise failed(problem) from None


def _set(card: Json, element_id: str, content: str) -> None:
    element = cards.find(card, element_id)
    if element is not None:
        element["content"] = content


def _stream(call: Call, card: Card, *, on: bool) -> None:
    card.streaming_until = call.site.clock.now() + STREAMING_SECONDS if on else 0.0


_CARDS = "/open-apis/cardkit/v1/cards"
_CARD, _ELEMENTS = f"{_CARDS}/{{card_id}}", f"{_CARDS}/{{card_id}}/elements"
_ONE = f"{_ELEMENTS}/{{element_id}}"
_E = "cardkit.v1.card_element"
ROUTES = (
    Route("cardkit.v1.card.create", "POST", _CARDS, _create, names("type data"), SCOPE),
    Route("cardkit.v1.card.id_convert", "POST", f"{_CARDS}/id_convert", _convert, names("message_id"), SCOPE),
    Route("cardkit.v1.card.update", "PUT", _CARD, _update, names("card uuid sequence"), SCOPE),
    Route("cardkit.v1.card.settings", "PATCH", f"{_CARD}/settings", _settings, names("settings uuid sequence"), SCOPE),
    Route(
        "cardkit.v1.card.batch_update", "POST", f"{_CARD}/batch_update", _batch, names("actions uuid sequence"), SCOPE
    ),
    Route(f"{_E}.content", "PUT", f"{_ONE}/content", _content, names("content uuid sequence"), SCOPE),
    Route(
        f"{_E}.create",
        "POST",
        _ELEMENTS,
        _element("add_elements"),
        names("type target_element_id elements uuid sequence"),
        SCOPE,
    ),
    Route(f"{_E}.update", "PUT", _ONE, _element("update_element"), names("element uuid sequence"), SCOPE),
    Route(
        f"{_E}.patch", "PATCH", _ONE, _element("partial_update_element"), names("partial_element uuid sequence"), SCOPE
    ),
    Route(f"{_E}.delete", "DELETE", _ONE, _element("delete_elements"), names("uuid sequence"), SCOPE),
)

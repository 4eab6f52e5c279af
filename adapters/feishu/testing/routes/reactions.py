"""Signs on messages."""

from __future__ import annotations

import re
import secrets

from adapters.feishu.testing.routes.call import Call, Route
from adapters.feishu.testing.wire import Json, Refusal, names, string
from adapters.feishu.testing.world import App

WRITE = ("im:message", "im:message.reactions:write_only")
READ = ("im:message", "im:message:readonly", "im:message.reactions:read")
_EMOJI = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def _create(call: Call) -> Json:
    emoji = string(call.table("reaction_type").get("emoji_type"))
    if not _EMOJI.fullmatch(emoji):
        raise Refusal(231001)
    post = call.post()
    if post.deleted:
        raise Refusal(231003)
    for reaction, (given, who) in post.reactions.items():
        if (given, who) == (emoji, call.app):
            return _body(call, reaction, emoji, call.app)
    reaction = secrets.token_urlsafe(32)
    post.reactions[reaction] = (emoji, call.app)
    call.site.record.changed()
    return _body(call, reaction, emoji, call.app)


def _delete(call: Call) -> Json:
    post, reaction = call.post(), call.path["reaction_id"]
    if reaction not in post.reactions:
        raise Refusal(231002, "The reaction is not exist.")
    emoji, who = post.reactions[reaction]
    if who is not call.app:
        raise Refusal(231007)
    del post.reactions[reaction]
    call.site.record.changed()
    return _body(call, reaction, emoji, call.app)


def _list(call: Call) -> Json:
    every = call.post().reactions.items()
    items = [_body(call, one, emoji, who) for one, (emoji, who) in every if isinstance(who, App)]
    return {"items": items, "has_more": False, "page_token": ""}


def _body(call: Call, reaction: str, emoji: str, who: App) -> Json:
    return {
        "reaction_id": reaction,
        "operator": {"operator_id": who.id, "operator_type": "app"},
        "action_time": str(int(call.site.clock.wall() * 1000)),
        "reaction_type": {"emoji_type": emoji},
    }


_PATH = "/open-apis/im/v1/messages/{message_id}/reactions"
ROUTES = (
    Route("im.v1.message_reaction.create", "POST", _PATH, _create, names("reaction_type"), WRITE),
    Route("im.v1.message_reaction.delete", "DELETE", f"{_PATH}/{{reaction_id}}", _delete, frozenset(), WRITE),
    Route(
        "im.v1.message_reaction.list",
        "GET",
        _PATH,
        _list,
        names("reaction_type page_size page_token user_id_type"),
        READ,
    ),
)

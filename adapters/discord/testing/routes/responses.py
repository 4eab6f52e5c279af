"""Answers to interactions: the first response within three seconds, the rest within a quarter of an hour."""

from __future__ import annotations

import time

from adapters.discord.testing import permissions as bits
from adapters.discord.testing.components import MAX_ROWS
from adapters.discord.testing.drafts import Draft, read_draft
from adapters.discord.testing.form import Form
from adapters.discord.testing.interactions import Interaction
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.routes.posting import change, place
from adapters.discord.testing.wire import Json, Refusal, mapping, number
from adapters.discord.testing.world import COMMAND, DEFAULT, Post

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL = 4, 5, 6, 7, 9


def callback(call: Call) -> Answer:
    """The first response. Too late is "Unknown interaction", twice is "already acknowledged"."""
    one = next((one for one in call.site.interactions.every if one.token == call.places["token"]), None)
    if one is None or one.id != call.places["interaction"] or one.failed:
        raise Refusal(10062)
    if one.answered:
        raise Refusal(40060)
    form = Form()
    kind = form.choice(call.fields.get("type"), ("type",), _allowed(one))
    form.check()
    _respond(call, one, kind, mapping(call.fields.get("data")))
    one.answered, one.response = time.monotonic(), kind
    call.site.record.changed()
    return _outcome(call, one) if call.query.get("with_response") in ("1", "true") else None


def followup(call: Call) -> Answer:
    """Another message; the first one after "is thinking" takes its place."""
    one = _held(call)
    draft = read_draft(call.fields, call.files)
    if one.thinking and one.original is not None:
        return _shown(call, one, _filled(call, one, draft))
    post = _said(call, one, draft)
    one.followups.append(post)
    return _shown(call, one, post)


def get(call: Call) -> Answer:
    one = _held(call)
    return _shown(call, one, _meant(call, one))


def edit(call: Call) -> Answer:
    one = _held(call)
    post = _meant(call, one)
    draft = read_draft(call.fields, call.files)
    if one.thinking and post is one.original:
        return _shown(call, one, _filled(call, one, draft))
    if post.channel.archived and not post.ephemeral:
        raise Refusal(50083)
    return _shown(call, one, change(call.site, post, draft))


def delete(call: Call) -> Answer:
    one = _held(call)
    call.site.rooms.remove(_meant(call, one))
    return None


def _allowed(one: Interaction) -> set[int]:
    """A message is only updated where there is one, and a modal does not answer a modal."""
    kinds = {MESSAGE, DEFERRED} if one.post is None else {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE}
    return kinds if one.kind == "modal" else kinds | {MODAL}


def _respond(call: Call, one: Interaction, kind: int, data: Json) -> None:
    match kind:
        case 4:
            one.original = _said(call, one, read_draft(data, call.files, ("data",)))
        case 5:
            one.thinking, one.original = True, _thinking(call, one, number(data.get("flags")))
        case 7:
            if one.post is None or one.post.deleted:
                raise Refusal(10008)
            one.original = change(call.site, one.post, read_draft(data, call.files, ("data",)))
        case 9:
            one.modal = _modal(data)
        case _:
            one.original = one.post


def _modal(data: Json) -> Json:
    form = Form(("data",))
    form.text(data.get("custom_id"), ("custom_id",), 100, least=1)
    form.text(data.get("title"), ("title",), 45, least=1)
    form.items(data.get("components"), ("components",), MAX_ROWS, least=1)
    form.check()
    return data


def _said(call: Call, one: Interaction, draft: Draft) -> Post:
    private = one.person if draft.flags & bits.EPHEMERAL else None
    metadata = call.site.interactions.metadata(one)
    return place(call.site, one.app, one.channel, draft, only_for=private, interaction=metadata)


def _thinking(call: Call, one: Interaction, flags: int) -> Post:
    """ "claude is thinking…" """
    kind = COMMAND if one.kind == "command" else DEFAULT
    post = Post(one.channel, call.site.clock.snowflake(), one.app.bot, "", kind, app=one.app, flags=bits.LOADING)
    post.interaction = call.site.interactions.metadata(one)
    if flags & bits.EPHEMERAL:
        post.only_for, post.flags = one.person, post.flags | bits.EPHEMERAL
    return call.site.rooms.add(post, Draft(frozenset()).allowed)


def _filled(call: Call, one: Interaction, draft: Draft) -> Post:
    """The deferred response gets its text, which does not count as an edit."""
    assert one.original is not None
    if one.original.deleted:
        raise Refusal(10008)
    post = change(call.site, one.original, draft, silent=True)
    one.thinking = False
    return post


def _held(call: Call) -> Interaction:
    one = call.site.interactions.find(call.places["token"])
    if one.app.id != call.places["application"] or not one.answered:
        raise Refusal(10015)
    return one


def _meant(call: Call, one: Interaction) -> Post:
    """`@original`, or a followup by its id."""
    wanted = call.places["message"]
    known = [one.original] if one.original is not None else []
    found = next((post for post in [*known, *one.followups] if wanted == post.id), None)
    if wanted == "@original" and one.original is not None:
        found = one.original
    if found is None or found.deleted:
        raise Refusal(10008)
    return found


def _shown(call: Call, one: Interaction, post: Post) -> Json:
    return call.site.payloads.message(post, one.app, bits.MESSAGE_CONTENT)


def _outcome(call: Call, one: Interaction) -> Json:
    told: Json = {"id": one.id, "type": {"command": 2, "component": 3, "modal": 5}[one.kind]}
    resource: Json = {"type": one.response}
    if one.original is not None and one.response in (MESSAGE, DEFERRED, UPDATE):
        told |= {"response_message_id": one.original.id, "response_message_loading": one.thinking}
        told["response_message_ephemeral"] = one.original.ephemeral
        resource["message"] = _shown(call, one, one.original)
    return {"interaction": told, "resource": resource}


_WEBHOOK = "/webhooks/{application}/{token}"
_MESSAGE = f"{_WEBHOOK}/messages/{{message}}"
_PER = ("token",)
ROUTES = [
    Route("callback", "POST", "/interactions/{interaction}/{token}/callback", callback, open=True),
    Route("followup", "POST", _WEBHOOK, followup, (5, 2.0), _PER, open=True),
    Route("get_response", "GET", _MESSAGE, get, (5, 1.0), _PER, open=True),
    Route("edit_response", "PATCH", _MESSAGE, edit, (5, 5.0), _PER, open=True),
    Route("delete_response", "DELETE", _MESSAGE, delete, (5, 1.0), _PER, open=True),
]

"""Tokens, the bot itself, and people's names."""

from __future__ import annotations

from adapters.feishu.testing.events import EMPLOYEE_ID
from adapters.feishu.testing.routes.call import Call, Route
from adapters.feishu.testing.wire import Json, Refusal, is_sequence, misfit, names, string
from adapters.feishu.testing.world import Person

CONTACT = ("contact:user.base:readonly", "contact:contact.base:readonly", "contact:contact:readonly_as_app")


def _token(call: Call) -> Json:
    """The same token until less than half an hour of it is left."""
    app = call.site.directory.apps.get(string(call.body.get("app_id")))
    if app is None:
        raise Refusal(10003)
    if call.body.get("app_secret") != app.secret:
        raise Refusal(10014)
    token, seconds = call.site.token(app)
    return {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": seconds}


def _bot(call: Call) -> Json:
    app = call.app
    bot: Json = {"activate_status": 2, "app_name": app.name, "avatar_url": "https://s1.example.com/a.png"}
    bot |= {"ip_white_list": [], "open_id": call.site.directory.open_id(app, app)}
    if not app.bot_enabled:
        raise Refusal(11205, "app do not have bot")
    return {"code": 0, "msg": "ok", "bot": bot}


def _scopes(call: Call) -> Json:
    """What an administrator has granted."""
    return {"scopes": [{"scope_name": name, "grant_status": 1} for name in sorted(call.app.scopes)]}


def _user(call: Call) -> Json:
    person = _find(call, call.path["user_id"], call.asked("user_id_type", default="open_id"))
    user: Json = {"union_id": person.union_id, "open_id": call.site.directory.open_id(call.app, person)}
    if EMPLOYEE_ID in call.app.scopes:
        user["user_id"] = person.user_id
    return {"user": user | {"name": person.name, "en_name": person.name, "status": {"is_activated": True}}}


def _basic(call: Call) -> Json:
    """`contact/v3/users/basic_batch`: names of up to ten people."""
    asked = call.body.get("user_ids")
    if not is_sequence(asked) or not 1 <= len(asked) <= 10:
        raise misfit("user_ids", "the length is from 1 to 10")
    kind = call.asked("user_id_type", default="open_id")
    found = [(string(one), _find(call, string(one), kind)) for one in asked]
    return {"users": [{"user_id": one, "name": person.name, "i18n_name": {}} for one, person in found]}


def _find(call: Call, user_id: str, kind: str) -> Person:
    directory = call.site.directory
    match kind:
        case "open_id":
            person = directory.by_open_id(call.app, user_id)
            if person is None and directory.foreign(call.app, user_id):
                raise Refusal(99992361)
        case "union_id":
            person = directory.people.get(user_id)
        case "user_id":
            person = directory.by_user_id(user_id)
        case _:
            raise Refusal(99992402)
    if not isinstance(person, Person):
        raise Refusal(99992351)
    return person


ROUTES = (
    Route(
        "auth.v3.tenant_access_token.internal",
        "POST",
        "/open-apis/auth/v3/tenant_access_token/internal",
        _token,
        names("app_id app_secret"),
        open=True,
    ),
    Route("bot.v3.info", "GET", "/open-apis/bot/v3/info", _bot),
    Route("application.v6.scope.list", "GET", "/open-apis/application/v6/scopes", _scopes),
    Route(
        "contact.v3.user.get",
        "GET",
        "/open-apis/contact/v3/users/{user_id}",
        _user,
        names("user_id_type department_id_type"),
        CONTACT,
    ),
    Route(
        "contact.v3.user.basic_batch",
        "POST",
        "/open-apis/contact/v3/users/basic_batch",
        _basic,
        names("user_id_type user_ids"),
        CONTACT,
    ),
)

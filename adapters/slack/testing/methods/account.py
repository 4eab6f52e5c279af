"""Who am I, who are they: auth.test, apps.connections.open, users.info, team.info."""

from __future__ import annotations

from adapters.slack.testing.methods.call import Call, Method, names
from adapters.slack.testing.wire import Json


def _auth_test(call: Call) -> Json:
    app = call.app
    return {
        "url": f"https://{app.team.domain}.slack.com/",
        "team": app.team.name,
        "user": app.bot.name,
        "team_id": app.team.id,
        "user_id": app.bot.id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def _connections_open(call: Call) -> Json:
    address = call.site.origin.replace("http", "ws", 1)
    return {"url": f"{address}/link/?ticket={call.site.sockets.ticket(call.app)}&app_id={call.app.id}"}


def _users_info(call: Call) -> Json:
    person = call.person(call.arguments.text("user", required="user_not_found"))
    profile: Json = {"real_name": person.name.title(), "display_name": person.name, "team": person.team.id}
    return {
        "user": {
            "id": person.id,
            "team_id": person.team.id,
            "name": person.name,
            "real_name": person.name.title(),
            "deleted": person.deactivated,
            "tz": "Etc/UTC",
            "profile": profile,
            "is_bot": person.is_bot,
            "is_app_user": False,
        }
    }


def _team_info(call: Call) -> Json:
    team = call.app.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}


METHODS = {
    "auth.test": Method(_auth_test, 4, names("")),
    "apps.connections.open": Method(_connections_open, 1, names(""), token="app"),
    "users.info": Method(_users_info, 4, names("user include_locale"), ("users:read",), json=False),
    "team.info": Method(_team_info, 3, names("team domain"), ("team:read",), json=False),
}

"""Who the bot is, where the gateway is, whom it may know, and fresh addresses for attachments."""

from __future__ import annotations

from adapters.discord.testing import payloads
from adapters.discord.testing.form import Form
from adapters.discord.testing.routes.call import Answer, Call, Route
from adapters.discord.testing.sessions import flags
from adapters.discord.testing.wire import Json, Refusal, sequence, string
from adapters.discord.testing.world import Guild


def me(call: Call) -> Answer:
    body = payloads.user(call.app.bot)
    return body | {"verified": True, "mfa_enabled": False, "flags": 0, "email": None, "locale": "en-US", "bio": ""}


def application(call: Call) -> Answer:
    app = call.app
    body: Json = {"id": app.id, "name": app.name, "description": "", "icon": None, "bot_public": False, "tags": []}
    body |= {"bot_require_code_grant": False, "verify_key": "0" * 64, "flags": flags(app), "summary": "", "team": None}
    owner = next(iter(call.site.directory.guilds.values())).owner
    return body | {"owner": payloads.user(owner), "bot": payloads.user(app.bot)}


def gateway(call: Call) -> Answer:
    return {"url": call.site.gateway_url}


def gateway_bot(call: Call) -> Answer:
    limit: Json = {"total": 1000, "remaining": 1000 - call.site.sessions.identified, "reset_after": 86_400_000}
    return {"url": call.site.gateway_url, "shards": 1, "session_start_limit": limit | {"max_concurrency": 1}}


def open_direct(call: Call) -> Answer:
    form = Form()
    wanted = form.snowflake(call.fields.get("recipient_id"), ("recipient_id",))
    form.check()
    person = call.site.directory.people.get(wanted)
    if person is None:
        raise Refusal(10013)
    if person.is_bot:
        raise Refusal(50007)
    return payloads.channel(call.site.directory.direct(person, call.app), call.app)


def user(call: Call) -> Answer:
    person = call.site.directory.people.get(call.places["user"])
    if person is None:
        raise Refusal(10013)
    return payloads.user(person)


def guild(call: Call) -> Answer:
    one = _guild(call)
    rooms = [room for room in call.site.directory.channels.values() if room.guild is one]
    return payloads.guild(one, rooms, call.site.directory.apps, call.app)


def guilds(call: Call) -> Answer:
    known = [one for one in call.site.directory.guilds.values() if call.app.bot.id in one.people]
    granted = str(call.app.permissions)
    return [
        {"id": one.id, "name": one.name, "icon": None, "owner": False, "permissions": granted, "features": []}
        for one in known
    ]


def member(call: Call) -> Answer:
    one = _guild(call)
    if call.places["user"] not in one.people:
        raise Refusal(10007)
    return payloads.member(one.people[call.places["user"]], one, whole=True)


def channels(call: Call) -> Answer:
    one = _guild(call)
    rooms = [room for room in call.site.directory.channels.values() if room.guild is one and room.kind == "text"]
    return [payloads.channel(room, call.app) for room in rooms if room.allows(call.app, 0)]


def refresh(call: Call) -> Answer:
    urls = [string(url) for url in sequence(call.fields.get("attachment_urls"))]
    pairs: list[Json] = [{"original": url, "refreshed": call.site.cdn.refreshed(url) or url} for url in urls]
    return {"refreshed_urls": pairs}


def _guild(call: Call) -> Guild:
    one = call.site.directory.guilds.get(call.places["guild"])
    if one is None or call.app.bot.id not in one.people:
        raise Refusal(10004)
    return one


ROUTES = [
    Route("me", "GET", "/users/@me", me, (10, 1.0)),
    Route("my_guilds", "GET", "/users/@me/guilds", guilds, (10, 1.0)),
    Route("open_direct", "POST", "/users/@me/channels", open_direct, (5, 1.0)),
    Route("user", "GET", "/users/{user}", user, (30, 30.0)),
    Route("application", "GET", "/oauth2/applications/@me", application, (10, 1.0)),
    Route("application_itself", "GET", "/applications/@me", application, (10, 1.0)),
    Route("gateway", "GET", "/gateway", gateway, open=True),
    Route("gateway_bot", "GET", "/gateway/bot", gateway_bot, (2, 5.0)),
    Route("guild", "GET", "/guilds/{guild}", guild, (5, 1.0), ("guild",)),
    Route("member", "GET", "/guilds/{guild}/members/{user}", member, (5, 1.0), ("guild",)),
    Route("guild_channels", "GET", "/guilds/{guild}/channels", channels, (5, 1.0), ("guild",)),
    Route("refresh_urls", "POST", "/attachments/refresh-urls", refresh, (5, 1.0)),
]

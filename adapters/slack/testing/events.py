"""The shapes of Slack's payloads: messages as the API returns them, events, actions and commands. Pure."""

from __future__ import annotations

from adapters.slack.testing.wire import Json
from adapters.slack.testing.world import App, Channel, Person, Post, SharedFile

CHANNEL_TYPE = {"channel": "channel", "group": "group", "im": "im", "mpim": "mpim"}
SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


def message(post: Post, *, metadata: bool = False) -> Json:
    """A message as history, replies and events carry it."""
    body: Json = {"type": "message", "user": post.author.id, "ts": post.ts, "text": post.text}
    if post.subtype:
        body["subtype"] = post.subtype
    if post.client_msg_id:
        body["client_msg_id"] = post.client_msg_id
    if post.app is not None:
        body |= {"bot_id": post.app.bot_id, "app_id": post.app.id, "bot_profile": _bot_profile(post.app)}
    if post.author.id != "USLACKBOT":
        body["team"] = post.channel.team.id
    if post.blocks:
        body["blocks"] = post.blocks
    if post.attachments:
        body["attachments"] = post.attachments
    if post.files:
        body |= {"files": [file_json(file) for file in post.files], "upload": False}
    if post.edited:
        body["edited"] = {"user": post.author.id, "ts": post.edited}
    if post.reactions:
        body["reactions"] = [
            {"name": name, "users": sorted(users), "count": len(users)} for name, users in post.reactions.items()
        ]
    if metadata and post.metadata:
        body["metadata"] = post.metadata
    return body | _thread(post)


def _thread(post: Post) -> Json:
    if post.thread_ts:
        parent = post.channel.posts.get(post.thread_ts)
        return {"thread_ts": post.thread_ts, **({"parent_user_id": parent.author.id} if parent else {})}
    replies = post.channel.replies(post.ts)
    if not replies:
        return {}
    people = list(dict.fromkeys(reply.author.id for reply in replies))
    return {
        "thread_ts": post.ts,
        "reply_count": len(replies),
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
        "reply_users": people[:5],
    }


def _bot_profile(app: App) -> Json:
    icon = "https://a.slack-edge.com/80588/img/plugins/app/bot_36.png"
    return {
        "id": app.bot_id,
        "app_id": app.id,
        "user_id": app.bot.id,
        "name": app.name,
        "icons": {"image_36": icon},
        "deleted": False,
        "updated": 0,
        "team_id": app.team.id,
    }


def file_json(file: SharedFile) -> Json:
    team = file.owner.team.id
    folder, _, name = file.url.rpartition("/")
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.media_type,
        "filetype": file.name.rpartition(".")[2] or "binary",
        "user": file.owner.id,
        "user_team": team,
        "editable": False,
        "size": len(file.data),
        "mode": "external" if file.external else "hosted",
        "is_external": file.external,
        "external_type": "unknown" if file.external else "",
        "is_public": False,
        "url_private": file.url,
        "url_private_download": f"{folder}/download/{name}",
        "file_access": "visible",
    }


def in_channel(post: Post, body: Json) -> Json:
    """What an event of a message has beyond the message itself."""
    return body | {
        "channel": post.channel.id,
        "event_ts": post.ts,
        "channel_type": CHANNEL_TYPE[post.channel.kind],
    }


def mention_event(post: Post) -> Json:
    """`app_mention`: like the message, but without channel_type and subtype."""
    body = message(post)
    body.pop("subtype", None)
    body.pop("parent_user_id", None)
    return body | {"type": "app_mention", "channel": post.channel.id, "event_ts": post.ts}


def changed_event(post: Post, before: Json, after: Json, ts: str) -> Json:
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": after,
        "previous_message": before,
        "channel": post.channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": CHANNEL_TYPE[post.channel.kind],
    }


def deleted_event(post: Post, before: Json, ts: str) -> Json:
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": before,
        "channel": post.channel.id,
        "hidden": True,
        "deleted_ts": post.ts,
        "ts": ts,
        "event_ts": ts,
        "channel_type": CHANNEL_TYPE[post.channel.kind],
    }


def callback(app: App, event: Json, event_id: str, now: int) -> Json:
    """The outer layer of every Events API payload."""
    return {
        "token": app.verification_token,
        "team_id": app.team.id,
        "context_team_id": app.team.id,
        "context_enterprise_id": None,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": now,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": app.team.id,
                "user_id": app.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def pressed(app: App, person: Person, post: Post, action: Json, body: Json, links: Json) -> Json:
    """`block_actions`: somebody pressed a button of a message."""
    container: Json = {
        "type": "message",
        "message_ts": post.ts,
        "channel_id": post.channel.id,
        "is_ephemeral": post.only_for is not None,
    }
    if post.thread_ts:
        container["thread_ts"] = post.thread_ts
    return {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team.id},
        "api_app_id": app.id,
        "token": app.verification_token,
        "container": container,
        "team": {"id": app.team.id, "domain": app.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": post.channel.id, "name": channel_name(post.channel)},
        **({} if post.only_for else {"message": body}),
        "state": {"values": {}},
        "actions": [action],
        **links,
    }


def slash(app: App, person: Person, channel: Channel, command: str, text: str, links: Json) -> Json:
    return {
        "token": app.verification_token,
        "team_id": app.team.id,
        "team_domain": app.team.domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": app.id,
        "is_enterprise_install": "false",
        **links,
    }


def channel_name(channel: Channel) -> str:
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)

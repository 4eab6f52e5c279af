"""Things as Discord writes them: optional keys are left out, never null, where clients trip over null."""

from __future__ import annotations

import time
from dataclasses import dataclass

from adapters.discord.testing.cdn import Cdn
from adapters.discord.testing.clock import timestamp, written
from adapters.discord.testing.permissions import HAS_THREAD, MESSAGE_CONTENT, VIEW_CHANNEL
from adapters.discord.testing.wire import Json
from adapters.discord.testing.world import DEFAULT, App, Attachment, Channel, Guild, Person, Post, Role


@dataclass(slots=True, eq=False)
class Payloads:
    """Writes messages and guilds; attachments get a fresh address each time."""

    cdn: Cdn

    def message(self, post: Post, app: App, intents: int, *, nested: bool = True) -> Json:
        """A message as an app may see it: empty without the message-content intent, unless it concerns the app."""
        body: Json = {
            "id": post.id,
            "type": post.kind,
            "channel_id": post.channel.id,
            "author": user(post.author),
            "timestamp": timestamp(post.id),
            "edited_timestamp": written(post.edited) if post.edited else None,
            "tts": False,
            "pinned": False,
            "flags": post.flags | (HAS_THREAD if post.thread else 0),
            "mention_everyone": post.mention_everyone,
            "mentions": [user(person) for person in post.mentions],
            "mention_roles": [role.id for role in post.mention_roles],
            **self._content(post, app, intents),
        }
        if post.app is not None and post.interaction is not None:
            body |= {"application_id": post.app.id, "webhook_id": post.app.id, "interaction_metadata": post.interaction}
        if post.reactions:
            body["reactions"] = [_reaction(emoji, people, app) for emoji, people in post.reactions.items() if people]
        if post.nonce is not None:
            body["nonce"] = post.nonce
        if post.thread is not None:
            body["thread"] = channel(post.thread, app)
        if post.reply_to:
            body |= self._reference(post, app, intents, nested=nested)
        return body

    def event(self, post: Post, app: App, intents: int) -> Json:
        """A message as an event carries it: with guild and member."""
        body = self.message(post, app, intents)
        if post.channel.guild is not None:
            body |= {"guild_id": post.channel.guild.id, "member": member(post.author, post.channel.guild)}
        return body

    def attachment(self, attachment: Attachment) -> Json:
        url = self.cdn.url(attachment)
        body: Json = {"id": attachment.id, "filename": attachment.name, "size": len(attachment.data)}
        body |= {"url": url, "proxy_url": url, "content_type": attachment.media_type}
        return body | ({"description": attachment.description} if attachment.description else {})

    def _content(self, post: Post, app: App, intents: int) -> Json:
        if not readable(post, app, intents):
            return {"content": "", "embeds": [], "attachments": [], "components": []}
        previews: list[Json] = [{"type": "link", "url": url} for url in post.previews]
        return {
            "content": post.text,
            "embeds": [{"type": "rich", **embed} for embed in post.embeds] + previews,
            "attachments": [self.attachment(attachment) for attachment in post.attachments],
            "components": post.components,
        }

    def _reference(self, post: Post, app: App, intents: int, *, nested: bool) -> Json:
        """A thread's first message refers to its root, which lies in the parent."""
        room = post.channel if post.reply_to in post.channel.posts else post.channel.root
        reference: Json = {"type": 0, "message_id": post.reply_to, "channel_id": room.id}
        if room.guild is not None:
            reference["guild_id"] = room.guild.id
        body: Json = {"message_reference": reference}
        original = room.posts.get(post.reply_to)
        if nested and (original is None or original.deleted):
            body["referenced_message"] = None
        elif nested and original is not None:
            body["referenced_message"] = self.message(original, app, intents, nested=False)
        return body


def readable(post: Post, app: App, intents: int) -> bool:
    """Own, direct and mentioning messages are, without any intent.

    https://docs.discord.com/developers/events/gateway#message-content-intent
    """
    if intents & MESSAGE_CONTENT or post.channel.kind == "dm":
        return True
    return post.app is app or app.bot in post.mentions


def user(person: Person) -> Json:
    body: Json = {"id": person.id, "username": person.name, "discriminator": "0", "global_name": None, "avatar": None}
    return body | {"bot": True} if person.is_bot else body | {"global_name": person.name.capitalize()}


def member(person: Person, guild: Guild, *, whole: bool = False) -> Json:
    """Somebody in a guild; `whole` with the account inside."""
    roles = [person.id] if person.is_bot else [role.id for role in guild.roles.values() if role.name == "people"]
    body: Json = {"roles": roles, "joined_at": timestamp(guild.id), "deaf": False, "mute": False, "flags": 0}
    body |= {"nick": person.nick or None, "avatar": None, "premium_since": None, "pending": False}
    return body | {"user": user(person)} if whole else body


def role(one: Role, apps: dict[str, App]) -> Json:
    granted = apps[one.id].permissions if one.id in apps else one.permissions
    body: Json = {"id": one.id, "name": one.name, "permissions": str(granted), "mentionable": one.mentionable}
    return body | {"color": 0, "hoist": False, "position": 0, "managed": one.id in apps, "flags": 0}


def channel(room: Channel, app: App) -> Json:
    """A channel, thread or direct messages, as that app sees it."""
    body: Json = {"id": room.id, "type": {"text": 0, "dm": 1, "thread": 11}[room.kind], "flags": 0}
    body["last_message_id"] = next(reversed(room.posts), None)
    if room.guild is None:
        return body | {"recipients": [user(room.partner)] if room.partner else []}
    body |= {"guild_id": room.guild.id, "name": room.name, "parent_id": room.parent.id if room.parent else None}
    if room.kind == "thread":
        return body | _thread(room, app)
    return body | {"position": 0, "topic": None, "nsfw": False, "permission_overwrites": _overwrites(room, app)}


def guild(one: Guild, rooms: list[Channel], apps: dict[str, App], app: App) -> Json:
    """The whole guild, as GUILD_CREATE brings it."""
    return {
        "id": one.id,
        "name": one.name,
        "owner_id": one.owner.id,
        "icon": None,
        "unavailable": False,
        "member_count": len(one.people),
        "joined_at": timestamp(app.id),
        "large": False,
        "members": [member(app.bot, one, whole=True)],
        "roles": [role(one, apps) for one in one.roles.values()],
        "channels": [channel(room, app) for room in rooms if room.kind == "text"],
        "threads": [channel(room, app) for room in rooms if room.kind == "thread" and not room.archived],
        "emojis": [],
        "stickers": [],
        "features": [],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "preferred_locale": "en-US",
        "premium_tier": 0,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "afk_timeout": 300,
        "system_channel_flags": 0,
    }


def _thread(room: Channel, app: App) -> Json:
    body: Json = {
        "owner_id": room.owner.id if room.owner else "",
        "message_count": len([post for post in room.living if post.kind != 21]),
        "total_message_sent": len(room.posts),
        "member_count": min(50, len(room.joined)),
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": room.archived,
            "locked": room.locked,
            "auto_archive_duration": room.auto_archive,
            "archive_timestamp": written(time.time()),
            "create_timestamp": timestamp(room.id),
        },
    }
    if app.bot.id in room.joined:
        body["member"] = thread_member(room, app.bot)
    return body


def thread_member(room: Channel, person: Person) -> Json:
    return {"id": room.id, "user_id": person.id, "join_timestamp": timestamp(room.id), "flags": 0}


def _overwrites(room: Channel, app: App) -> list[Json]:
    found: list[Json] = []
    if room.members is not None and room.guild is not None:
        found.append({"id": room.guild.id, "type": 0, "allow": "0", "deny": str(VIEW_CHANNEL)})
    denied = room.denied | (0 if room.sees(app.bot) else VIEW_CHANNEL)
    allowed = VIEW_CHANNEL if room.members is not None and not denied & VIEW_CHANNEL else 0
    if denied or allowed:
        found.append({"id": app.bot.id, "type": 1, "allow": str(allowed), "deny": str(denied)})
    return found


def _reaction(emoji: str, people: list[Person], app: App) -> Json:
    me = app.bot in people
    body: Json = {"count": len(people), "me": me, "me_burst": False, "emoji": {"id": None, "name": emoji}}
    body |= {"count_details": {"burst": 0, "normal": len(people)}, "burst_colors": list[str]()}
    return body


def system(post: Post) -> bool:
    """Whether Discord wrote it, in somebody's name."""
    return post.kind not in (DEFAULT, 19, 20)

"""Turns what Discord delivers into messages: written, edited, deleted ones, slash commands, buttons, menus. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.discord.components import Keys, pressed
from adapters.discord.places import DIRECT, THREADS, Place
from adapters.discord.plain import addresses, plain
from adapters.discord.wire import Author, Content, File, Interaction, Member, Typing, Written, moment
from botkit.model import Attachment, Conversation, Message, User

DIRECT_SPACE = "@me"
"""The space of direct messages, as in Discord's own links."""
WRITTEN = (0, 19)
"""Message types that a person writes: a message and a reply. The others are joins, pins, thread starts and the like."""
FORWARD = 1
COMMAND, COMPONENT = 2, 3
"""Interaction types."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is on Discord: the names it must know itself by."""

    adapter: str
    user: str
    application: str = ""
    role: str = ""
    """The role Discord made for the bot in the server at hand."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.user, self.role)))


def by_person(written: Written, me: Me) -> bool:
    """Whether a person wrote it, as far as botkit cares: no bots, no webhooks, no notices of Discord's."""
    author = written.get("author", Author())
    return (
        written.get("type", 0) in WRITTEN
        and bool(author.get("id") and written.get("id") and written.get("channel_id"))
        and not (author.get("bot") or written.get("webhook_id") or author.get("id") == me.user)
    )


def parse(written: Written, place: Place | None, me: Me) -> Message | None:
    """A message; None for what no person wrote. `place` is its channel, None where that is not known.

    `addressed` is what the message alone can tell; `may_follow_up` names those that a followed thread makes addressed.
    """
    if not by_person(written, me):
        return None
    author, id, text = written.get("author", Author()), written.get("id", ""), written.get("content", "")
    conversation = conversation_of(written, place, me)
    names = _names(written)
    return Message(
        id=id,
        conversation=conversation,
        author=User(author.get("id", ""), _name(author, written.get("member"))),
        text="\n\n".join(filter(None, (plain(text, me=me.ids, names=names), *_forwarded(written)))),
        sent_at=moment(id),
        addressed=conversation.direct or mentions(written, me),
        attachments=_attachments(written),
        context=_quoted(written, me),
    )


def typing(started: Typing, place: Place | None, me: Me) -> tuple[Conversation, User] | None:
    """Where who begins to write; None for bots, and where a message would begin a conversation of its own."""
    who, channel = started.get("user_id", ""), started.get("channel_id", "")
    bot = ((started.get("member") or {}).get("user") or Author()).get("bot")
    if not who or not channel or who == me.user or bot:
        return None
    if not started.get("guild_id"):
        return Conversation(me.adapter, DIRECT_SPACE, channel, direct=True), User(who)
    if place is None or not place.parent:
        return None
    return Conversation(me.adapter, started.get("guild_id") or "", place.parent, channel), User(who)


def edited(message: Message, at: str) -> Message:
    """The message as an edit of itself. Discord repeats an edit when it adds a preview: the same time, the same id."""
    return replace(message, id=f"{message.id}:edited:{at}", kind="edited", reply_to=message.id)


def deleted(message: Message) -> Message:
    """The deletion of a message, which Discord tells without saying whose it was."""
    return replace(
        message, id=f"{message.id}:deleted", kind="deleted", reply_to=message.id, text="", attachments=(), context=""
    )


def conversation_of(written: Written, place: Place | None, me: Me) -> Conversation:
    """A thread; outside of one the thread that the message begins (Discord gives both the same id)."""
    guild, channel = written.get("guild_id"), written.get("channel_id", "")
    if not guild:
        return Conversation(me.adapter, DIRECT_SPACE, channel, direct=True)
    if place is not None and place.parent:
        return Conversation(me.adapter, guild, place.parent, channel)
    return Conversation(me.adapter, guild, channel, written.get("id", ""))


def mentions(written: Written, me: Me) -> bool:
    """Whether the bot itself is mentioned; a reply to it that notifies is a mention too, `@everyone` is none."""
    if any(person.get("id") == me.user for person in written.get("mentions", ())):
        return True
    return bool(me.role) and me.role in written.get("mention_roles", ())


def may_follow_up(written: Written, message: Message, me: Me) -> bool:
    """Whether a message is meant for the bot if it is part of the thread: it neither names nor answers others."""
    if message.addressed or message.kind != "new" or message.conversation.thread in ("", message.id):
        return False
    answered = (written.get("referenced_message") or Written()).get("author", Author()).get("id", "")
    reply = (written.get("message_reference") or {}).get("type", 0) != FORWARD
    if reply and answered not in ("", me.user, message.author.id):
        return False
    return addresses(written.get("content", "")) in ("", *me.ids)


def parse_interaction(interaction: Interaction, me: Me, keys: Keys) -> Message | None:
    """A slash command or a pressed button as a message; None for anything else.

    Its text is '' when the button's command is no longer known.
    """
    id, data = interaction.get("id", ""), interaction.get("data") or {}
    member = interaction.get("member")
    author = (member or {}).get("user") or interaction.get("user") or Author()
    if not id or not author.get("id") or not interaction.get("channel_id"):
        return None
    about = interaction.get("message") or Written()
    thread, text = "", ""
    if interaction.get("type") == COMMAND:
        given = " ".join(str(option.get("value", "")) for option in data.get("options") or ())
        text = f"/{data.get('name', '')} {given}".strip()
    elif interaction.get("type") == COMPONENT:
        thread, text = pressed(data.get("custom_id", ""), data.get("values") or (), keys)
    else:
        return None
    action = interaction.get("type") == COMPONENT
    return Message(
        id=id,
        conversation=_interaction_place(interaction, thread, me),
        author=User(author.get("id", ""), _name(author, member)),
        text=text,
        sent_at=moment(id),
        kind="action" if action else "new",
        reply_to=about.get("id", "") if action else "",
    )


def _interaction_place(interaction: Interaction, thread: str, me: Me) -> Conversation:
    channel, id = interaction.get("channel") or {}, interaction.get("channel_id") or ""
    guild = interaction.get("guild_id")
    if not guild or channel.get("type") in DIRECT:
        return Conversation(me.adapter, DIRECT_SPACE, id, direct=True)
    if channel.get("type") in THREADS and channel.get("parent_id"):
        return Conversation(me.adapter, guild, channel.get("parent_id") or "", id)
    return Conversation(me.adapter, guild, id, thread)


def speaker(written: Written) -> str:
    """The name of whoever wrote it."""
    return _name(written.get("author", Author()), written.get("member")) or "somebody"


def readable(written: Written) -> str:
    """What a message says, for those who were not there."""
    names = [file.get("filename", "") for file in written.get("attachments", ())]
    said = "\n\n".join(filter(None, (plain(written.get("content", ""), names=_names(written)), *_forwarded(written))))
    return " ".join(filter(None, (said, f"[{', '.join(names)}]" if names else "")))


def _names(written: Written) -> dict[str, str]:
    return {person.get("id", ""): _name(person, person.get("member")) for person in written.get("mentions", ())}


def _name(author: Author, member: Member | None) -> str:
    """As people see it: the server's nickname, the display name, the account's name."""
    return (member or {}).get("nick") or author.get("global_name") or author.get("username", "")


def _quoted(written: Written, me: Me) -> str:
    """The message that this one replies to, if it is somebody else's: people point at it and ask."""
    answered = written.get("referenced_message")
    if not answered or answered.get("author", Author()).get("id") in (None, me.user):
        return ""
    text = readable(answered)
    return f"**{speaker(answered)}**: {text}" if text else ""


def _forwarded(written: Written) -> tuple[str, ...]:
    texts = (plain(one.get("message", {}).get("content", "")) for one in written.get("message_snapshots") or ())
    return tuple("\n".join(f"> {line}" for line in text.split("\n")) for text in texts if text)


def _attachments(written: Written) -> tuple[Attachment, ...]:
    """Named by where they stand: their addresses expire after a day, the message always has the present ones."""
    where = f"{written.get('channel_id', '')}/{written.get('id', '')}"
    forwarded = [file for one in written.get("message_snapshots") or () for file in _files(one.get("message", {}))]
    return tuple(
        Attachment(
            id=f"{where}/{file['id']}",
            name=file.get("filename") or file["id"],
            media_type=(file.get("content_type") or "application/octet-stream").partition(";")[0],
            size=file.get("size", 0),
        )
        for file in (*_files(written), *forwarded)
        if "id" in file
    )


def _files(of: Written | Content) -> list[File]:
    return of.get("attachments", [])

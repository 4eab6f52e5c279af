"""Turns what Slack delivers into messages: events, slash commands, button presses, edits, deletions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.slack.plain import addresses, mentions, plain
from adapters.slack.wire import Body, Event, read_body
from botkit.model import Attachment, Conversation, Message, User

WRITTEN = (None, "", "file_share", "thread_broadcast", "me_message")
"""Subtypes of a message that somebody wrote; all others are joins, topics and the like."""
BLOCK = "botkit"
"""Begins the `block_id` of our buttons; the conversation's thread follows, so that a press finds it again."""
COMMAND = "command"
"""Begins the id of a slash command; a written message's begins with its channel."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is on Slack: the names it must know itself by."""

    adapter: str
    team: str
    user: str
    bot: str = ""


def parse(
    body: Mapping[str, object], me: Me, names: Mapping[str, str] | None = None, *, received: float = 0.0
) -> Message | None:
    """The message in a delivery; None for what nobody wrote, what bots wrote and what is not known.

    `addressed` is what the delivery alone can tell; `may_follow_up` names those that a followed thread makes addressed.
    `received` (Unix seconds) dates a slash command, which carries no time of its own.
    """
    read = read_body(body)
    if read is None:
        return None
    if "command" in read:
        message = _command(read, me, received)
    elif read.get("type") == "block_actions":
        message = _press(read, me)
    elif read.get("type") == "event_callback" and "event" in read:
        message = _event(read["event"], me, names or {})
    else:
        message = None
    return replace(message, raw=body) if message else None


def opened(body: Mapping[str, object], me: Me) -> tuple[Conversation, User] | None:
    """Where who opens a chat with the bot, about to write; None for any other delivery."""
    event = (read_body(body) or {}).get("event", Event())
    match event.get("type"):
        case "app_home_opened":
            channel, thread, who = event.get("channel", ""), "", event.get("user") or ""
        case "assistant_thread_started":
            started = event.get("assistant_thread") or {}
            channel, thread, who = (
                started.get("channel_id", ""),
                started.get("thread_ts") or "",
                started.get("user_id", ""),
            )
        case _:
            return None
    return (Conversation(me.adapter, me.team, channel, thread, direct=True), User(who)) if channel and who else None


def may_follow_up(message: Message, me: Me) -> bool:
    """Whether a message is meant for the bot if it is part of the thread: a reply that begins with nobody else."""
    event = _raw_event(message)
    if message.addressed or message.kind != "new" or not event or not _in_thread(event):
        return False
    return addresses(event.get("text") or "") in ("", me.user)


def joins_thread(message: Message) -> bool:
    """Whether the bot is called by this message in the middle of a thread, so that what came before matters."""
    event = _raw_event(message)
    return message.kind == "new" and message.addressed and bool(event) and _in_thread(event)


def people(message: Message) -> tuple[str, ...]:
    """Everybody whose name the message's text and author need."""
    event = _raw_event(message)
    written = event.get("message") or event
    return tuple(dict.fromkeys((message.author.id, *mentions(written.get("text") or ""))))


def timestamp(message: Message) -> str:
    """Slack's `ts` of the written message, '' for what is none."""
    kind, _, ts = message.id.partition(":")
    return ts if message.kind == "new" and kind != COMMAND else ""


def _raw_event(message: Message) -> Event:
    body = read_body(message.raw) if message.raw is not None else None
    return body.get("event", Event()) if body else Event()


def _in_thread(event: Event) -> bool:
    return bool(event.get("thread_ts")) and event.get("thread_ts") != event.get("ts")


def _event(event: Event, me: Me, names: Mapping[str, str]) -> Message | None:
    if event.get("type") not in ("message", "app_mention"):
        return None
    match event.get("subtype"):
        case "message_changed":
            return _changed(event, me, names)
        case "message_deleted":
            return _deleted(event, event.get("deleted_ts", ""), me, names)
        case subtype if subtype in WRITTEN:
            return _written(event, event, me, names)
        case _:
            return None


def _written(event: Event, written: Event, me: Me, names: Mapping[str, str]) -> Message | None:
    """A message: the event itself, or the one inside a `message_changed`."""
    author, channel, ts = written.get("user") or "", event.get("channel", ""), written.get("ts", "")
    if not author or not channel or not ts or written.get("bot_id") or author in (me.user, "USLACKBOT"):
        return None
    conversation = _conversation(event, written, me)
    text = written.get("text") or ""
    return Message(
        id=f"{channel}:{ts}",
        conversation=conversation,
        author=User(author, names.get(author, "")),
        text="\n\n".join(filter(None, (plain(text, me=me.user, names=names), *_shared(written, names)))),
        sent_at=_seconds(ts),
        addressed=conversation.direct or event.get("type") == "app_mention" or me.user in mentions(text),
        attachments=_attachments(written),
    )


def _changed(event: Event, me: Me, names: Mapping[str, str]) -> Message | None:
    now, before = event.get("message") or Event(), event.get("previous_message") or Event()
    if now.get("subtype") == "tombstone":  # a deleted message that has replies stays as one
        return _deleted(event, now.get("ts", ""), me, names)
    edited = now.get("edited") or {}
    at = edited.get("ts", "")
    if not at or now.get("text") == before.get("text"):  # Slack itself changed it: a preview, a reply count
        return None
    message = _written(event, now, me, names)
    if message is None:
        return None
    return replace(message, id=f"{message.id}:edited:{at}", kind="edited", reply_to=message.id, sent_at=_seconds(at))


def _deleted(event: Event, ts: str, me: Me, names: Mapping[str, str]) -> Message | None:
    before = (event.get("previous_message") or Event()).copy()
    before["ts"] = ts
    message = _written(event, before, me, names)
    if message is None:
        return None
    return replace(
        message,
        id=f"{message.id}:deleted",
        kind="deleted",
        reply_to=message.id,
        text="",
        attachments=(),
        sent_at=_seconds(event.get("event_ts", "") or ts),
    )


def _command(body: Body, me: Me, received: float) -> Message | None:
    """`/claude stop` is the command `/stop`; Slack offers no slash commands in threads."""
    channel, user, trigger = body.get("channel_id", ""), body.get("user_id", ""), body.get("trigger_id", "")
    if not channel or not user or not trigger:
        return None
    text = plain(body.get("text") or "").lstrip("/!") or "help"
    return Message(
        id=f"{COMMAND}:{trigger}",
        conversation=Conversation(me.adapter, me.team, channel, direct=channel.startswith("D")),
        author=User(user, body.get("user_name") or ""),
        text=f"/{text}",
        sent_at=received,
    )


def _press(body: Body, me: Me) -> Message | None:
    press = next(iter(body.get("actions") or ()), None)
    where, about, who = body.get("container") or {}, body.get("message") or Event(), body.get("user") or {}
    channel = (body.get("channel") or {}).get("id") or where.get("channel_id") or ""
    ts = where.get("message_ts") or about.get("ts", "")
    user, command = who.get("id", ""), (press or {}).get("value") or ""
    if press is None or not channel or not user or not command:
        return None
    direct = channel.startswith("D")
    kind, _, thread = press.get("block_id", "").partition(":")
    if kind != BLOCK:
        thread = where.get("thread_ts") or about.get("thread_ts") or ("" if direct else ts)
    else:
        thread = thread.partition(":")[0]
    trigger = body.get("trigger_id", "") or f"{channel}.{ts}.{press.get('action_ts', '')}"
    return Message(
        id=f"action:{trigger}",
        conversation=Conversation(me.adapter, me.team, channel, thread, direct=direct),
        author=User(user, who.get("name") or who.get("username") or ""),
        text=command,
        sent_at=_seconds(press.get("action_ts", "")),
        kind="action",
        reply_to=ts,
    )


def _conversation(event: Event, written: Event, me: Me) -> Conversation:
    """A thread of a channel; in a direct message everything outside threads is one conversation."""
    channel = event.get("channel", "")
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    thread = written.get("thread_ts") or ("" if direct else written.get("ts", ""))
    return Conversation(me.adapter, me.team, channel, thread, direct=direct)


def _attachments(written: Event) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            id=file["id"],
            name=file.get("name") or file.get("title") or file["id"],
            media_type=file.get("mimetype") or "application/octet-stream",
            size=file.get("size") or 0,
        )
        for file in written.get("files") or ()
        if "id" in file and file.get("mode") not in ("tombstone", "hidden_by_limit", "external")
    )


def _shared(written: Event, names: Mapping[str, str]) -> tuple[str, ...]:
    """Forwarded messages, quoted under who wrote them."""
    quotes: list[str] = []
    for shared in written.get("attachments") or ():
        text = plain(shared.get("text") or shared.get("fallback") or "", names=names)
        if shared.get("is_share") and text:
            quotes.append("\n".join(f"> {line}" for line in (f"{shared.get('author_name') or ''}:", *text.split("\n"))))
    return tuple(quotes)


def _seconds(ts: str) -> float:
    """Unix seconds of a `ts`; 0.0 where there is none."""
    try:
        return float(ts)
    except ValueError:
        return 0.0

"""Putting an app's message into a channel, or another text into a message: for the REST API and interactions alike."""

from __future__ import annotations

from adapters.discord.testing import permissions as bits
from adapters.discord.testing.drafts import Draft
from adapters.discord.testing.form import Form
from adapters.discord.testing.payloads import system
from adapters.discord.testing.site import Site
from adapters.discord.testing.wire import Json, Refusal
from adapters.discord.testing.world import COMMAND, DEFAULT, REPLY, App, Attachment, Channel, Person, Post

MAY_SEND = bits.SUPPRESS_EMBEDS | bits.SUPPRESS_NOTIFICATIONS | bits.COMPONENTS_V2


def place(
    site: Site,
    app: App,
    room: Channel,
    draft: Draft,
    *,
    only_for: Person | None = None,
    interaction: Json | None = None,
) -> Post:
    """A new message. Raises Refusal if there is nothing in it or nothing to answer."""
    if draft.empty:
        raise Refusal(50006)
    reply_to = _replied(room, draft)
    kind = REPLY if reply_to else COMMAND if interaction and interaction["type"] == 2 else DEFAULT
    post = Post(room, site.clock.snowflake(), app.bot, draft.text, kind, app=app, nonce=draft.nonce)
    post.embeds, post.components, post.flags = draft.embeds, draft.components, draft.flags & MAY_SEND
    post.attachments = _files(site, room, draft)
    post.reply_to, post.only_for, post.interaction = reply_to, only_for, interaction
    if only_for is not None:
        post.flags |= bits.EPHEMERAL
    return site.rooms.add(post, draft.allowed)


def change(site: Site, post: Post, draft: Draft, *, silent: bool = False) -> Post:
    """Another look for a message: only what the request names changes."""
    text = draft.text if "content" in draft.changed else post.text
    embeds = draft.embeds if "embeds" in draft.changed else post.embeds
    components = draft.components if "components" in draft.changed else post.components
    kept = post.attachments
    if "attachments" in draft.changed:
        kept = [attachment for attachment in kept if attachment.id in draft.kept]
    attachments = kept + _files(site, post.channel, draft)
    if not (text or embeds or components or attachments):
        raise Refusal(50006)
    post.text, post.embeds, post.components, post.attachments = text, embeds, components, attachments
    if "flags" in draft.changed:
        post.flags = (post.flags & ~MAY_SEND) | (draft.flags & MAY_SEND)
    post.flags &= ~bits.LOADING
    site.rooms.edit(post, draft.allowed, silent=silent)
    return post


def _replied(room: Channel, draft: Draft) -> str:
    """The id of the message to answer, '' for none or one that need not exist."""
    if not draft.reply_to:
        return ""
    form, at = Form(), ("message_reference",)
    original = room.posts.get(draft.reply_to)
    if draft.reply_channel and draft.reply_channel != room.id:
        form.complain(at, "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel")
    elif original is None or original.deleted or original.ephemeral:
        if not draft.must_exist:
            return ""
        form.complain(at, "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    elif system(original):
        form.complain(at, "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message")
    form.check()
    return draft.reply_to


def _files(site: Site, room: Channel, draft: Draft) -> list[Attachment]:
    return [
        Attachment(site.clock.snowflake(), file.name, file.media_type, file.data, room.id, file.description)
        for file in draft.files
    ]

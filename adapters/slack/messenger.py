"""Posts and edits messages on Slack, with buttons and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from adapters.slack.api import Api, Json, next_cursor
from adapters.slack.blocks import Format, arguments, comment, file_block
from adapters.slack.files import upload
from adapters.slack.format import defused, escape, mrkdwn
from adapters.slack.methods import Method
from adapters.slack.wire import Posted, read_posted
from botkit.errors import NotAllowed, TooLong, Unreachable
from botkit.model import Capabilities, Conversation, MessageRef, Outgoing

NONCE = "botkit_nonce"
"""The `event_type` of the metadata that a message of ours carries."""
RUNNING = "streaming_state_conflict"
"""How chat.update is refused while a message is a native stream."""
CUT = 40_000
"""chat.postMessage cuts what is longer, with no more than a warning."""
PAGE, PAGES = 200, 5
"""How far back `find` looks."""

_CAPABILITIES: dict[Format, Capabilities] = {
    # chat.update refuses texts over 4,000 characters with `msg_too_long`.
    "mrkdwn": Capabilities(max_chars=3900, edit_interval=1.2, command_prefix="!"),
    # A markdown block takes 12,000, but all blocks of a message together break somewhere above that.
    "markdown": Capabilities(max_chars=9000, edit_interval=1.2, command_prefix="!"),
}


class SlackMessenger:
    """Can post and edit in one workspace."""

    def __init__(self, api: Api, style: Format = "mrkdwn") -> None:
        self._api = api
        self._style: Format = style
        # A text is measured before it is sent, and parsing one takes some milliseconds.
        self._rendered = lru_cache(64)(mrkdwn if style == "mrkdwn" else defused)

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES[self._style]

    def render(self, markdown: str) -> str:
        return self._rendered(markdown)

    def size(self, rendered: str) -> int:
        """In UTF-16 units, the largest of the ways in which Slack might count."""
        return len(rendered) if rendered.isascii() else len(rendered.encode("utf-16-le")) // 2

    async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        """Post. With files it is the message that shares them, and the ref names the first file, not the message."""
        if outgoing.files:
            return await self._share(conversation, outgoing)
        answer = await self._api.call(
            "chat.postMessage",
            channel=conversation.channel,
            thread_ts=conversation.thread or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(outgoing.nonce),
            **self._shown(outgoing.text, outgoing, conversation),
        )
        return MessageRef(conversation, message_ts("chat.postMessage", answer))

    async def _share(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
        """Files are uploaded unseen; then one call makes the message that shows them, its text and its nonce."""
        files = [(name, await upload(self._api, path, name)) for path, name in outgoing.named]
        text = mrkdwn(outgoing.text) or ", ".join(escape(name) for name, _ in files)
        await self._api.call(
            "files.completeUploadExternal",
            files=[{"id": id, "title": name} for name, id in files],
            channel_id=conversation.channel,
            thread_ts=conversation.thread or None,
            blocks=comment(text, outgoing.actions, outgoing.nonce, conversation),
        )
        return MessageRef(conversation, files[0][1])

    async def edit(self, ref: MessageRef, outgoing: Outgoing, *, marked: bool = False) -> None:
        """`marked`: give it its nonce again; one that was a stream may have none.

        A stream that runs takes no edit. Only an earlier process can have left it so: it is ended first.
        """
        try:
            await self._update(ref, outgoing, marked=marked)
        except NotAllowed as problem:
            if problem.code != RUNNING:
                raise
            await self.stop(ref)
            await self._update(ref, outgoing, marked=marked)

    async def _update(self, ref: MessageRef, outgoing: Outgoing, *, marked: bool) -> None:
        await self._api.call(
            "chat.update",
            channel=ref.conversation.channel,
            ts=ref.id,
            metadata=_metadata(outgoing.nonce) if marked else None,
            **self._shown(outgoing.text, outgoing, ref.conversation),
        )

    async def stop(self, ref: MessageRef, chunks: Sequence[Json] = (), nonce: str = "") -> None:
        """End a native stream, with what it still lacks and its nonce."""
        await self._api.call(
            "chat.stopStream",
            channel=ref.conversation.channel,
            ts=ref.id,
            chunks=list(chunks) or None,
            metadata=_metadata(nonce),
        )

    async def find(self, conversation: Conversation, nonce: str) -> MessageRef | None:
        return await self.search(conversation, lambda posted: mark(posted) in (nonce, file_block(nonce)))

    async def search(self, conversation: Conversation, wanted: Callable[[Posted], bool]) -> MessageRef | None:
        """The first of the conversation's last messages that is the one."""
        method: Method = "conversations.replies" if conversation.thread else "conversations.history"
        cursor = ""
        for _ in range(PAGES):
            answer = await self._api.call(
                method,
                channel=conversation.channel,
                ts=conversation.thread or None,
                limit=PAGE,
                cursor=cursor or None,
                include_all_metadata=True,
            )
            for posted in read_posted(answer.get("messages")):
                if posted.get("ts") and wanted(posted):
                    return MessageRef(conversation, posted.get("ts", ""))
            cursor = next_cursor(answer)
            if not cursor:
                break
        return None

    def _shown(self, text: str, outgoing: Outgoing, conversation: Conversation) -> Json:
        rendered = self.render(text)
        if self.size(rendered) > CUT:
            raise TooLong(f"Slack would cut a text of more than {CUT} characters", code="msg_too_long")
        return arguments(rendered, outgoing.actions, style=self._style, conversation=conversation)


def _metadata(nonce: str) -> Json | None:
    return {"event_type": NONCE, "event_payload": {"nonce": nonce}} if nonce else None


def mark(posted: Posted) -> str:
    """A message's nonce or, where it shares files, the block that holds it; '' for a message that has none."""
    metadata = posted.get("metadata") or {}
    nonce = metadata.get("event_payload", {}).get("nonce")
    if isinstance(nonce, str) and nonce:
        return nonce
    ids = (block.get("block_id") or "" for block in posted.get("blocks") or ())
    return next((id for id in ids if id.startswith(file_block(""))), "")


def message_ts(method: str, answer: Json) -> str:
    """The message that a call has made; raises Unreachable when Slack does not name it."""
    ts = answer.get("ts")
    if not isinstance(ts, str):
        raise Unreachable(f"{method}: Slack named no message", acted=True)
    return ts

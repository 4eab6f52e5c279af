"""The Web API methods, events and scopes this adapter uses: one table for the calls, the manifest and the doctor."""

from __future__ import annotations

from typing import Literal

Method = Literal[
    "apps.connections.open",
    "assistant.threads.setStatus",
    "auth.test",
    "chat.appendStream",
    "chat.postMessage",
    "chat.startStream",
    "chat.stopStream",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "files.completeUploadExternal",
    "files.getUploadURLExternal",
    "files.info",
    "reactions.add",
    "reactions.remove",
    "users.conversations",
    "users.info",
]

_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

SCOPES: dict[Method, tuple[str, ...]] = {
    "apps.connections.open": (),  # the app-level token's own connections:write
    "assistant.threads.setStatus": ("chat:write",),
    "auth.test": (),
    "chat.appendStream": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.replies": _HISTORY,
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "users.conversations": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "users.info": ("users:read",),
}
"""What each method needs."""

EVENTS: dict[str, tuple[str, ...]] = {
    "app_home_opened": (),  # somebody opens the direct messages and may soon write
    "app_mention": ("app_mentions:read",),
    "assistant_thread_started": ("assistant:write",),  # the same in the split view of Agents & AI Apps
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
}
"""The events subscribed to, and what each needs. A mention arrives in a thread's channel event as well."""

COMMANDS = "commands"
"""The scope of slash commands."""

READS: frozenset[Method] = frozenset(
    {
        "conversations.history",
        "conversations.replies",
        "files.getUploadURLExternal",
        "files.info",
        "users.conversations",
        "users.info",
    }
)
"""Asked with GET: they change nothing that shows, and Slack takes no JSON there."""

OPTIONAL = frozenset({"assistant:write", *SCOPES["users.conversations"]})
"""Without the first no sign comes from the split view; without the others catching up does not find who called the bot
in a channel where it has no thread yet."""

ALL = tuple(sorted({COMMANDS}.union(*SCOPES.values(), *EVENTS.values())))
"""Every scope of the bot token, exactly those used."""

REQUIRED = tuple(scope for scope in ALL if scope not in OPTIONAL)
"""Those without which something people see does not work."""

"""Attachments' addresses: signed, on another host, and good for a day."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from aiohttp import web

from adapters.discord.testing.clock import Clock
from adapters.discord.testing.faults import Faults
from adapters.discord.testing.record import Record
from adapters.discord.testing.troubles import Silence, reset
from adapters.discord.testing.world import Attachment

LIFETIME = 24 * 3600.0
"""Discord's seconds."""


@dataclass(slots=True, eq=False)
class Cdn:
    """Signs addresses and serves what they lead to. https://docs.discord.com/developers/reference#signed-attachment-cdn-urls"""

    origin: str
    clock: Clock
    record: Record
    faults: Faults
    silence: Silence
    files: dict[str, Attachment] = field(default_factory=dict[str, Attachment])
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def url(self, attachment: Attachment) -> str:
        """A fresh address."""
        self.files[attachment.id] = attachment
        now = self.clock.now()
        begins, ends = f"{int(now):x}", f"{int(now + LIFETIME):x}"
        mark = self._mark(attachment.id, ends)
        return f"{self._path(attachment)}?ex={ends}&is={begins}&hm={mark}&"

    def refreshed(self, url: str) -> str:
        """The same file under a fresh address; '' if it is none of ours."""
        parts = urlsplit(url).path.split("/")
        attachment = self.files.get(parts[3]) if len(parts) == 5 and parts[1] == "attachments" else None
        return self.url(attachment) if attachment else ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A file, or 404 for an address that is unsigned, expired or made up."""
        if "Authorization" in request.headers:
            self.record.violation("download", "bot token sent to the CDN")
        attachment = self.files.get(request.match_info["attachment"])
        fault = self.faults.take("download", {"file": attachment.name if attachment else ""})
        self.record.downloads += 1
        self.record.changed()
        if fault is not None:
            match fault.kind:
                case "timeout":
                    return await self.silence.keep()
                case "reset":
                    return reset(request)
                case "5xx":
                    return web.Response(status=fault.status)
                case _:
                    return _gone()
        ends = request.query.get("ex", "")
        if attachment is None or not hmac.compare_digest(self._mark(attachment.id, ends), request.query.get("hm", "")):
            return _gone()
        if int(ends, 16) < self.clock.now():
            return _gone()
        return web.Response(body=attachment.data, content_type=attachment.media_type)

    def _path(self, attachment: Attachment) -> str:
        return f"{self.origin}/attachments/{attachment.channel}/{attachment.id}/{quote(attachment.name, safe='')}"

    def _mark(self, attachment: str, ends: str) -> str:
        return hmac.new(self._secret, f"{attachment}:{ends}".encode(), hashlib.sha256).hexdigest()


def _gone() -> web.Response:
    return web.Response(status=404, text="This content is no longer available.")

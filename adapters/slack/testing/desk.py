"""The other doors: uploads and downloads of files, and the `response_url`s of actions and commands."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
from aiohttp import web

from adapters.slack.testing.faults import Faults
from adapters.slack.testing.methods.chat import stored_blocks
from adapters.slack.testing.record import ApiCall
from adapters.slack.testing.site import LINK_USES, ResponseLink, Site
from adapters.slack.testing.text import posted
from adapters.slack.testing.web import Front, reset
from adapters.slack.testing.wire import Json, Refusal, decode, is_mapping, mappings, string
from adapters.slack.testing.world import Post, SharedFile

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to your workspace</body></html>"


@dataclass(slots=True, eq=False)
class Desk:
    """Serves what lies outside `/api/`."""

    site: Site
    faults: Faults
    front: Front

    async def upload(self, request: web.Request) -> web.Response:
        """Step two of sending a file: the raw bytes, or a form with one file in it."""
        upload = self.site.uploads.get(request.match_info["file"])
        if upload is None:
            return web.Response(status=404, text="unknown upload")
        if request.content_type == "multipart/form-data":
            form = await request.post()
            part = next((value for value in form.values() if isinstance(value, web.FileField)), None)
            data = part.file.read() if part is not None else b""
        else:
            data = await request.read()
        if len(data) != upload.length:
            self.site.record.violation("upload", f"{len(data)} bytes came, {upload.length} were announced")
            return web.Response(status=400, text="length mismatch")
        upload.data = data
        return web.Response(text=f"OK - {len(data)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A private file, or a login page with status 200 for whoever may not have it."""
        file = self.site.directory.files.get(request.match_info["file"].rpartition("-")[2])
        fault = self.faults.take("download", {"file": file.name if file else ""})
        if fault is not None:
            match fault.kind:
                case "login":
                    return login()
                case "redirect":
                    raise web.HTTPFound(f"{self.site.elsewhere}/elsewhere/{request.match_info['file']}/stolen")
                case "timeout":
                    return await self.front.silence()
                case "reset":
                    return reset(request)
                case _:
                    return web.Response(status=fault.status)
        if file is None or file.external:
            return web.Response(status=404)
        if not self._may_read(request, file):
            return login()
        return web.Response(body=file.data, content_type=file.media_type)

    async def elsewhere(self, request: web.Request) -> web.Response:
        """Another host. A token that arrives here has been given away."""
        if "Authorization" in request.headers:
            self.site.record.violation("download", "bearer token sent to another host")
        file = self.site.directory.files.get(request.match_info["file"].rpartition("-")[2])
        return web.Response(body=file.data if file else b"", content_type="application/octet-stream")

    async def respond(self, request: web.Request) -> web.Response:
        """A `response_url`."""
        link = self.site.links.get(request.match_info["mark"])
        if link is None or link.expires < self.site.clock.now():
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if link.uses >= LINK_USES:
            self.site.record.violation("response_url", f"used more than {LINK_USES} times")
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        link.uses += 1
        try:
            body = decode(await request.read())
        except msgspec.DecodeError:
            body = None
        if not is_mapping(body):
            return web.Response(status=400, text="invalid_payload")
        try:
            self.show(link, body)
        except Refusal as refusal:
            return web.Response(status=400, text=refusal.error)
        self.site.record.calls.append(
            ApiCall("response_url", link.app.id, body, time.monotonic(), time.monotonic(), 200)
        )
        self.site.record.changed()
        return web.Response(text="ok")

    def show(self, link: ResponseLink, body: Json) -> None:
        """Do what an answer to an action or command says."""
        original = link.post
        if body.get("delete_original") is True and original is not None:
            self.site.rooms.remove(original)
            return
        blocks = stored_blocks(mappings(body.get("blocks")))
        text = posted(string(body.get("text")))
        if not text and not blocks:
            raise Refusal("no_text")
        if body.get("replace_original") is True and original is not None:
            self.site.rooms.edit(original, text, blocks, marked=not blocks)
            return
        private = body.get("response_type", "ephemeral") != "in_channel"
        post = Post(link.channel, self.site.clock.ts(), link.app.bot, text, blocks, app=link.app)
        post.thread_ts = string(body.get("thread_ts"))
        post.only_for = link.person if private else None
        self.site.rooms.add(post)

    def _may_read(self, request: web.Request, file: SharedFile) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            self.site.record.violation("download", "no bearer token")
            return False
        app = self.site.directory.by_token(token)
        if app is None or token != app.bot_token or "files:read" not in app.scopes or app.revoked:
            return False
        rooms = [self.site.directory.channels[channel] for channel in file.channels]
        return file.owner is app.bot or any(app.bot.id in room.members for room in rooms)


def login() -> web.Response:
    return web.Response(text=LOGIN_PAGE, content_type="text/html")

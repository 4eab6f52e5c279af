"""Feishu, joined to a bot: receives, replies, fetches files, and says whether the account works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from adapters.feishu import FeishuSettings, files
from adapters.feishu.api import Api
from adapters.feishu.catchup import FeishuPast
from adapters.feishu.connection import long_connection
from adapters.feishu.console import PATH
from adapters.feishu.history import History
from adapters.feishu.intake import Intake
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.pace import pacer
from adapters.feishu.parse import Me
from adapters.feishu.people import People
from adapters.feishu.reading import Reader
from adapters.feishu.scopes import Need, missing
from adapters.feishu.status import Working
from adapters.feishu.webhook import webhook
from adapters.feishu.wire import BotInfo, Scope, read, read_all
from botkit.catchup import Bounds, CatchUp, catching_up
from botkit.display import Display
from botkit.errors import AdapterError, NotAllowed
from botkit.model import Attachment, Message, ReplyState
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.reply import EditReply
from botkit.signs import Signs

log = structlog.get_logger("botkit.feishu")

ENABLED = 2
GRANTED = 1
NO_BOT = (
    "the app has no bot, or is not published: Developer Console -> Add Features -> Bot, then Version Management & "
    "Release -> Create a version, and let an administrator approve it"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who Feishu says we are."""

    me: Me
    name: str
    active: bool


class FeishuAdapter:
    """One self-built app in one tenant."""

    def __init__(self, name: str, settings: FeishuSettings) -> None:
        self.name = name
        self._settings = settings
        self._api = Api(settings.app_id, settings.app_secret.get_secret_value(), settings.base_url)
        self.messenger = FeishuMessenger(
            self._api, streaming=settings.stream == "auto", stop_button=settings.stop_button
        )
        self._working, self._signs = Working(self._api, settings.working), Signs()
        self._pacer = pacer()

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        """See `Adapter.connect`."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._api.connected())
            await stack.enter_async_context(self._signs.open())
            account = await self._account()
            people = People(self._api)
            history = History(Reader(self._api), people, account.me.open_id, account.me.app_id)
            settings = self._settings
            intake = Intake(
                hub,
                account.me,
                people,
                history,
                context=settings.thread_context,
                known=self.messenger.known,
                recalled=self.messenger.recalled,
            )
            past = FeishuPast(self.name, intake, history, most=settings.catch_up)
            bounds = Bounds(settings.catch_up, settings.catch_up_age, settings.catch_up_groups)
            catch_up = CatchUp(self.name, hub, past, bounds)
            missed = asyncio.Event()
            await stack.enter_async_context(catching_up(catch_up, missed, "feishu-catch-up"))
            await stack.enter_async_context(self._receiving(hub, intake, missed))
            stack.callback(setattr, intake, "closed", True)
            log.info("feishu_connected", adapter=self.name, bot=account.name, transport=settings.transport)
            missed.set()
            yield

    def reply_to(
        self,
        message: Message,
        *,
        nonce: str,
        display: Display | None = None,
        resume: ReplyState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Reply:
        reply = EditReply(
            self.messenger,
            message.conversation,
            nonce=nonce,
            pacer=self._pacer,
            display=display,
            resume=resume,
            checkpoint=checkpoint,
        )
        sign = self._working.of(message.id) if message.kind == "new" else None
        return reply if sign is None else self._signs.on(reply, sign)

    async def download(self, attachment: Attachment, into: Path) -> Path:
        return await files.download(self._api, attachment, into)

    async def check(self) -> str:
        """See `Doctor.check`. A missing scope is an error here: something will not work."""
        account = await self._account()
        lacking = await self._lacking()
        if lacking:
            named = ", ".join(f"{need.scope} ({need.purpose})" for need in lacking)
            raise NotAllowed(
                f"{account.name} lacks the scopes {named}: add them in Developer Console -> Permissions & Scopes, "
                "then publish a version",
                code="99991672",
            )
        if self._settings.transport == "long_connection":
            await self._api.endpoint()
        return f"{account.name} ({account.me.open_id}) at {self._settings.base_url}"

    async def _account(self) -> Account:
        """Raises NotAllowed for an app that is no working bot."""
        found = await self._api.call("GET", "/open-apis/bot/v3/info")
        bot = read(found.get("bot"), BotInfo) or BotInfo()
        me = Me(self.name, bot.get("open_id", ""), self._settings.app_id)
        account = Account(me, bot.get("app_name", ""), bot.get("activate_status", ENABLED) == ENABLED)
        if not me.open_id or not account.active:
            raise NotAllowed(f"{account.name or self._settings.app_id}: {NO_BOT}", code="11205")
        return account

    async def _lacking(self) -> tuple[Need, ...]:
        """The scopes that are needed and not granted; () where Feishu does not say."""
        try:
            found = await self._api.call("GET", "/open-apis/application/v6/scopes")
        except AdapterError as problem:
            log.info("scopes_unknown", problem=str(problem))
            return ()
        scopes = read_all(found.get("scopes"), Scope)
        return missing({one.get("scope_name", "") for one in scopes if one.get("grant_status") == GRANTED})

    @asynccontextmanager
    async def _receiving(self, hub: Hub, intake: Intake, missed: asyncio.Event) -> AsyncGenerator[None]:
        settings = self._settings
        if settings.transport == "long_connection":
            async with long_connection(self._api, intake.receive, missed.set):
                yield
            return
        key, token = settings.encrypt_key.get_secret_value(), settings.verification_token.get_secret_value()
        hub.mount(PATH, webhook(intake.receive, key=key, token=token))
        yield

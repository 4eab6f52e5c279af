"""Discord, joined to a bot: receives, replies, fetches files, and says whether the account works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from adapters.discord import DiscordSettings, files
from adapters.discord.api import Api
from adapters.discord.catchup import CHANNELS, DiscordPast
from adapters.discord.commands import sync
from adapters.discord.components import Keys
from adapters.discord.gateway import gateway
from adapters.discord.history import History
from adapters.discord.intake import Intake
from adapters.discord.interactions import AnsweringMessenger, Interactions
from adapters.discord.invite import link
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.pace import ReplyPacing
from adapters.discord.parse import Me
from adapters.discord.places import Places
from adapters.discord.status import Typing
from adapters.discord.threads import Threads
from adapters.discord.wire import Application, Author, Json, read
from botkit.catchup import AGAIN_AFTER, Bounds, CatchUp, catching_up
from botkit.display import Display
from botkit.errors import NotAllowed
from botkit.model import Attachment, Message, ReplyState
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.reply import EditReply
from botkit.signs import Signs

log = structlog.get_logger("botkit.discord")

FINISH_WITHIN = 5.0
"""Seconds for messages that just arrived to be handed in when leaving."""
MESSAGE_CONTENT = 1 << 18, 1 << 19
"""Application flags: the intent is granted, or switched on in the portal (for fewer than 10,000 users)."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who Discord says we are."""

    me: Me
    name: str
    flags: int | None
    servers: int | None


class DiscordAdapter:
    """One bot, in every server it was invited to."""

    def __init__(self, name: str, settings: DiscordSettings) -> None:
        self.name = name
        self._settings = settings
        self._api = Api(settings.bot_token.get_secret_value(), settings.api_url)
        self._places, self._keys = Places(), Keys()
        self._threads = Threads(self._api, self._places)
        prefix = "/" if settings.slash_commands else "!"
        self.messenger = DiscordMessenger(self._api, self._threads, self._keys, prefix=prefix)
        self._interactions = Interactions(self._api)
        self._signs = Signs()
        self._paced = self.messenger.paced()
        self._pacing = ReplyPacing(self._api.gate, self.messenger.route)

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        """See `Adapter.connect`."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._api.connected())
            await stack.enter_async_context(self._signs.open())
            account = await self._account()
            missed = asyncio.Event()
            history, intake = self._receiver(hub, account.me, missed)
            settings = self._settings
            past = DiscordPast(self.name, intake, history, self._places, most=settings.catch_up)
            catch_up = CatchUp(self.name, hub, past, Bounds(settings.catch_up, settings.catch_up_age, CHANNELS))
            await stack.enter_async_context(catching_up(catch_up, missed, "discord-catch-up"))
            stack.push_async_callback(intake.finish, FINISH_WITHIN)

            def receive(event: str, data: Json) -> None:
                intake.receive(event, data)
                if event == "READY":  # a new session: what was said since the last one was lost
                    missed.set()

            await stack.enter_async_context(
                gateway(settings.bot_token.get_secret_value(), settings.gateway_url, receive)
            )
            stack.callback(intake.closed.set)
            if settings.slash_commands:
                await sync(self._api, account.me.application, hub.commands)
            log.info("discord_connected", adapter=self.name, user=account.name, servers=account.servers)
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
        ticket = self._interactions.ticket(message.id)
        reply = EditReply(
            self._paced if ticket is None else AnsweringMessenger(self._paced, ticket),
            message.conversation,
            nonce=nonce,
            pacer=self._pacing,
            display=display,
            resume=resume,
            checkpoint=checkpoint,
        )
        quiet = not self._settings.typing or ticket is not None or message.kind != "new"
        return reply if quiet else self._signs.on(reply, Typing(self._api, self._threads, message.conversation))

    async def download(self, attachment: Attachment, into: Path) -> Path:
        return await files.download(self._api, self._settings.api_url, attachment, into)

    async def check(self) -> str:
        """See `Doctor.check`. A missing intent is an error here: nothing would be understood."""
        account = await self._account()
        if account.flags is not None and not any(account.flags & flag for flag in MESSAGE_CONTENT):
            raise NotAllowed(
                f"{account.name} lacks the Message Content Intent: "
                "switch it on at Developer Portal -> Bot -> Privileged Gateway Intents",
                code="4014",
            )
        servers = "" if account.servers is None else f", in {account.servers} servers"
        return f"{account.name} ({account.me.user}){servers}; invite it with {link(account.me.application)}"

    async def _account(self) -> Account:
        user = read(await self._api.call("GET", "/users/@me"), Author) or Author()
        application = read(await self._api.call("GET", "/applications/@me"), Application) or Application()
        me = Me(self.name, user.get("id", ""), application.get("id", ""))
        name = user.get("username", "")
        return Account(me, name, application.get("flags"), application.get("approximate_guild_count"))

    def _receiver(self, hub: Hub, me: Me, missed: asyncio.Event) -> tuple[History, Intake]:
        def lost() -> None:
            asyncio.get_running_loop().call_later(AGAIN_AFTER, missed.set)

        history = History(self._api)
        intake = Intake(
            hub,
            me,
            api=self._api,
            places=self._places,
            threads=self._threads,
            messenger=self.messenger,
            interactions=self._interactions,
            history=history,
            context=self._settings.thread_context,
            lost=lost,
        )
        return history, intake

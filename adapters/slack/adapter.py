"""Slack, joined to a bot: receives, replies, fetches files, and says whether the account works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from adapters.slack import SlackSettings, files
from adapters.slack.api import Api
from adapters.slack.catchup import SlackPast
from adapters.slack.events_api import events_api
from adapters.slack.history import History
from adapters.slack.intake import Intake
from adapters.slack.manifest import PATH
from adapters.slack.messenger import SlackMessenger
from adapters.slack.methods import REQUIRED
from adapters.slack.parse import Me, timestamp
from adapters.slack.people import People
from adapters.slack.sdk import logger
from adapters.slack.socket_mode import socket_mode
from adapters.slack.status import Status
from adapters.slack.streams import Reader, Refusals, StreamMessenger, StreamPacing
from botkit.budget import Rate
from botkit.catchup import Bounds, CatchUp, catching_up
from botkit.display import Display
from botkit.errors import NotAllowed, StoreError
from botkit.model import Attachment, Message, ReplyState
from botkit.pacing import Act, Pacer
from botkit.protocols import Checkpoint, Hub, Reply
from botkit.reply import EditReply
from botkit.signs import Signs

log = structlog.get_logger("botkit.slack")


@dataclass(frozen=True, slots=True)
class Account:
    """Who auth.test says we are."""

    me: Me
    name: str
    team: str
    scopes: frozenset[str] | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Scopes that botkit needs and the token lacks; () where Slack does not say."""
        return () if self.scopes is None else tuple(scope for scope in REQUIRED if scope not in self.scopes)


class SlackAdapter:
    """One Slack app in one workspace."""

    def __init__(self, name: str, settings: SlackSettings) -> None:
        self.name = name
        self._settings = settings
        self._api = Api(settings.bot_token.get_secret_value(), settings.api_url)
        self.messenger = SlackMessenger(self._api, settings.format)
        self._markdown = SlackMessenger(self._api, "markdown")  # what streams are made of
        self._refusals, self._bot = Refusals(time.monotonic), ""
        self._status, self._signs = Status(self._api, settings.status), Signs()
        self._pacer = _pacer(settings.edits_per_minute)

    @asynccontextmanager
    async def connect(self, hub: Hub) -> AsyncGenerator[None]:
        """See `Adapter.connect`."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._api.connected())
            await stack.enter_async_context(self._signs.open())
            account = await self._account()
            self._bot = account.me.bot
            if account.missing:
                log.warning("scopes_missing", adapter=self.name, scopes=account.missing)
            people = People(self._api)
            history = History(self._api, people)
            intake = Intake(hub, account.me, people, history, context=self._settings.thread_context)
            settings = self._settings
            past = SlackPast(self.name, intake, history, most=settings.catch_up)
            bounds = Bounds(settings.catch_up, settings.catch_up_age, settings.catch_up_channels)
            catch_up = CatchUp(self.name, hub, past, bounds)
            missed = asyncio.Event()
            await stack.enter_async_context(catching_up(catch_up, missed, "slack-catch-up"))
            await stack.enter_async_context(self._receiving(hub, intake, account, missed))
            stack.callback(setattr, intake, "closed", True)
            log.info("slack_connected", adapter=self.name, team=account.team, user=account.name)
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
        messenger, patient = self._streaming(message, resume), self._settings.stream == "native"
        reply = EditReply(
            messenger or self.messenger,
            message.conversation,
            nonce=nonce,
            pacer=StreamPacing(self._pacer, messenger, patient=patient) if messenger else self._pacer,
            display=(display or Display()).at("quiet") if self._settings.stream == "final" else display,
            resume=resume,
            checkpoint=checkpoint,
        )
        sign = self._status.of(message)
        return reply if sign is None else self._signs.on(reply, sign)

    def _streaming(self, message: Message, resume: ReplyState | None) -> StreamMessenger | None:
        """What streams the reply natively; None where that cannot be or is not wanted. Slack streams only into threads.

        In a channel only one person would see the answer grow, so there it is edited, unless the config says otherwise.
        """
        where, wanted = message.conversation, self._settings.stream
        if wanted not in ("auto", "native") or not where.thread or self._refusals.hold:
            return None
        if wanted == "auto" and not where.direct:
            return None
        known = [ref.id for ref in resume.refs] if resume else []
        since = timestamp(message) or f"{message.sent_at:.6f}"
        reader = Reader(message.author.id, where.space, self._bot, since, known)
        return StreamMessenger(self._api, self._markdown, self._refusals, reader, self._settings.stream_seconds)

    async def download(self, attachment: Attachment, into: Path) -> Path:
        return await files.download(self._api, attachment, into)

    async def check(self) -> str:
        """See `Doctor.check`. Missing scopes are an error here: something will not work."""
        account = await self._account()
        if account.missing:
            raise NotAllowed(
                f"{account.name} in {account.team} lacks the scopes {', '.join(account.missing)}: "
                "add them to the app and reinstall it",
                code="missing_scope",
            )
        if self._settings.app_token.get_secret_value():
            await self._app_api().call("apps.connections.open")
        return f"{account.name} in {account.team} ({account.me.team})"

    async def _account(self) -> Account:
        said, scopes = await self._api.whoami()
        me = Me(self.name, str(said.get("team_id", "")), str(said.get("user_id", "")), str(said.get("bot_id") or ""))
        return Account(me, str(said.get("user", "")), str(said.get("team", "")), scopes)

    def _app_api(self) -> Api:
        return Api(self._settings.app_token.get_secret_value(), self._settings.api_url)

    @asynccontextmanager
    async def _receiving(
        self, hub: Hub, intake: Intake, account: Account, missed: asyncio.Event
    ) -> AsyncGenerator[None]:
        app = _bolt(intake, account, self._api)
        if self._settings.app_token.get_secret_value():
            async with socket_mode(self._app_api(), app, missed.set):
                yield
        else:
            hub.mount(PATH, events_api(app, self._settings.signing_secret.get_secret_value()))
            yield


def _pacer(edits: int) -> Pacer:
    """chat.update is limited for the whole workspace, chat.postMessage to one a second in each channel.

    Of streams 20 a minute can be begun, as many ended, and 100 times something added.
    """
    rates: dict[Act, Rate] = {
        "edit": Rate(edits, burst=8, reserve=4),
        "post": Rate(240, burst=20, reserve=5),
        "start": Rate(17, burst=4, reserve=1),
        "grow": Rate(90, burst=15, reserve=4),
        "end": Rate(17, burst=4, reserve=1),
    }
    return Pacer(rates, {"post": Rate(60, burst=4)})


def _bolt(intake: Intake, account: Account, api: Api) -> AsyncApp:
    """A Bolt app whose one middleware takes everything in.

    Bolt acknowledges before it runs a listener, so there are none: the middleware answers when the hub has the
    message. It answers for what it does not know as well, or Slack would deliver that again and again.
    """
    me = account.me
    identity = AuthorizeResult(
        enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=api.token
    )

    async def authorize() -> AuthorizeResult:
        return identity

    app = AsyncApp(
        name="botkit.slack.bolt",  # Bolt sets the level of the logger of this name
        logger=logger("bolt"),
        authorize=authorize,
        request_verification_enabled=False,  # done on the raw body, before Bolt parses it: events_api.py
        attaching_function_token_enabled=False,
        signing_secret="",
    )

    async def receive(body: dict[str, Any]) -> BoltResponse:
        return await _answer(intake, body)

    app.middleware(receive)  # pyright: ignore[reportUnknownMemberType]  # Bolt leaves its arguments open
    return app


async def _answer(intake: Intake, body: Mapping[str, object]) -> BoltResponse:
    try:
        await intake.take(body)
    except StoreError as problem:
        log.warning("not_acknowledged", problem=str(problem))
        return BoltResponse(status=503, body="")
    return BoltResponse(status=200, body="")

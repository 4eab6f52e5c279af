"""What a handler is given: the message, who sent it, and ways to answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from botkit import texts
from botkit.censor import Censor
from botkit.display import Display
from botkit.errors import Refused
from botkit.events import FileOffered, Notice, Outcome, TurnEvent, TurnFailed, TurnFinished
from botkit.model import Entry, Message, Role, Session, Upload
from botkit.protocols import Adapter, Reply

if TYPE_CHECKING:
    from botkit.asides import Standing
    from botkit.bot import Bot
    from botkit.record import Record
    from botkit.routing import Route
    from botkit.turnlog import TurnLog

SAID = 500
"""Characters told of an answer that is not in the form it was asked for."""


class Context:
    """One message on its way through the onion. `push` shows events; the reply is opened at the first one."""

    def __init__(
        self,
        bot: Bot,
        adapter: Adapter,
        route: Route,
        role: Role,
        record: Record,
        *,
        session: Session | None = None,
        refusal: Refused | None = None,
        recovered: bool = False,
    ) -> None:
        self.bot = bot
        self.adapter = adapter
        self.message: Message = record.entry.message
        self.route = route
        self.role: Role = role
        self.record = record
        self.session = session
        """The conversation's session as the store knew it at admission; `middleware.session` makes sure of it."""
        self.fresh = False
        """The session was made for this message and Claude does not know it yet."""
        self.refusal = refusal
        """Why policy turns the message down; `middleware.refusals` says it."""
        self.recovered = recovered
        """An earlier process accepted the message and did not finish it."""
        self.waited = False
        """It waited in its lane, so what admission read may be old."""
        self.stopping = asyncio.Event()
        """Somebody stopped it before it was given to Claude: it must not begin any more."""
        self.stopped_why = ""
        """Why it is being stopped, if that is to be told."""
        self.begun = False
        """It was given to Claude, whose runner can stop it."""
        self.uploads: tuple[Upload, ...] = ()
        self.outcome: Outcome | None = None
        self.log: TurnLog | None = None
        """The turn's numbered events, once it runs."""
        self._interrupted = recovered and record.entry.attempts > 0
        self._censor = Censor(bot.redactor)
        self._files = {file.id: file for file in record.entry.reply.files}
        self._reply: Reply | None = None
        self._closed = False
        self._delivered = False
        self._alone = False
        self._edited_late = False
        self._notice: Standing | None = None
        """What it is answered with is said to others as well."""

    @property
    def turn(self) -> str:
        """The turn's id, also in the logs."""
        return self.record.entry.id

    @property
    def entry(self) -> Entry:
        return self.record.entry

    @property
    def conversation_key(self) -> str:
        """The conversation's key as the store knows it, with the bot's name before it."""
        return f"{self.bot.name}/{self.message.conversation.key}"

    @property
    def display(self) -> Display:
        """How much of the turn is shown: what the conversation chose, or else what the bot shows everywhere."""
        usual = self.bot.settings.display
        return usual if self.session is None else usual.at(self.session.display)

    @property
    def prefix(self) -> str:
        """What a typed command starts with here: `/`, or `!`."""
        return self.adapter.messenger.capabilities.command_prefix

    async def push(self, event: TurnEvent) -> None:
        """Show an event. After the outcome nothing more is shown."""
        if self._closed or self.outcome is not None:
            return
        for each in self._censor.clean(event):
            await self._show(each)

    async def _show(self, event: TurnEvent) -> None:
        if isinstance(event, FileOffered):
            await self.record.offers(event)
            self._files[event.id] = event
        elif isinstance(event, TurnFinished | TurnFailed):
            event = self._ended(event)
        if self.log is not None:
            self.log.append(event)
        if self._reply is None:
            reply = self.adapter.reply_to(
                self.message,
                nonce=self.turn,
                display=self.display,
                resume=replace(self.entry.reply, interrupted=self._interrupted) if self.recovered else None,
                checkpoint=self.record,
            )
            self._reply = await reply.__aenter__()
        if isinstance(event, TurnFinished | TurnFailed):
            self.outcome = event
        self._reply.push(event)

    def _ended(self, outcome: Outcome) -> Outcome:
        """The outcome, with what is known here besides."""
        if isinstance(outcome, TurnFailed):
            why = self.stopped_why if outcome.reason == "stopped" else ""
            return replace(outcome, detail=why) if why else outcome
        if self.message.overrides.schema and not outcome.refused and not _is_object(outcome.text):
            said = f"the answer does not follow the JSON schema: {outcome.text[:SAID]}"
            return TurnFailed("schema", said, usage=outcome.usage, session=outcome.session)
        return replace(outcome, files=tuple(self._files.values())) if self._files else outcome

    async def say(self, text: str) -> None:
        """Answer with a text, Markdown; this ends the message's turn."""
        await self.push(TurnFinished(text=text))

    async def alone(self) -> None:
        """Wait until no other suspect of a crash is being tried; the next one may when this message is answered."""
        await self.bot.suspects.acquire()
        self._alone = True

    async def refuse(self, refusal: Refused) -> None:
        """Tell the sender that policy turns the message down; this ends its turn."""
        if self._closed or self.outcome is not None:
            return
        passes, aside = refusal.retry_after, False
        if passes > 0 and self.adapter.messenger.capabilities.edits:
            # One that passes is said once to all it concerns; every other one answers what its sender has just done.
            whose = "" if refusal.code == "queue_full" else self.message.author.id
            standing = self.bot.lanes.asides.count(self, self.conversation_key, refusal.code, whose, holds=passes)
            await standing.lock.acquire()  # the first's notice is there, or was given up
            if standing.first is self:
                self._notice = standing
            else:
                try:
                    aside = standing.told == standing.count or await self._tell(standing, refusal.text)
                finally:
                    standing.lock.release()
        await self.push(TurnFinished(refusal.text, refused=refusal.code, retry_after=passes, aside=aside))

    async def _tell(self, standing: Standing, text: str) -> bool:
        """Edit the notice, so that it says of how many messages it is; False where it cannot be."""
        first, count = standing.first, standing.count
        if first._reply is None or not first._delivered:
            return False
        reply = self.adapter.reply_to(first.message, nonce=first.turn, display=first.display, resume=first._reply.state)
        async with reply:
            reply.push(TurnFinished(texts.not_taken(text, count)))
        if reply.delivered:
            standing.told = count
        return reply.delivered

    async def revise(self, text: str) -> None:
        """The sender edited the message: until its turn has begun that counts, after that the answer says that it was
        not used."""
        if text == self.message.text:
            return
        if not self.begun:
            self.message = replace(self.message, text=text)
            self.record.revise(self.message)
        elif not self._edited_late:
            self._edited_late = True
            await self.push(Notice(texts.EDITED_LATE))

    async def close(self, cut: BaseException | None = None) -> bool:
        """Deliver what is left to show. True when nothing more has to be shown, now or after a restart.

        `cut`: what ended the turn from outside, so that there is little time.
        """
        if self._closed:
            return self._delivered
        self._closed = True
        try:
            if self._reply is None:
                self._delivered = True
            else:
                await self._reply.__aexit__(cut and type(cut), cut, None)
                self._delivered = self._reply.delivered and self.outcome is not None
        finally:
            if self._alone:
                self.bot.suspects.release()
            if self._notice is not None:
                self._notice.lock.release()
        return self._delivered


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False

"""Gives what people write to Claude and shows the answer."""

from __future__ import annotations

from botkit import texts, turns
from botkit.context import Context
from botkit.events import TurnFailed
from botkit.routing import Route


async def chat(ctx: Context) -> None:
    if not ctx.message.text.strip() and not ctx.uploads and not ctx.message.attachments:
        await ctx.say(texts.NOTHING_SAID)
        return
    await turns.run(ctx, prompt_of)


def prompt_of(ctx: Context) -> str:
    """What Claude reads: who writes where several can, what was said before, the text, the files.

    A text that begins with `/` stands alone, so that a bot which allows the CLI's own commands can pass it on.
    """
    message = ctx.message
    text = message.text.strip()
    if text.startswith("/") and not message.verbatim:
        return text
    parts: list[str] = []
    if message.context:
        parts.append(texts.earlier_in_thread(message.context))
    if not message.conversation.direct:
        text = texts.written_by(message.author.name or message.author.id, text)
    parts.append(text)
    return "\n\n".join(part for part in parts if part)


async def revise(ctx: Context) -> None:
    """The sender edited or deleted a message: what waits is changed; what runs is stopped by a deletion, and an edit
    that comes too late is said in the answer."""
    lanes, where, about = ctx.bot.lanes, ctx.message.conversation, ctx.message.reply_to
    running = lanes.find(where.key, about)
    if running is None:
        return
    if ctx.message.kind == "edited":
        await running.revise(ctx.message.text)
    elif not await lanes.withdraw(where.key, about, texts.WITHDRAWN):
        await running.push(TurnFailed("stopped", texts.WITHDRAWN))
        running.stopping.set()
        if running.begun and running.session is not None:
            # Not by `bot.stop`: that asks whether the turn has an outcome, and it has just been given one.
            await ctx.bot.runner.stop(running.session.id)


routes = (
    Route(chat, kinds=("new",)),
    Route(revise, kinds=("edited", "deleted"), urgent=True, limited=False, unaddressed=True),
)

"""What a platform does wrong, said once for all of them; and what each of them allows to see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from adapters.discord.testing import Post as DiscordPost
from adapters.discord.testing.text import Allowed
from adapters.slack.testing import Post as SlackPost
from tests.journeys.place import Place, Thread
from tests.journeys.places.discord import DiscordPlace, DiscordThread
from tests.journeys.places.feishu import FeishuPlace
from tests.journeys.places.slack import SlackPlace, SlackThread

Act = Literal["post", "edit"]
Ambiguity = Literal["5xx", "reset", "malformed", "act_then_5xx", "act_then_reset", "act_then_timeout"]

_CALLS: Mapping[str, Mapping[Act, str]] = {
    "slack": {"post": "chat.postMessage", "edit": "chat.update"},
    "discord": {"post": "create_message", "edit": "edit_message"},
}


def final(arguments: Mapping[str, object]) -> bool:
    """Whether a call carries the end of an answer."""
    return "$" in str(arguments.get("text") or arguments.get("content"))


def too_many(place: Place, act: Act, *, times: int = 1, retry_after: int | None, only_final: bool = False) -> None:
    """429 for the next calls; `retry_after` in seconds, None: not said how long. Discord always says; there it is all
    calls together that must wait."""
    where = final if only_final else None
    match place:
        case SlackPlace(slack=slack):
            slack.fault(_CALLS["slack"][act], "429", times, retry_after=retry_after, where=where)
        case DiscordPlace(discord=discord):
            kind: Literal["429", "global"] = "429" if retry_after is not None else "global"
            discord.fault(_CALLS["discord"][act], kind, times, retry_after=retry_after or 1, where=where)
        case _:
            raise AssertionError(place)


def ambiguous(place: Place, act: Act, kind: Ambiguity, *, only_final: bool = False) -> None:
    """The next call fails in a way that does not tell whether it was carried out."""
    where = final if only_final else None
    match place:
        case SlackPlace(slack=slack):
            slack.fault(_CALLS["slack"][act], kind, where=where)
        case DiscordPlace(discord=discord):
            discord.fault(_CALLS["discord"][act], kind, where=where)
        case _:
            raise AssertionError(place)


def forbidden(place: Place, error: str) -> None:
    """From now on every post is refused: `error` is Slack's word or Discord's number."""
    match place:
        case SlackPlace(slack=slack):
            slack.fault("chat.postMessage", "error", 1000, error=error)
        case DiscordPlace(discord=discord):
            discord.fault("create_message", "error", 1000, code=int(error))
        case _:
            raise AssertionError(place)


def over(place: Place) -> None:
    """The scripted trouble is over."""
    match place:
        case SlackPlace(slack=slack):
            slack.faults.waiting.clear()
        case DiscordPlace(discord=discord):
            discord.faults.waiting.clear()
        case FeishuPlace(feishu=feishu):
            feishu.faults.waiting.clear()
        case _:
            raise AssertionError(place)


def tried(place: Place, act: Act, *, only_final: bool = False) -> Sequence[tuple[float, float]]:
    """When calls went out and when they were answered."""
    match place:
        case SlackPlace(slack=slack):
            found = [
                (each.at, each.done, each.arguments) for each in slack.calls if each.method == _CALLS["slack"][act]
            ]
        case DiscordPlace(discord=discord):
            name = _CALLS["discord"][act]
            found = [(each.at, each.done, each.arguments) for each in discord.calls if each.route == name]
        case _:
            raise AssertionError(place)
    return [(at, done) for at, done, arguments in found if not only_final or final(arguments)]


def elsewhere(place: Place, origin: str) -> str:
    """Lines of the config that look for the platform at another address, `http://host:port`."""
    match place:
        case SlackPlace():
            return f'api_url = "{origin}/api/"'
        case DiscordPlace():
            return f'api_url = "{origin}/api/v10"'
        case FeishuPlace():
            return f'domain = "{origin}"'
        case _:
            raise AssertionError(place)


def origin(place: Place) -> str:
    """Where it really is."""
    match place:
        case SlackPlace(slack=slack):
            url = slack.url
        case DiscordPlace(discord=discord):
            url = discord.url
        case FeishuPlace(feishu=feishu):
            url = feishu.url
        case _:
            raise AssertionError(place)
    return "/".join(url.split("/")[:3])


def said(data: Mapping[str, object]) -> bool:
    """Whether an event of Discord's is a person's message."""
    author = data.get("author")
    return data.get("t") == "MESSAGE_CREATE" and isinstance(author, Mapping) and not author.get("bot")  # pyright: ignore[reportUnknownMemberType]  # JSON


def events(place: Place, kind: Literal["duplicate", "reorder", "drop"], times: int = 1) -> None:
    """What happens to the next messages of people on their way to botkit."""
    match place:
        case SlackPlace(slack=slack):
            slack.fault("events", kind, times)
        case DiscordPlace(discord=discord):
            discord.fault("events", kind, times, where=said)
        case FeishuPlace(feishu=feishu):
            feishu.fault("events", kind, times)
        case _:
            raise AssertionError(place)


async def again(place: Place) -> None:
    """All that was delivered comes once more. Discord repeats nothing: a new session makes botkit read it again."""
    match place:
        case SlackPlace(slack=slack):
            for delivery in list(slack.deliveries):
                await slack.redeliver(delivery)
        case DiscordPlace(discord=discord):
            before = discord.identified
            await discord.invalidate()
            await discord.until(lambda: discord.identified > before, 15)
        case FeishuPlace(feishu=feishu):
            for each in list(feishu.deliveries):
                await feishu.redeliver(each)
        case _:
            raise AssertionError(place)
    await place.settled(10)


async def lose_connection(place: Place, how: Literal["cut", "asked"]) -> None:
    """The connection breaks without a word, or botkit is asked to come back."""
    match place, how:
        case SlackPlace(slack=slack), "cut":
            await slack.cut()
        case SlackPlace(slack=slack), _:
            await slack.disconnect()
        case DiscordPlace(discord=discord), "cut":
            await discord.cut()
        case DiscordPlace(discord=discord), _:
            await discord.reconnect()
        case FeishuPlace(feishu=feishu), "cut":
            await feishu.cut()
        case FeishuPlace(feishu=feishu), _:
            await feishu.disconnect()
        case _:
            raise AssertionError(place)


def another_bot_says(thread: Thread, text: str) -> None:
    """Another bot mentions ours in its thread."""
    match thread:
        case SlackThread(slack=slack, root=root):
            other = slack.install("other")
            root.channel.members.add(other.bot.id)
            other.events.clear()
            mention = f"{slack.app.mention} {text}"
            post = SlackPost(root.channel, slack.inside.site.clock.ts(), other.bot, mention, app=other)
            post.thread_ts = root.ts
            slack.inside.site.rooms.add(post)
        case DiscordThread(discord=discord):
            other_app = discord.install("other")
            assert thread.where is not None
            id, mention = discord.inside.site.clock.snowflake(), f"{discord.app.mention} {text}"
            discord.inside.site.rooms.add(
                DiscordPost(thread.where, id, other_app.bot, mention, app=other_app), Allowed()
            )
        case _:
            raise AssertionError(thread)


async def acknowledged(place: Place) -> Sequence[float]:
    """The seconds that acknowledgements took. Of Discord's only slash commands want one: alice uses some."""
    match place:
        case SlackPlace(slack=slack):
            await slack.settled(within=20)
            return [delivery.ack_seconds for delivery in slack.deliveries]
        case DiscordPlace(discord=discord):
            used = [await discord.command("alice", discord.dm("alice"), "status") for _ in range(20)]
            return [one.seconds for one in used]
        case _:
            raise AssertionError(place)

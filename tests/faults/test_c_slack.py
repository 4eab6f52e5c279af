"""Rows C of the fault list for Slack: whatever the platform does, every message gets its one final answer."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.slack.testing import Post, Trouble
from botkit.stores.sqlite import SqliteStore
from tests.faults.office_rows import Redis, RowOffice, Wire, an_office, answered, fake, until, use


def final(arguments: Mapping[str, object]) -> bool:
    """Whether a call carries the end of an answer."""
    return "$" in str(arguments.get("text"))


@pytest.mark.parametrize("retry_after", [1, None])
async def test_c19_429_on_the_final_edit_too(tmp_path: Path, retry_after: int | None) -> None:
    """The final text always arrives, whether Slack says how long to wait or not."""
    async with an_office(tmp_path) as office, office.running():
        office.slack.fault("chat.postMessage", "429", retry_after=retry_after)
        office.slack.fault("chat.update", "429", times=2, retry_after=retry_after, where=final)
        thread = await office.mention("!words 20 20ms")
        await answered(office, thread, "word20")
    assert len(office.posts(thread)) == 1
    waits = [call for call in office.slack.calls if call.method == "chat.update" and final(call.arguments)]
    assert all(later.at - call.done >= (retry_after or 1) for call, later in pairwise(waits))


@pytest.mark.parametrize("kind", ["5xx", "reset", "malformed", "act_then_5xx", "act_then_reset", "act_then_timeout"])
async def test_c20_trouble_with_the_first_post_and_the_final_edit(tmp_path: Path, kind: Trouble) -> None:
    """Final text once: what may have been done all the same is looked for before it is sent again."""
    async with an_office(tmp_path) as office:
        use(office, fake("normal"))
        async with office.running():
            office.slack.fault("chat.postMessage", kind)
            if kind != "act_then_timeout":
                office.slack.fault("chat.update", kind, where=final)
            thread = await office.mention("hello")
            await office.slack.until(lambda: "$" in "".join(office.shown(thread)), within=25)
            await _no_more_work(office)
    assert len(office.posts(thread)) == 1


@pytest.mark.parametrize("fault", ["nobody listens", "no such host", "no TLS"])
async def test_c20_slack_cannot_be_reached_at_the_start(tmp_path: Path, fault: str) -> None:
    """botkit says so and ends, it does not hang; with Slack back it starts."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        free = silent.getsockname()[1]
    async with an_office(tmp_path) as office:
        use(office, fake("normal"))
        where = {
            "nobody listens": f"http://127.0.0.1:{free}/api/",
            "no such host": "http://nowhere.invalid/api/",
            "no TLS": office.slack.url.replace("http:", "https:"),
        }[fault]
        office.options["bots.main.slack"] = f'api_url = "{where}"'
        assert await office.exits() == 1
        assert "Traceback" not in office.said
        assert "Slack" in office.said
        office.options["bots.main.slack"] = ""
        async with office.running():
            await answered(office, await office.mention("hello"))


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "not_in_channel", "token_revoked"])
async def test_c20_what_can_never_be_said_becomes_a_dead_letter(tmp_path: Path, error: str) -> None:
    """No endless retry: few calls, then a dead letter that the operator can list, and the bot goes on."""
    async with an_office(tmp_path) as office:
        use(office, fake("normal"))
        async with office.running():
            everything = office.slack.fault("chat.postMessage", "error", times=1000, error=error)
            await office.mention("hello")
            await _no_more_work(office, calls=1)
            assert len([call for call in office.slack.calls if call.method == "chat.postMessage"]) <= 3
            office.slack.faults.waiting.remove(everything)
            await answered(office, await office.mention("hello"))
        async with SqliteStore(tmp_path / "botkit.db") as store:
            assert len(await store.dead()) == 1


async def test_c21_every_event_four_times_and_again_after_a_restart(tmp_path: Path) -> None:
    """One turn a message."""
    async with an_office(tmp_path) as office:
        async with office.running():
            office.slack.fault("events", "duplicate", times=2)
            thread = await office.mention("!say hello")
            await answered(office, thread, "hello")
            for delivery in list(office.slack.deliveries):
                await office.slack.redeliver(delivery)
            await office.slack.settled()
        async with office.running():
            for delivery in list(office.slack.deliveries):
                await office.slack.redeliver(delivery)
            await office.slack.settled()
            await _no_more_work(office)
        assert len(office.model.asks) == 1
    assert len(office.posts(thread)) == 1


async def test_c22_events_out_of_order(tmp_path: Path) -> None:
    """An edit or a deletion before its message disturbs nobody; a thread is answered in the order it was written."""
    async with an_office(tmp_path) as office, office.running():
        first = await office.mention("!words 30 50ms")
        await office.until_shown(first, "word2")
        office.slack.fault("events", "reorder")
        await office.slack.say("alice", "general", "!say number one", first)
        await office.slack.say("alice", "general", "!say number two", first)
        office.slack.fault("events", "reorder", times=2)
        late = await office.mention("!say as it was", person="bob")
        await office.slack.edit(late, f"{office.slack.app.mention} !say as edited")
        gone = await office.slack.say("bob", "general", f"{office.slack.app.mention} !say never mind")
        await office.slack.delete(gone)
        await answered(office, first, "number two")
        numbers = [ask.prompt.rpartition(" ")[2] for ask in office.model.asks if "number" in ask.prompt]
        assert numbers == ["one", "two"]
        await office.until_shown(late, "as ")
        await _no_more_work(office)
    assert len(office.posts(late)) == 1


@pytest.mark.parametrize("how", ["disconnect", "cut"])
async def test_c23_the_socket_ends_in_the_middle_of_a_turn(tmp_path: Path, how: str) -> None:
    """It is opened anew, the turn answers, and what was written meanwhile is answered once."""
    async with an_office(tmp_path, speed=20.0) as office, office.running():
        thread = await office.mention("!words 40 50ms")
        await office.until_shown(thread, "word2")
        await (office.slack.cut() if how == "cut" else office.slack.disconnect())
        missed = await office.mention("!say here I am", person="bob")
        await answered(office, thread, "word40")
        await answered(office, missed, "here I am")
        await _no_more_work(office)
    assert len(office.posts(missed)) == len(office.posts(thread)) == 1


async def test_c23_what_slack_never_delivered_is_caught_up(tmp_path: Path) -> None:
    """A gap: in a followed thread the message is found in the history when botkit connects again, and answered once."""
    async with an_office(tmp_path) as office:
        async with office.running():
            thread = await office.mention("!say hello")
            await answered(office, thread, "hello")
            office.slack.fault("events", "drop", times=10)
            await office.slack.say("bob", "general", "!say missed you", thread)
        office.slack.faults.waiting.clear()
        async with office.running():
            await answered(office, thread, "missed you")
            await _no_more_work(office)
    assert sum("missed you" in shown for shown in office.shown(thread)) == 1


async def test_c24_the_bots_message_is_deleted_while_it_streams(tmp_path: Path) -> None:
    """The final text arrives in a new message, once."""
    async with an_office(tmp_path) as office, office.running():
        thread = await office.mention("!words 60 50ms")
        await office.slack.delete(await office.until_shown(thread, "word3"))
        await answered(office, thread, "word60")
    assert len(office.posts(thread)) == 1


async def test_c24_the_question_is_deleted_while_it_is_answered(tmp_path: Path) -> None:
    """The turn stops and nothing is left running."""
    async with an_office(tmp_path) as office, office.running():
        thread = await office.mention("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await office.slack.delete(thread)
        await office.until_shown(thread, "the message was deleted")
        await _no_more_work(office)


async def test_c24_the_channel_is_archived_while_the_reply_streams(tmp_path: Path) -> None:
    """A dead letter, no endless retry, and the bot answers elsewhere."""
    async with an_office(tmp_path) as office:
        async with office.running():
            thread = await office.mention("!words 30 40ms")
            await office.until_shown(thread, "word3")
            thread.channel.archived = True
            await _no_more_work(office)
            await office.slack.say("alice", office.slack.dm("alice"), "!say over here")
            await office.slack.until(
                lambda: any("over here" in post.shown for post in office.slack.messages(office.slack.dm("alice")))
            )
        async with SqliteStore(tmp_path / "botkit.db") as store:
            assert len(await store.dead()) == 1


async def test_c25_two_hundred_messages_and_a_slow_redis(tmp_path: Path) -> None:
    """Each is acknowledged within three seconds, though Redis takes 100 ms for everything and nothing can be posted."""
    with Redis(tmp_path / "redis") as redis:
        async with Wire(redis.port) as wire, an_office(tmp_path, store=wire.url, limits=False) as office:
            use(office, fake("normal"), workers=1)
            office.slack.fault("chat.postMessage", "error", times=1000, error="channel_not_found")
            async with office.running():
                wire.delay = 0.1
                for number in range(100):
                    await office.slack.say("alice", office.slack.dm("alice"), f"number {number}")
                    await office.slack.say("bob", office.slack.dm("bob"), f"number {number}")
                await office.slack.settled(within=20)
                slowest = max(delivery.ack_seconds for delivery in office.slack.deliveries)
                wire.delay = 0.0
            assert slowest < 3.0


async def test_c26_its_own_words_and_other_bots_are_no_questions(tmp_path: Path) -> None:
    """No turn begins, not even when another bot mentions it in a thread it follows."""
    async with an_office(tmp_path) as office:
        other = office.slack.install("other")
        office.slack.channel("general").members.add(other.bot.id)
        other.events.clear()
        async with office.running():
            thread = await office.mention(f"!say {office.slack.app.mention} hello")
            await answered(office, thread, "hello")
            office.slack.inside.people.say(
                other.bot, thread.channel, f"{office.slack.app.mention} !say loop", thread.ts
            )
            loop = Post(thread.channel, office.slack.inside.site.clock.ts(), other.bot, "!say loop", app=other)
            loop.thread_ts = thread.ts
            office.slack.inside.site.rooms.add(loop)
            await office.slack.settled()
            await _no_more_work(office)
        assert len(office.model.asks) == 1


async def test_c27_an_answer_of_50000_characters(tmp_path: Path) -> None:
    """Whole, in order, no message over Slack's limit, no code block cut open at an edge."""
    async with an_office(tmp_path, limits=False) as office, office.running():
        thread = await office.mention("!markdown 50000")
        await office.slack.until(lambda: "End of the answer" in "".join(office.shown(thread)), within=40)
    shown = office.shown(thread)
    whole = "\n".join(shown)
    assert len(whole) > 40_000
    assert all(len(text) <= 4000 and text.count("```") % 2 == 0 for text in shown)
    sections = [number for number in range(1, 200) if f"def section_{number}(" in whole]
    assert sections == list(range(1, sections[-1] + 1))
    assert [whole.index(f"def section_{n}(") for n in sections] == sorted(
        whole.index(f"def section_{n}(") for n in sections
    )


async def test_c27_an_answer_without_a_place_to_cut(tmp_path: Path) -> None:
    """40,001 characters without a space arrive, all of them."""
    async with an_office(tmp_path, limits=False) as office, office.running():
        thread = await office.mention("!huge 40001")
        await office.slack.until(lambda: "$" in "".join(office.shown(thread)), within=40)
    assert "".join(office.shown(thread)).count("x") == 40001


async def _no_more_work(office: RowOffice, *, calls: int = 0) -> None:
    """All that was accepted has been answered or given up."""
    await office.slack.settled(within=10)
    await office.slack.until(lambda: len(office.slack.calls) >= calls)
    await until(lambda: not any(bot.tasks for bot in office.bots))

"""Rows C of the fault list: whatever a platform does, every message gets its one final answer."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest

from botkit.stores.sqlite import SqliteStore
from tests.faults import trouble
from tests.faults.office_rows import Redis, RowOffice, Wire, an_office, answered, fake, until, use
from tests.faults.trouble import Ambiguity
from tests.journeys.places import Platform

EVERYWHERE = pytest.mark.parametrize("platform", ["slack", "discord", "feishu"])
POSTING = pytest.mark.parametrize("platform", ["slack", "discord"])
"""Feishu's answers are cards, whose calls fail in ways of their own: see tests/adapters/feishu."""


@POSTING
@pytest.mark.parametrize("retry_after", [1, None])
async def test_c19_429_on_the_final_edit_too(tmp_path: Path, platform: Platform, retry_after: int | None) -> None:
    """The final text always arrives, whether the platform says how long to wait or not."""
    async with an_office(tmp_path, platform=platform) as office, office.running():
        trouble.too_many(office.place, "post", retry_after=1)
        trouble.too_many(office.place, "edit", times=2, retry_after=retry_after, only_final=True)
        thread = await office.mention("!words 60 50ms")
        await answered(office, thread, "word60")
        waits = trouble.tried(office.place, "edit", only_final=True)
    assert len(office.posts(thread)) == 1
    assert len(waits) == 3
    assert all(later - done >= (retry_after or 1) for (_, done), (later, _) in pairwise(waits))


@POSTING
@pytest.mark.parametrize("kind", ["5xx", "reset", "malformed", "act_then_5xx", "act_then_reset", "act_then_timeout"])
async def test_c20_trouble_with_the_first_post_and_the_final_edit(
    tmp_path: Path, platform: Platform, kind: Ambiguity
) -> None:
    """Final text once: what may have been done all the same is looked for before it is sent again."""
    async with an_office(tmp_path, platform=platform) as office:
        use(office, fake("normal"))
        async with office.running():
            trouble.ambiguous(office.place, "post", kind)
            if kind != "act_then_timeout":
                trouble.ambiguous(office.place, "edit", kind, only_final=True)
            thread = await office.mention("hello")
            await office.seen(lambda: "$" in "".join(office.shown(thread)), within=25)
            await office.idle()
    assert len(office.posts(thread)) == 1


@EVERYWHERE
@pytest.mark.parametrize("fault", ["nobody listens", "no such host", "no TLS"])
async def test_c20_the_platform_cannot_be_reached_at_the_start(tmp_path: Path, platform: Platform, fault: str) -> None:
    """botkit says so and ends, it does not hang; with the platform back it starts."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        free = silent.getsockname()[1]
    async with an_office(tmp_path, platform=platform) as office:
        use(office, fake("normal"))
        where = {
            "nobody listens": f"http://127.0.0.1:{free}",
            "no such host": "http://nowhere.invalid",
            "no TLS": trouble.origin(office.place).replace("http:", "https:"),
        }[fault]
        table = f"bots.main.{platform}"
        office.options[table] = trouble.elsewhere(office.place, where)
        assert await office.exits() == 1
        assert "Traceback" not in office.said
        assert platform in office.said.lower()
        office.options[table] = ""
        async with office.running():
            await answered(office, await office.mention("hello"))


@pytest.mark.parametrize(
    ("platform", "error"),
    [
        *(("slack", error) for error in ("channel_not_found", "is_archived", "not_in_channel", "token_revoked")),
        *(("discord", error) for error in ("10003", "50001", "50013", "40001")),
    ],
)
async def test_c20_what_can_never_be_said_becomes_a_dead_letter(tmp_path: Path, platform: Platform, error: str) -> None:
    """No endless retry: few calls, then a dead letter that the operator can list, and the bot goes on."""
    async with an_office(tmp_path, platform=platform) as office:
        use(office, fake("normal"))
        async with office.running():
            trouble.forbidden(office.place, error)
            await office.mention("hello")
            await until(lambda: bool(trouble.tried(office.place, "post")))
            await office.idle()
            assert len(trouble.tried(office.place, "post")) <= 3
            trouble.over(office.place)
            await answered(office, await office.mention("hello"))
        async with SqliteStore(tmp_path / "botkit.db") as store:
            assert len(await store.dead()) == 1


@EVERYWHERE
async def test_c21_every_message_twice_and_again_after_a_restart(tmp_path: Path, platform: Platform) -> None:
    """One turn a message."""
    async with an_office(tmp_path, platform=platform) as office:
        async with office.running():
            trouble.events(office.place, "duplicate", times=2)
            thread = await office.mention("!say hello")
            await answered(office, thread, "hello")
            await trouble.again(office.place)
        async with office.running():
            await trouble.again(office.place)
            await office.idle()
        assert len(office.model.asks) == 1
    assert len(office.posts(thread)) == 1


@POSTING
async def test_c22_events_out_of_order(tmp_path: Path, platform: Platform) -> None:
    """An edit or a deletion before its message disturbs nobody; a thread is answered in the order it was written."""
    async with an_office(tmp_path, platform=platform) as office, office.running():
        first = await office.mention("!words 30 50ms")
        await office.until_shown(first, "word2")
        trouble.events(office.place, "reorder")
        await first.say("!say number one")
        await asyncio.sleep(0.005)  # Discord dates messages by the millisecond
        await first.say("!say number two")
        await answered(office, first, "number two")
        numbers = [ask.prompt.rpartition(" ")[2] for ask in office.model.asks if "number" in ask.prompt]
        assert numbers == ["one", "two"]
        trouble.events(office.place, "reorder", times=2)
        late = await office.mention("!say as it was", person="bob")
        await late.edit("!say as edited")
        gone = await office.mention("!say never mind", person="bob")
        await gone.delete()
        await office.until_shown(late, "as ")
        await office.idle()
    assert len(office.posts(late)) == 1


@EVERYWHERE
@pytest.mark.parametrize("how", ["asked", "cut"])
async def test_c23_the_connection_ends_in_the_middle_of_a_turn(
    tmp_path: Path, platform: Platform, how: Literal["asked", "cut"]
) -> None:
    """It is opened anew, the turn answers, and what was written meanwhile is answered once."""
    async with an_office(tmp_path, platform=platform, speed=20.0) as office, office.running():
        thread = await office.mention("!words 40 50ms")
        await office.until_shown(thread, "word2")
        await trouble.lose_connection(office.place, how)
        missed = await office.mention("!say here I am", person="bob")
        await answered(office, thread, "word40")
        await answered(office, missed, "here I am")
        await office.idle()
    assert len(office.posts(missed)) == len(office.posts(thread)) == 1


@POSTING
async def test_c23_what_was_never_delivered_is_caught_up(tmp_path: Path, platform: Platform) -> None:
    """A gap: in a followed thread the message is found in the history when botkit connects again, and answered once."""
    async with an_office(tmp_path, platform=platform) as office:
        async with office.running():
            thread = await office.mention("!say hello")
            await answered(office, thread, "hello")
            trouble.events(office.place, "drop", times=10)
            await thread.say("!say missed you", person="bob")
            trouble.over(office.place)
        async with office.running():
            await answered(office, thread, "missed you")
            await office.idle()
    assert sum("missed you" in shown for shown in office.shown(thread)) == 1


@EVERYWHERE
async def test_c24_the_bots_message_is_deleted_while_it_streams(tmp_path: Path, platform: Platform) -> None:
    """The final text arrives in a new message, once."""
    async with an_office(tmp_path, platform=platform) as office, office.running():
        thread = await office.mention("!words 60 50ms")
        await (await office.until_shown(thread, "word3")).delete()
        await answered(office, thread, "word60")
    assert len(office.posts(thread)) == 1


@EVERYWHERE
async def test_c24_the_question_is_deleted_while_it_is_answered(tmp_path: Path, platform: Platform) -> None:
    """The turn stops and nothing is left running."""
    async with an_office(tmp_path, platform=platform) as office, office.running():
        thread = await office.mention("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await thread.delete()
        await office.until_shown(thread, "the message was deleted")
        await office.idle()


@POSTING
async def test_c24_the_thread_is_closed_while_the_reply_streams(tmp_path: Path, platform: Platform) -> None:
    """A dead letter, no endless retry, and the bot answers elsewhere."""
    async with an_office(tmp_path, platform=platform) as office:
        async with office.running():
            # Far longer than the pause between two edits: else the first edit may be the whole answer.
            thread = await office.mention("!words 150 40ms")
            await office.until_shown(thread, "word3")
            await thread.close()
            await office.idle()
            await office.until_shown(await office.direct("!say over here"), "over here")
        async with SqliteStore(tmp_path / "botkit.db") as store:
            assert len(await store.dead()) == 1


@POSTING
async def test_c25_two_hundred_messages_and_a_slow_redis(tmp_path: Path, platform: Platform) -> None:
    """What wants to be acknowledged is within three seconds, though Redis takes 100 ms and nothing can be posted."""
    with Redis(tmp_path / "redis") as redis:
        async with (
            Wire(redis.port) as wire,
            an_office(tmp_path, platform=platform, store=wire.url, limits=False) as office,
        ):
            use(office, fake("normal"), workers=1)
            trouble.forbidden(office.place, {"slack": "channel_not_found", "discord": "10003"}[platform])
            async with office.running():
                wire.delay = 0.1
                for number in range(100):
                    await office.direct(f"number {number}")
                    await office.direct(f"number {number}", person="bob")
                waits = await trouble.acknowledged(office.place)
                wire.delay = 0.0
            assert waits
            assert max(waits) < 3.0


@POSTING
async def test_c26_its_own_words_and_other_bots_are_no_questions(tmp_path: Path, platform: Platform) -> None:
    """No turn begins, not even when another bot mentions it in a thread it follows."""
    async with an_office(tmp_path, platform=platform) as office:
        async with office.running():
            thread = await office.mention("!say @claude hello")
            await answered(office, thread, "hello")
            trouble.another_bot_says(thread, "!say loop")
            await office.idle()
            await answered(office, await office.mention("!say bye", person="bob"), "bye")
        assert not any("loop" in ask.prompt for ask in office.model.asks)
        assert len(office.model.asks) == 2


@EVERYWHERE
async def test_c27_an_answer_of_50000_characters(tmp_path: Path, platform: Platform) -> None:
    """Whole, in order, no message over the platform's limit, no code block cut open at an edge."""
    async with an_office(tmp_path, platform=platform, limits=False) as office, office.running():
        thread = await office.mention("!markdown 50000")
        await office.seen(lambda: "End of the answer" in "".join(office.shown(thread)), within=90)
        shown = office.shown(thread)
        _whole(office, shown)
    whole = "\n".join(shown)
    assert len(whole) > 40_000
    sections = [number for number in range(1, 200) if f"def section_{number}(" in whole]
    assert sections == list(range(1, sections[-1] + 1))
    places = [whole.index(f"def section_{number}(") for number in sections]
    assert places == sorted(places)


@EVERYWHERE
async def test_c27_an_answer_without_a_place_to_cut(tmp_path: Path, platform: Platform) -> None:
    """40,001 characters without a space arrive, all of them."""
    async with an_office(tmp_path, platform=platform, limits=False) as office, office.running():
        thread = await office.mention("!huge 40001")
        await office.seen(lambda: "$" in "".join(office.shown(thread)), within=90)
    assert "".join(office.shown(thread)).count("x") == 40001


def _whole(office: RowOffice, shown: list[str]) -> None:
    assert all(len(text) <= office.place.most and text.count("```") % 2 == 0 for text in shown)

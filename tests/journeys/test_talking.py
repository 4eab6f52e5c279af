"""What a team does all day, with the real CLI, on every platform."""

from __future__ import annotations

import asyncio

from tests.journeys.office import Office


async def test_an_answer_streams_into_its_thread_and_finishes_with_its_cost(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 60 40ms")
        post = await office.until_shown(thread, "word60")
        await office.seen(lambda: "$" in post.shown)
    assert len(office.posts(thread)) == 1
    assert len(post.versions) >= 2, "the answer grew in place"
    assert "word60" not in post.versions[0]


async def test_the_next_message_of_a_thread_goes_on_in_the_session_also_for_a_second_person(office: Office) -> None:
    async with office.running():
        thread = await office.mention("remember the number 42")
        await office.until_shown(thread, "remember the number 42")
        await thread.say("!history", person="bob")
        shown = await office.until_shown(thread, "I see 2 prompts")
        assert "remember the number 42" in shown.shown
        assert "bob" in office.model.asks[-1].prompt.lower()


async def test_two_conversations_at_once_do_not_mix(office: Office) -> None:
    async with office.running():
        one, two = await asyncio.gather(office.mention("!words 30 30ms"), office.mention("!say hello", person="bob"))
        await office.until_shown(two, "hello")
        await office.until_shown(one, "word30")
        assert "word1" not in "".join(office.shown(two))


async def test_a_busy_thread_shows_the_place_and_stop_stops_for_certain(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await thread.say("!say next", person="bob")
        await office.until_shown(thread, "1 other turn")
        await thread.say("!stop")
        await office.until_shown(thread, "Stopped.")
        await office.until_shown(thread, "next")
        assert any("⏹" in text for text in office.shown(thread))


async def test_a_long_answer_arrives_whole_in_several_messages(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"!markdown {6 * office.place.most}")
        await office.until_shown(thread, "End of the answer")
    shown = office.shown(thread)
    assert len(shown) > 5
    assert all(len(text) <= office.place.most for text in shown)
    assert all(text.count("```") % 2 == 0 for text in shown), "no code block is cut open"
    whole = "\n".join(shown)
    sections = [number for number in range(1, 200) if f"def section_{number}(" in whole]
    assert sections == list(range(1, sections[-1] + 1))


async def test_new_list_and_resume_sessions(office: Office) -> None:
    async with office.running():
        thread = await office.mention("the first topic")
        await office.until_shown(thread, "the first topic")
        await thread.say("!new")
        await office.until_shown(thread, "new session begins")
        await thread.say("a second topic")
        await office.until_shown(thread, "a second topic")
        await thread.say("!sessions")
        await office.until_shown(thread, "Your sessions")
        await thread.say("!resume 2")
        await office.until_shown(thread, "Going on with")
        await thread.say("!history")
        history = await office.until_shown(thread, "I see 2 prompts")
        assert "first topic" in history.shown


async def test_a_limit_is_reached_and_says_when_to_try_again(office: Office) -> None:
    office.options["bots.main.limits"] = 'user = "1 per hour"'
    async with office.running():
        thread = await office.mention("!say one")
        await office.until_shown(thread, "one")
        await thread.say("!say two")
        await office.until_shown(thread, "Try again in")
    assert len(office.model.asks) == 1

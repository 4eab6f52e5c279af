"""The commands as people type them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.display import Display
from botkit.testing.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.botkit.bots import Parts


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


async def answered(parts: Parts, *said: tuple[str, str]) -> None:
    """Say each text and wait for what it must be answered with."""
    async with asyncio.timeout(5), parts.bot():
        for text, answer in said:
            await parts.adapter.say(text)
            await parts.adapter.until_text(answer)


async def test_help_lists_every_command_once(parts: Parts) -> None:
    await answered(parts, ("/help", "Write to me"))
    (text,) = parts.adapter.texts()
    for name in ("help", "new", "stop [all]", "status", "sessions", "resume N|ID", "model [NAME]", "mute", "allow"):
        assert text.count(f"- `/{name}") == 1, name


async def test_an_exclamation_mark_does_where_slash_commands_cannot_be_typed(parts: Parts) -> None:
    await answered(parts, ("!status", "session: none yet"), ("!model", "The model here is the default"))
    assert parts.runner.turns == []


async def test_what_people_are_told_to_type_is_what_works_on_their_platform(parts: Parts) -> None:
    parts.adapter = MemoryAdapter(capabilities=replace(CAPABILITIES, command_prefix="!"))
    await answered(
        parts,
        ("!help", "- `!sessions`"),
        ("hello", "hello"),
        ("!sessions", "· 1 turn, "),
        ("!resume", "`!sessions` lists them; then `!resume N`"),
        ("!resume 7", "`!sessions` lists yours"),
        ("!model", "`!model NAME`"),
        ("!mute", "`!unmute` ends that"),
        ("!new", "under `!sessions`"),
    )
    assert not [text for text in parts.adapter.texts() if "`/" in text]


async def test_an_unknown_command_is_only_text_for_claude(parts: Parts) -> None:
    await answered(parts, ("/frobnicate now", "/frobnicate now"))
    assert parts.runner.turns[0].prompt == "/frobnicate now"


async def test_a_model_is_chosen_for_the_session(parts: Parts) -> None:
    parts.settings["models"] = ("opus", "haiku")
    await answered(
        parts,
        ("/model opus", "There is no session here yet"),
        ("hello", "hello"),
        ("/model gpt", "There is no model `gpt`. There are: opus, haiku."),
        ("/model haiku", "this session uses haiku"),
        ("again", "again"),
    )
    assert [turn.session.model for turn in parts.runner.turns] == ["", "haiku"]


@pytest.mark.parametrize("name", ["--dangerous", "a b", "x;y"])
async def test_a_model_name_is_only_a_name(parts: Parts, name: str) -> None:
    await answered(parts, ("hello", "hello"), (f"/model {name}", "There is no model"))


async def test_a_longer_context_is_a_model_too(parts: Parts) -> None:
    await answered(parts, ("hello", "hello"), ("/model sonnet[1m]", "this session uses sonnet[1m]"))


@pytest.mark.parametrize("wanted", ["²", "9" * 5000, "0", "7", "abcd", "-1"])
async def test_a_session_that_there_is_not_is_said(parts: Parts, wanted: str) -> None:
    await answered(parts, ("hello", "hello"), (f"/resume {wanted}", "You have no session"))


async def test_resume_without_a_name_says_how(parts: Parts) -> None:
    await answered(parts, ("/resume", "Which one?"), ("/sessions", "You have no sessions yet."))


async def test_a_session_that_answers_elsewhere_cannot_be_taken_away(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("long")
        await parts.adapter.until_text("long")
        parts.runner.gate.set()
        await parts.adapter.say("longer")
        await parts.adapter.until_text("longer")
        parts.runner.gate.clear()
        await parts.adapter.say("longest")
        await parts.adapter.until_text("longest")
        await parts.adapter.say("/resume 1", thread="2")
        await parts.adapter.until_text("answering somewhere else", "2")
        parts.runner.gate.set()


async def test_a_muted_thread_is_not_followed_until_it_is_unmuted(parts: Parts) -> None:
    place = parts.adapter.place()
    async with asyncio.timeout(5), parts.bot() as bot:
        assert not await bot.follows(place)
        await parts.adapter.say("hello")
        await parts.adapter.until_text("hello")
        assert await bot.follows(place)
        await parts.adapter.say("/mute")
        await parts.adapter.until_text("I stay silent")
        assert not await bot.follows(place)
        await parts.adapter.say("/unmute")
        await parts.adapter.until_text("I follow this thread again")
        assert await bot.follows(place)
        assert [where for where, _ in await bot.followed("memory", 0.0)] == [place]


async def test_nothing_but_blanks_is_not_given_to_claude(parts: Parts) -> None:
    await answered(parts, ("  ", "There was nothing to answer"))
    assert parts.runner.turns == []


async def test_a_conversation_has_a_display_of_its_own_that_outlives_sessions(parts: Parts) -> None:
    parts.settings["display"] = Display("quiet")
    await answered(
        parts,
        ("/display", "The display here is quiet."),
        ("/display loud", "There is no display `loud`. There are: quiet, normal, full."),
        ("/display FULL", "From the next message on you see all of that"),
        ("/display", "The display here is full."),
        ("/new", "A new session begins"),
        ("/display", "The display here is full."),
    )
    assert parts.runner.turns == []
    parts.adapter = MemoryAdapter()
    await answered(parts, ("hello", "hello"), ("/display", "The display here is full."))
    assert [turn.session.title for turn in parts.runner.turns] == ["hello"]


async def test_a_session_resumed_elsewhere_is_shown_as_that_place_wants_it(parts: Parts) -> None:
    await answered(parts, ("hello", "hello"), ("/display full", "From the next message on"), ("/sessions", "hello"))
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("/resume 1", thread="2")
        await parts.adapter.until_text("Going on with", thread="2")
        await parts.adapter.say("/display", thread="2")
        await parts.adapter.until_text("The display here is normal.", thread="2")

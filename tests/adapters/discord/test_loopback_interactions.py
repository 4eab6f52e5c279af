"""Buttons, menus and slash commands on the loopback Discord, answered by the real discord.py: in time, late, never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

import discord
import pytest

from adapters.discord.testing import Interaction, LoopbackDiscord, Post
from adapters.discord.testing.wire import Json
from tests.adapters.discord.loopback import Bot, complaint, point, raw, refused, running

Got = discord.Interaction[discord.Client]
STOP: Json = {"type": 2, "style": 4, "label": "Stop", "custom_id": "stop"}
PICK: Json = {
    "type": 3,
    "custom_id": "pick",
    "placeholder": "Which?",
    "max_values": 2,
    "options": [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}],
}
ASK: Json = {
    "name": "claude",
    "description": "Ask Claude",
    "options": [{"type": 3, "name": "prompt", "description": "What to ask", "required": True}],
}


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False, ack_seconds=1.0) as opened:
        point(monkeypatch, opened)
        yield opened


@pytest.fixture
async def bot(loopback: LoopbackDiscord) -> AsyncGenerator[Bot]:
    async with running(loopback) as client:
        yield client


async def asked(bot: Bot, loopback: LoopbackDiscord, *components: Json) -> Post:
    """A message of the bot's with these components."""
    rows = [{"type": 1, "components": [component]} for component in components]
    path = f"/channels/{loopback.channel('general').id}/messages"
    await raw(bot, "POST", path, {"content": "well?", "components": rows})
    return loopback.messages("general")[-1]


async def meeting(
    loopback: LoopbackDiscord,
    bot: Bot,
    act: Coroutine[None, None, Interaction],
    answer: Callable[[Got], Coroutine[None, None, object]],
) -> Interaction:
    """What became of something a person did, while the bot answers it like this."""
    count = len(bot.interactions)
    done = asyncio.create_task(act)
    await loopback.until(lambda: len(bot.interactions) > count)
    await answer(bot.interactions[-1])
    return await done


async def test_a_pressed_button_is_answered_by_changing_its_message(loopback: LoopbackDiscord, bot: Bot) -> None:
    post = await asked(bot, loopback, STOP)
    assert post.shown == "well?\n[Stop]"

    async def stop(got: Got) -> None:
        assert got.data is not None
        assert got.data.get("custom_id") == "stop"
        assert isinstance(got.user, discord.Member)
        assert got.message is not None
        assert str(got.message.id) == post.id
        await got.response.edit_message(content="stopped", view=None)

    done = await meeting(loopback, bot, loopback.press("alice", post, "Stop"), stop)
    assert (done.response, done.failed) == (7, False)
    assert post.shown == "stopped"
    loopback.assert_clean()


async def test_chosen_options_arrive_by_their_values(loopback: LoopbackDiscord, bot: Bot) -> None:
    post = await asked(bot, loopback, PICK)
    with pytest.raises(ValueError, match="One, Two"):
        await loopback.select("alice", post, "Which?", "Three")
    await meeting(loopback, bot, loopback.select("alice", post, "Which?", "One", "2"), lambda got: got.response.defer())
    data = bot.interactions[-1].data
    assert data is not None
    assert data.get("values") == ["1", "2"]
    with pytest.raises(ValueError, match="there are: none"):
        await loopback.press("alice", post, "Stop")
    loopback.assert_clean()


async def test_a_slash_command_thinks_first_and_answers_then(loopback: LoopbackDiscord, bot: Bot) -> None:
    await raw(bot, "PUT", f"/applications/{loopback.app.id}/commands", [ASK])
    with pytest.raises(ValueError, match="needs prompt"):
        await loopback.command("alice", "general", "/claude")

    async def think(got: Got) -> None:
        await got.response.defer(thinking=True)

    done = await meeting(loopback, bot, loopback.command("alice", "general", "/claude", prompt="why?"), think)
    assert done.thinking
    got = bot.interactions[-1]
    await got.edit_original_response(content="because")
    await got.followup.send("and moreover", ephemeral=True)
    shown = loopback.messages("general")
    assert [(one.shown, one.only_for) for one in shown] == [("because", None), ("and moreover", done.person)]
    assert shown[0].edited == 0
    await got.delete_original_response()
    assert [one.shown for one in loopback.messages("general")] == ["and moreover"]
    loopback.assert_clean()


async def test_an_answer_after_three_seconds_is_too_late(loopback: LoopbackDiscord, bot: Bot) -> None:
    done = await loopback.press("alice", await asked(bot, loopback, STOP), "stop")
    assert done.failed
    assert await refused(bot.interactions[-1].response.defer()) == (404, 10062)
    with pytest.raises(AssertionError, match="not answered in time: component stop"):
        loopback.assert_clean()


async def test_an_interaction_is_answered_once(loopback: LoopbackDiscord, bot: Bot) -> None:
    post = await asked(bot, loopback, STOP)
    await meeting(loopback, bot, loopback.press("alice", post, "stop"), lambda got: got.response.defer())
    got = bot.interactions[-1]
    path = f"/interactions/{got.id}/{got.token}/callback"
    assert await refused(raw(bot, "POST", path, {"type": 6})) == (400, 40060)


async def test_what_does_not_fit_is_refused_and_may_be_tried_again(loopback: LoopbackDiscord, bot: Bot) -> None:
    async def answer(got: Got) -> None:
        path = f"/interactions/{got.id}/{got.token}/callback"
        assert "one of {4, 5, 6, 7, 9}" in await complaint(raw(bot, "POST", path, {"type": 1}))
        long = raw(bot, "POST", path, {"type": 4, "data": {"content": "x" * 2001}})
        assert "In data.content" in await complaint(long)
        await got.response.send_message("fits", ephemeral=True)
        response = await got.original_response()
        assert response.flags.ephemeral

    await meeting(loopback, bot, loopback.press("alice", await asked(bot, loopback, STOP), "stop"), answer)
    ephemeral = loopback.messages("general")[-1]
    assert ephemeral.only_for is loopback.person("alice")
    hidden = bot.text(loopback.channel("general")).get_partial_message(int(ephemeral.id))
    assert await refused(hidden.edit(content="x")) == (404, 10008)


async def test_after_a_quarter_of_an_hour_the_token_is_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LoopbackDiscord(limits=False, speed=3000) as loopback:
        point(monkeypatch, loopback)
        async with running(loopback) as bot:
            post = await asked(bot, loopback, STOP)
            done = await meeting(loopback, bot, loopback.press("bob", post, "stop"), lambda got: got.response.defer())
            done.expires = 0
            assert await refused(bot.interactions[-1].edit_original_response(content="late")) == (401, 50027)
            assert await refused(bot.interactions[-1].followup.send("late")) == (401, 50027)


async def test_a_modal_comes_back_filled_in(loopback: LoopbackDiscord, bot: Bot) -> None:
    class Why(discord.ui.Modal, title="Why?"):
        reason: discord.ui.TextInput[Why] = discord.ui.TextInput(label="Reason", custom_id="reason")

    post = await asked(bot, loopback, STOP)
    opened = await meeting(
        loopback, bot, loopback.press("alice", post, "stop"), lambda got: got.response.send_modal(Why())
    )
    answered = await meeting(loopback, bot, loopback.submit(opened, reason="boredom"), lambda got: got.response.defer())
    assert "boredom" in str(answered.data)
    loopback.assert_clean()


async def test_in_direct_messages_the_person_comes_without_a_guild(loopback: LoopbackDiscord, bot: Bot) -> None:
    await raw(bot, "PUT", f"/applications/{loopback.app.id}/commands", [ASK])
    act = loopback.command("alice", loopback.dm("alice"), "claude", prompt="psst")
    await meeting(loopback, bot, act, lambda got: got.response.send_message("psst yourself"))
    got = bot.interactions[-1]
    assert got.guild is None
    assert isinstance(got.user, discord.User)
    assert isinstance(got.channel, discord.DMChannel)


async def test_commands_out_of_bounds_are_refused(loopback: LoopbackDiscord, bot: Bot) -> None:
    path = f"/applications/{loopback.app.id}/commands"
    wrong: list[tuple[Json, str]] = [
        ({"name": "Claude"}, "Command name is invalid"),
        ({"name": "two words"}, "Command name is invalid"),
        ({"name": "x" * 33}, "between 1 and 32"),
        ({"description": ""}, "between 1 and 100"),
        ({"description": "x" * 101}, "between 1 and 100"),
        ({"options": [{"type": 3, "name": "a", "description": "a"}] * 26}, "Must be 25 or fewer"),
    ]
    for change, expected in wrong:
        assert expected in await complaint(raw(bot, "PUT", path, [ASK | change]))
    assert "unique" in await complaint(raw(bot, "PUT", path, [ASK, ASK]))
    many = [ASK | {"name": f"c{number}"} for number in range(101)]
    assert await refused(raw(bot, "PUT", path, many)) == (400, 30032)


async def test_a_command_written_again_unchanged_keeps_its_id(loopback: LoopbackDiscord, bot: Bot) -> None:
    path = f"/applications/{loopback.app.id}/commands"
    await raw(bot, "PUT", path, [ASK])
    (first,) = loopback.app.commands[""]
    await raw(bot, "PUT", path, [ASK])
    (again,) = loopback.app.commands[""]
    assert first == again
    assert [call.route for call in loopback.calls].count("overwrite_commands") == 2
    loopback.app.created = 200
    assert await refused(raw(bot, "PUT", path, [ASK, ASK | {"name": "other"}])) == (400, 30034)

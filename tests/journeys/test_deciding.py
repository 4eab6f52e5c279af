"""Approvals and questions: shown with what will happen, decided once, by the right people."""

from __future__ import annotations

from tests.journeys.office import Office

TOUCH = '!tool Bash {"command": "touch made.txt", "description": "Make a file"}'


async def test_an_approval_shows_the_command_and_the_button_lets_it_run(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say it is done")
        asked = await office.until_shown(thread, "asks to use Bash")
        assert not (office.workdir / "made.txt").exists()
        await asked.press("Allow")
        await office.until_shown(thread, "it is done")
        assert (office.workdir / "made.txt").exists()
        await office.seen(lambda: "allowed by alice" in asked.shown.lower())
        assert "[Allow]" not in asked.shown, "a decided request has no buttons"


async def test_a_denial_is_read_by_claude_and_nothing_runs(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!result")
        await office.until_shown(thread, "asks to use Bash")
        await thread.say("!deny not on a Friday")
        await office.until(thread, lambda shown: "denied by alice: not on a friday" in "".join(shown).lower())
        await office.until_shown(thread, "The tool answered")
    assert any("not on a Friday" in result for result in office.model.asks[-1].results)
    assert not (office.workdir / "made.txt").exists()


async def test_a_bystander_may_not_decide_but_an_approver_may(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say it is done")
        asked = await office.until_shown(thread, "asks to use Bash")
        await asked.press("Allow", person="bob")
        await office.until_shown(thread, "Only the person who asked")
        assert not (office.workdir / "made.txt").exists()
        await asked.press("Allow", person="carol")
        await office.until_shown(thread, "it is done")


async def test_nobody_decides_and_it_is_denied_visibly(office: Office) -> None:
    office.options["bots.main"] = 'approval_timeout = "1s"'
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say going on without")
        await office.until_shown(thread, "denied: nobody decided")
        await office.until_shown(thread, "going on without")
    assert not (office.workdir / "made.txt").exists()


async def test_allowed_for_the_session_is_shown_and_never_asked_again_not_even_after_a_restart(office: Office) -> None:
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say it is done")
        asked = await office.until_shown(thread, "asks to use Bash")
        assert "Bash(touch" in asked.shown, "what would be granted is shown before"
        await asked.press("Allow for this session")
        await office.until_shown(thread, "it is done")
    (office.workdir / "made.txt").unlink()
    async with office.running():
        await thread.say(f"{TOUCH}\n!say made again")
        await office.until_shown(thread, "made again")
        assert (office.workdir / "made.txt").exists()


async def test_stop_closes_an_open_approval_visibly(office: Office) -> None:
    async with office.running():
        thread = await office.mention(TOUCH)
        asked = await office.until_shown(thread, "asks to use Bash")
        await thread.say("!stop")
        await office.until_shown(thread, "Stopped.")
        await office.seen(lambda: "[Allow]" not in asked.shown)
    assert not (office.workdir / "made.txt").exists()


async def test_tools_the_config_allows_never_ask_and_denied_ones_never_run(office: Office) -> None:
    office.options["bots.main"] = 'allowed_tools = ["Bash(touch *)"]\ndisallowed_tools = ["WebFetch"]'
    async with office.running():
        thread = await office.mention(f"{TOUCH}\n!say it is done")
        await office.until_shown(thread, "it is done")
        assert (office.workdir / "made.txt").exists()
        assert not any("asks to use" in text for text in office.shown(thread))


async def test_a_question_is_answered_with_a_button(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!ask Which colour? | Red | Blue\n!result")
        asked = await office.until_shown(thread, "Which colour?")
        await asked.press("Blue")
        await office.until_shown(thread, "The tool answered")
        assert "Blue" in office.model.asks[-1].results[-1]
        await office.seen(lambda: "answered by alice: blue" in asked.shown.lower())

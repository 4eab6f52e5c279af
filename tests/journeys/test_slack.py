"""What only Slack knows: deliveries that come again, downloads that are login pages, uploads in three steps."""

from __future__ import annotations

import signal

import pytest

from adapters.slack.testing import ApiCall
from tests.journeys.office import PATIENCE, Office
from tests.journeys.test_files import going_on_after_a_restart, sent, use


@pytest.fixture(params=["slack-sqlite", "slack-redis"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_login_page_in_place_of_a_file_is_said_and_left_out(office: Office) -> None:
    async with office.running():
        office.slack.fault("download", "login")
        thread = await office.mention("read this", files=[("a.pdf", b"%PDF-1.4", "application/pdf")])
        await office.until_shown(thread, "a.pdf")
    assert not list((office.workdir / ".botkit").glob("uploads/*/*a.pdf"))


def calls(office: Office) -> list[ApiCall]:
    """The tries to show a file."""
    return [call for call in office.slack.calls if call.method == "files.completeUploadExternal"]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_file_whose_sending_was_cut_off_is_there_once_after_the_restart(office: Office, done: bool) -> None:
    office.workdir.mkdir()
    (office.workdir / "report.txt").write_text("all is well", encoding="utf-8")
    office.slack.fault("files.completeUploadExternal", "act_then_timeout" if done else "timeout")
    process = await office.start()
    thread = await office.mention(f"{use('report.txt')}\n!words 100000 50ms")
    await office.seen(lambda: calls(office), within=PATIENCE)
    await office.end(process, signal.SIGKILL)
    assert sent(thread) == ([("report.txt", b"all is well")] if done else [])
    await going_on_after_a_restart(office, thread)
    assert sent(thread) == [("report.txt", b"all is well")]
    assert len(calls(office)) == (1 if done else 2)


async def test_a_file_that_slack_does_not_take_is_said_and_the_answer_stays(office: Office) -> None:
    office.workdir.mkdir()
    (office.workdir / "report.txt").write_text("all is well", encoding="utf-8")
    office.slack.app.scopes.discard("files:write")
    async with office.running():
        thread = await office.mention(f"{use('report.txt')}\n!say here you are")
        shown = await office.until_shown(thread, "could not be sent")
        await office.until_shown(thread, "here you are")
        assert "files:write" in shown.shown
        assert len(office.posts(thread)) == 1


async def test_a_stranger_is_told_once_and_costs_nothing(office: Office) -> None:
    office.slack.person("mallory")
    office.slack.channel("general")
    async with office.running():
        await office.slack.join("mallory", "general")
        for text in ("let me in", "please"):
            thread = await office.mention(text, person="mallory")
        await office.seen(lambda: len(office.slack.calls) > 2)
        await office.mention("!say hello")
        await office.slack.settled()
    told = [post for post in office.slack.messages("general") if post.app and "may not answer" in post.shown]
    assert len(told) + sum("may not answer" in text for text in office.shown(thread)) <= 1
    assert not any("let me in" in ask.prompt for ask in office.model.asks)


async def test_an_event_delivered_again_is_answered_once(office: Office) -> None:
    async with office.running():
        thread = await office.mention("!say once")
        await office.until_shown(thread, "once")
        for delivery in list(office.slack.deliveries):
            await office.slack.redeliver(delivery)
        await office.slack.settled()
    assert len(office.model.asks) == 1
    assert len(office.posts(thread)) == 1

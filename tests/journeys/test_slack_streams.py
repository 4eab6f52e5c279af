"""Native streams in Slack's direct messages, with the real CLI: people see the answer grow, and it always arrives."""

from __future__ import annotations

import re
import signal
from itertools import pairwise

import pytest

from adapters.slack.testing import Post
from tests.journeys.office import Office
from tests.journeys.places.slack import SlackThread

TOUCH = '!tool Bash {"command": "touch made.txt", "description": "Make a file"}'


@pytest.fixture(params=["slack-sqlite"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def ask(office: Office, text: str) -> SlackThread:
    """Alice opens the split view and writes."""
    thread = SlackThread(office.slack, await office.slack.open_assistant("alice"))
    await thread.say(text)
    return thread


def calls(office: Office) -> list[str]:
    return [call.method for call in office.slack.calls if call.method.startswith("chat.") and call.ok]


def answers(thread: SlackThread) -> list[Post]:
    return [shown.post for shown in thread.posts()]


async def test_the_answer_is_streamed_with_its_tools_and_finishes_with_its_cost(office: Office) -> None:
    office.options["bots.main"] = 'allowed_tools = ["Bash(echo *)"]'
    async with office.running():
        thread = await ask(
            office,
            '!say I look first. Then I tell.\n!tool Bash {"command": "echo hello; sleep 1"}\n!words 60 30ms',
        )
        await office.until_shown(thread, "I look first. Then I tell.")
        await office.until_shown(thread, "◔ Bash: echo hello")
        await office.until_shown(thread, "word60")
        await office.until_shown(thread, "$")
        (post,) = answers(thread)
        assert re.search(r"\[1 step\]\n● Bash: echo hello", post.shown)
        assert len(post.versions) > 4, "the answer grew"
        texts = [version.text for version in post.versions]
        assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
        assert set(calls(office)) == {"chat.startStream", "chat.appendStream", "chat.stopStream"}
    assert post.stream is None


async def test_an_approval_in_the_middle_of_a_stream(office: Office) -> None:
    async with office.running():
        thread = await ask(office, f"!say May I make a file please?\n{TOUCH}\n!say it is done now and well")
        asked = await office.until_shown(thread, "asks to use Bash")
        await office.until_shown(thread, "[Waiting for the answer")
        assert not (office.workdir / "made.txt").exists()
        await asked.press("Allow")
        await office.until_shown(thread, "it is done now and well")
        assert (office.workdir / "made.txt").exists()
        assert "allowed by alice" in asked.shown
        await office.until(thread, lambda shown: "$" in shown[0])
        assert len(thread.posts()) == 2


async def test_stop_ends_a_stream_and_says_so(office: Office) -> None:
    async with office.running():
        thread = await ask(office, "!words 2000 50ms")
        await office.until_shown(thread, "word3")
        await thread.say("!stop")
        await office.until(thread, lambda shown: any("word3" in text and "Stopped." in text for text in shown))
        assert all(post.stream is None for post in answers(thread))


async def test_a_long_answer_arrives_whole_in_several_messages(office: Office) -> None:
    async with office.running():
        thread = await ask(office, "!markdown 30000")
        await office.until_shown(thread, "End of the answer")
        await office.seen(lambda: all(post.stream is None for post in answers(thread)))
    shown = office.shown(thread)
    assert 4 < len(shown) < 12
    assert all(text.count("```") % 2 == 0 for text in shown), "no code block is cut open"
    sections = [int(number) for number in re.findall(r"def section_(\d+)\(", "\n".join(shown))]
    assert sections == list(range(1, sections[-1] + 1))


async def test_a_stream_whose_process_is_killed_goes_on_in_the_same_message(office: Office) -> None:
    process = await office.start()
    thread = await ask(office, "!words 100000 50ms")
    await office.until_shown(thread, "word5")
    await office.end(process, signal.SIGKILL)
    assert answers(thread)[0].stream is not None, "it is broken"
    process = await office.start()
    await office.until(thread, lambda shown: "interrupted" in "".join(shown).lower() and len(office.model.asks) > 1)
    assert len(thread.posts()) == 1, "it goes on in its message"
    await thread.say("!stop")
    await office.until_shown(thread, "Stopped.")
    await office.end(process)
    assert all(post.stream is None for post in answers(thread))


async def test_a_stream_that_slack_closes_after_five_minutes_loses_nothing(office: Office) -> None:
    async with office.running():
        thread = await ask(office, "!words 60 50ms")
        await office.until_shown(thread, "word9")
        office.slack.skip(301)
        shown = await office.until_shown(thread, "word60")
        await office.until_shown(thread, "$")
    assert len(thread.posts()) == 1
    assert [int(number) for number in re.findall(r"word(\d+)", shown.shown)] == list(range(1, 61))


async def test_a_long_stream_goes_on_in_a_new_message_before_slack_closes_it(office: Office) -> None:
    office.options["bots.main.slack"] = "stream_seconds = 1"
    async with office.running():
        thread = await ask(office, "!words 90 60ms")
        await office.until_shown(thread, "word90")
        await office.until(thread, lambda shown: "$" in shown[-1])
    shown = office.shown(thread)
    assert len(shown) > 2
    assert [int(number) for number in re.findall(r"word(\d+)", " ".join(shown))] == list(range(1, 91))
    assert "chat.update" not in calls(office)

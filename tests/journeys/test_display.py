"""How much of a turn people choose to see, with the real CLI behind a real slack-bolt."""

from __future__ import annotations

import signal

import pytest

from tests.journeys.office import Office
from tests.journeys.place import Thread

TODO = '{"todos": [{"content": "Count", "status": "in_progress", "activeForm": "Counting"}]}'
WORK = f"""please
!think Let me count.
!tool TodoWrite {TODO}
!tool Bash {{"command": "seq 1 40"}}
!words 40 50ms"""


@pytest.fixture(params=["slack-sqlite", "slack-redis"])
def where(request: pytest.FixtureRequest) -> str:
    """What is folded looks different on each platform."""
    return str(request.param)


def versions(thread: Thread) -> str:
    """Everything that could be read in a thread at some time."""
    return "\n\n".join(version for post in thread.posts() for version in post.versions)


def show(office: Office, level: str) -> None:
    office.options["bots.main"] = 'allowed_tools = ["Bash"]'
    office.options["bots.main.display"] = f'level = "{level}"'


async def test_quiet_posts_the_answer_once(office: Office) -> None:
    show(office, "quiet")
    async with office.running():
        thread = await office.mention(WORK)
        await office.until_shown(thread, "word40")
    (post,) = office.posts(thread)
    assert len(post.versions) == 1
    assert "seq" not in post.shown


async def test_normal_grows_with_tools_the_task_list_and_the_time(office: Office) -> None:
    show(office, "normal")
    async with office.running():
        thread = await office.mention(f"{WORK}\n!delay 10s\n!words 40 50ms")
        post = await office.until_shown(thread, "Working… 1")
        assert "• ✓ Bash `seq 1 40`" in post.shown
        assert "• ▶ Count" in post.shown
        await office.until(thread, lambda shown: shown[0].count("word40") == 2 and "Working" not in shown[0])
    assert len(office.posts(thread)) == 1
    assert "Let me count" not in versions(thread)
    assert "Bash" not in office.shown(thread)[0]


async def test_full_folds_thinking_and_output_and_sends_what_is_too_long_as_a_file(office: Office) -> None:
    show(office, "full")
    async with office.running():
        thread = await office.mention(WORK)
        await office.until(thread, lambda shown: any("word40" in text and "tools_" in text for text in shown))
    (answer,) = [post for post in office.posts(thread) if "word40" in post.shown]
    assert "_Thought_\n\n```\nLet me count.\n```" in answer.shown
    assert "_✓ Bash: seq 1 40_\n\n```\n1\n2\n3\n4\n5\n6\n7\n8\n… 32 more lines\n```" in answer.shown
    ((name, data),) = [file for post in office.posts(thread) for file in post.files]
    assert name == "details.md"
    assert "\n39\n40\n```" in data.decode()


async def test_a_thread_keeps_its_display_over_a_restart_and_others_are_not_touched(office: Office) -> None:
    show(office, "normal")
    process = await office.start()
    thread = await office.mention("!display quiet")
    await office.until_shown(thread, "From the next message on you see the answer alone")
    await office.end(process, signal.SIGKILL)
    async with office.running():
        await thread.say(WORK, person="bob")
        await office.until_shown(thread, "word40")
        other = await office.mention(WORK)
        await office.until_shown(other, "word40")
    answer = office.posts(thread)[-1]
    assert len(answer.versions) == 1
    assert "seq 1 40" in versions(other)

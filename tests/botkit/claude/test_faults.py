"""What the real CLI cannot be made to do, done by the fake one."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from botkit.claude.options import Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.events import TextDelta, ToolFinished, TurnFailed, TurnFinished
from tests.botkit.claude.conftest import FAST, LIMITS, Talk, new_talk

Fake = Callable[..., Profile]


@asynccontextmanager
async def talking(profile: Profile) -> AsyncGenerator[Talk, None]:
    async with Pool(LIMITS, FAST, ambient=os.environ) as pool, ClaudeRunner(profile, pool) as runner:
        yield new_talk(runner, profile.workdir)
    assert not [each for each in psutil.Process().children(recursive=True) if _is_worker(each)]


@pytest.mark.parametrize(
    "mode", ["normal", "garbage", "utf8", "bytes", "joined", "flood", "two_results", "deltas", "request", "no_usage"]
)
async def test_odd_output_does_not_disturb_the_answer(fake: Fake, mode: str) -> None:
    async with talking(fake(mode)) as talk:
        for _ in range(2):
            ended = await talk.ask("hello", seconds=5)
            assert isinstance(ended, TurnFinished)
            assert ended.text.endswith("word0 word1 word2 ")


@pytest.mark.parametrize("mode", ["die_delta", "die_result", "exit0", "exit1", "truncated"])
async def test_a_crash_after_the_first_word_fails_the_turn_and_the_next_message_resumes(
    fake: Fake, mode: str, tmp_path: Path
) -> None:
    async with talking(fake(mode, f"--once={tmp_path}/once")) as talk:
        talk.fresh = True
        ended = await talk.ask("hello", seconds=5)
        assert isinstance(ended, TurnFailed)
        assert ended.reason == "crashed"
        assert talk.text
        assert ("at the very end" in ended.detail) == (mode == "exit1")
        assert isinstance(await talk.ask("again", seconds=5), TurnFinished)


@pytest.mark.parametrize("mode", ["die_start", "mute", "deaf"])
async def test_a_crash_before_the_first_word_is_tried_once_more(fake: Fake, mode: str, tmp_path: Path) -> None:
    async with talking(fake(mode, f"--once={tmp_path}/once")) as talk:
        ended = await talk.ask("hello" * (200_000 if mode == "deaf" else 1), seconds=10)
        assert isinstance(ended, TurnFinished)
        assert talk.text == ended.text


@pytest.mark.parametrize("mode", ["die_init", "die_start"])
async def test_a_cli_that_always_crashes_is_not_tried_for_ever(fake: Fake, mode: str) -> None:
    with capture_logs() as lines:
        async with talking(fake(mode)) as talk:
            ended = await talk.ask("hello", seconds=5)
    assert isinstance(ended, TurnFailed)
    assert ended.reason == "crashed"
    assert ended.detail in ("cannot start", "ended at the first line")
    (line,) = [line for line in lines if line["event"] == "turn_tried_again"]
    assert ended.detail in line["stderr"], "whoever runs botkit reads why in the log"


@pytest.mark.parametrize("mode", ["hang", "tool", "stubborn"])
async def test_a_hang_ends_the_turn(fake: Fake, mode: str) -> None:
    async with talking(fake(mode)) as talk:
        ended = await talk.ask("hello", seconds=12)
        assert isinstance(ended, TurnFailed)
        assert ended.reason == "silent"
        assert [event.ok for event in talk.events if isinstance(event, ToolFinished)] == [False] * (mode == "tool")


async def test_a_cli_that_hangs_after_its_result_is_replaced(fake: Fake) -> None:
    async with talking(fake("after_result")) as talk:
        assert isinstance(await talk.ask("one", seconds=5), TurnFinished)
        assert isinstance(await talk.ask("two", seconds=12), TurnFinished)


async def test_a_turn_that_takes_too_long_is_ended(fake: Fake, ambient: dict[str, str]) -> None:
    limits = replace(FAST, turn=0.3)
    profile = fake("hang")
    async with Pool(LIMITS, limits, ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        ended = await new_talk(runner, profile.workdir).ask("hello", seconds=5)
    assert isinstance(ended, TurnFailed)
    assert ended.reason == "timeout"


async def test_a_line_of_10_megabytes_passes(fake: Fake) -> None:
    async with talking(fake("big10")) as talk:
        ended = await talk.ask("hello", seconds=5)
        assert isinstance(ended, TurnFinished)
        assert len(ended.text) == 10 * 1024 * 1024


@pytest.mark.parametrize("mode", ["big100", "endless"])
async def test_a_line_of_100_megabytes_fails_the_turn_in_bounded_memory(fake: Fake, mode: str, tmp_path: Path) -> None:
    async with talking(fake(mode, f"--once={tmp_path}/once")) as talk:
        before = psutil.Process().memory_info().rss
        ended = await talk.ask("hello", seconds=10)
        assert isinstance(ended, TurnFailed)
        assert ended.reason == "protocol"
        assert psutil.Process().memory_info().rss - before < 60 * 1024 * 1024


async def test_tools_still_open_at_the_result_are_closed_before_it(fake: Fake) -> None:
    async with talking(fake("open_tool")) as talk:
        assert isinstance(await talk.ask("hello", seconds=5), TurnFinished)
        assert isinstance(talk.events[-2], ToolFinished)
        assert not talk.events[-2].ok


async def test_stop_is_certain_even_when_the_cli_ignores_it(fake: Fake) -> None:
    async with talking(fake("stubborn")) as talk, asyncio.timeout(10):
        async with talk.runner.start(talk.turn("hello")) as events:
            await anext(events)
            assert await talk.runner.stop(talk.session.id)
            rest = [event async for event in events]
        assert isinstance(rest[-1], TurnFailed)
        assert rest[-1].reason == "stopped"


async def test_a_missing_cli_is_said(workdir: Path) -> None:
    async with talking(Profile(workdir, command=("/nowhere/claude",))) as talk:
        ended = await talk.ask("hello", seconds=5)
        assert isinstance(ended, TurnFailed)
        assert ended.reason == "missing"


async def test_twenty_thousand_words_arrive_in_order(fake: Fake) -> None:
    async with talking(fake("normal", "--deltas=20000")) as talk:
        ended = await talk.ask("hello", seconds=10)
        assert isinstance(ended, TurnFinished)
        said = "".join(event.text for event in talk.events if isinstance(event, TextDelta))
        assert said.count("word") == 20000
        assert said == ended.text


async def test_a_thousand_turns_leak_neither_files_nor_processes(fake: Fake) -> None:
    async with talking(fake("normal")) as talk:
        await talk.ask("hello", seconds=5)
        files, children = psutil.Process().num_fds(), len(psutil.Process().children(recursive=True))
        for _ in range(1000):
            await talk.ask("hello", seconds=5)
        assert psutil.Process().num_fds() <= files
        assert len(psutil.Process().children(recursive=True)) == children


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "fake_cli" in " ".join(process.cmdline())
    except psutil.Error:
        return False


async def test_a_machine_short_of_files_is_asked_again(fake: Fake) -> None:
    async with talking(fake("normal")) as talk:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 1, hard))
        asyncio.get_running_loop().call_later(0.15, resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        ended = await talk.ask("hello", seconds=10)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert isinstance(ended, TurnFinished)

"""Rows A of the fault list: whatever the CLI does, the sender is told once, the session goes on, nothing is left."""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
from collections import Counter
from pathlib import Path

import psutil
import pytest

from adapters.slack.testing import Channel
from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.errors import ClaudeMissing
from botkit.events import TurnFailed, TurnFinished
from tests.botkit.claude.conftest import FAST, new_talk
from tests.faults.office_rows import an_office, answered, fake, fakes, use
from tests.journeys.office import Office
from tests.journeys.place import Thread
from tests.journeys.places.slack import SlackThread, post_of
from tests.journeys.test_restarting import workers_of

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("mode", ["die_delta", "die_result"])
async def test_a1_a_cli_killed_in_a_turn(tmp_path: Path, mode: str) -> None:
    """Told once, what was said stays and is marked, the session resumes with the next message."""
    await _cut_off_once(tmp_path, mode)


async def test_a1_the_real_cli_killed_in_a_turn(tmp_path: Path) -> None:
    """The same with the real CLI and SIGKILL from outside."""
    async with an_office(tmp_path) as office, office.running():
        thread = await office.mention("!words 1000 40ms")
        await office.until_shown(thread, "word5")
        for worker in workers_of(os.getpid()):
            worker.kill()
        post = await office.until_shown(thread, "ended unexpectedly")
        assert "word5" in post.shown
        assert "incomplete" in post.shown
        await thread.say("!history")
        await office.until_shown(thread, "I see 2 prompts")
        assert len(office.posts(thread)) == 2


@pytest.mark.parametrize("mode", ["die_init", "die_start"])
async def test_a1_a_cli_killed_before_it_said_anything(tmp_path: Path, mode: str) -> None:
    """Nothing was said, so the question is put once more; if that fails too the sender is told once."""
    async with an_office(tmp_path) as office:
        use(office, counted(tmp_path, fake(mode)))
        async with office.running():
            thread = await office.mention("hello")
            await office.until_shown(thread, "ended unexpectedly")
        assert len(office.posts(thread)) == 1
        assert starts(tmp_path) == 2


@pytest.mark.parametrize("mode", ["exit0", "truncated"])
async def test_a2_a_cli_that_ends_without_a_result(tmp_path: Path, mode: str) -> None:
    """As A1: an end without a result is never taken for an answer."""
    await _cut_off_once(tmp_path, mode)


async def test_a3_exit_1_shows_what_the_cli_said_last(tmp_path: Path) -> None:
    """A message of its own, and no storm of retries."""
    async with an_office(tmp_path) as office:
        use(office, counted(tmp_path, fake("exit1")))
        async with office.running():
            thread = await office.mention("hello")
            post = await office.until_shown(thread, "ended unexpectedly")
            assert "at the very end" in post.shown
        assert starts(tmp_path) == 1


async def test_a3_a_missing_cli_stops_botkit_at_the_start_with_the_reason(tmp_path: Path) -> None:
    """A message of its own, before anybody writes."""
    async with an_office(tmp_path) as office:
        use(office, ("/nowhere/claude",))
        with pytest.raises(ClaudeMissing, match="/nowhere/claude"):
            async with office.running():
                pass


@pytest.mark.parametrize("fault", ["gone", "not executable"])
async def test_a3_a_cli_that_vanishes_while_botkit_runs(tmp_path: Path, fault: str) -> None:
    """A message of its own, and it works again when the CLI is back."""
    program = tmp_path / "claude"
    script = f'#!/bin/sh\nexec {shlex.join(fake("normal"))} "$@"\n'
    _program(program, script)
    async with an_office(tmp_path) as office:
        use(office, (str(program),))
        async with office.running():
            program.unlink() if fault == "gone" else program.chmod(0o600)
            thread = await office.mention("hello")
            await office.until_shown(thread, "cannot be started")
            program.unlink(missing_ok=True)
            _program(program, script)
            await thread.say("again")
            await answered(office, thread)


async def test_a3_a_wrong_version_says_what_it_does_not_understand(tmp_path: Path) -> None:
    """A message of its own: the CLI's own words; a spare is not tried again and again either."""
    program = tmp_path / "claude"
    _program(program, "#!/bin/sh\necho \"error: unknown option '--permission-prompt-tool=stdio'\" >&2\nexit 1\n")
    async with an_office(tmp_path) as office:
        use(office, counted(tmp_path, (str(program),)), spares=1)
        async with office.running():
            thread = await office.mention("hello")
            post = await office.until_shown(thread, "ended unexpectedly")
            assert "unknown option" in post.shown
        assert starts(tmp_path) <= 5


async def test_a3_a_cli_that_is_not_logged_in(tmp_path: Path) -> None:
    """A message of its own, with the real CLI and no credentials."""
    async with an_office(tmp_path) as office:
        office.options["bots.main.environment"] = 'ANTHROPIC_API_KEY = ""'
        async with office.running():
            thread = await office.mention("!say hello")
            await office.until_shown(thread, "not logged in")
        assert len(office.posts(thread)) == 1


@pytest.mark.parametrize("mode", ["hang", "stubborn"])
async def test_a4_a_hang_ends_with_the_whole_process_group_and_frees_the_place(tmp_path: Path, mode: str) -> None:
    """No sign of life: ended by force if need be; the only place of the pool is free for the next message."""
    async with an_office(tmp_path) as office:
        use(office, fake(mode, f"--once={tmp_path}/once"), workers=1)
        async with office.running():
            thread = await office.mention("hello")
            await office.until_shown(thread, "no sign of life")
            other = await office.mention("hello", person="bob")
            await answered(office, other)
            assert len(fakes()) == 1
        assert not fakes()


async def test_a4_a_running_tool_is_no_hang(tmp_path: Path) -> None:
    """Silence while a tool runs counts against the tool's own, longer limit."""
    async with an_office(tmp_path) as office:
        use(office, fake("tool"), limits='silence = "0.3s"\ntool = "2s"\nstop = "1s"')
        async with office.running():
            thread = await office.mention("hello")
            post = post_of(await office.until_shown(thread, "no sign of life"))
            assert post.versions[-1].at - post.at > 1.2


async def test_a4_a_hang_after_the_result_delays_nobody(tmp_path: Path) -> None:
    """The answer stands at once; the next message is answered by another process."""
    async with an_office(tmp_path) as office:
        use(office, fake("after_result"), workers=1)
        office.start_within = 1.0
        async with office.running():
            thread = await office.mention("hello")
            await answered(office, thread)
            await thread.say("again")
            await answered(office, thread, times=2)


async def test_a5_a_cli_that_reads_nothing_and_a_prompt_of_a_megabyte(tmp_path: Path) -> None:
    """No deadlock: the question is put to another process, everybody else is served meanwhile."""
    async with an_office(tmp_path) as office:
        use(office, fake("deaf", f"--once={tmp_path}/once"))
        office.start_within = 2.0
        async with office.running():
            thread = await office.mention("x" * MEGABYTE)
            await office.seen(lambda: fakes(), within=10)
            other = await office.mention("hello", person="bob")
            await answered(office, other)
            await answered(office, thread)


async def test_a5_floods_on_both_pipes(tmp_path: Path) -> None:
    """No deadlock: a megabyte on stdout and on stderr before the answer."""
    await _survives(tmp_path, "flood")


@pytest.mark.parametrize("mode", ["garbage", "utf8", "bytes"])
async def test_a6_lines_that_are_none(tmp_path: Path, mode: str) -> None:
    """Skipped, and the turn survives: no JSON, wrong shapes, unknown types, NUL, CR LF, a byte at a time."""
    await _survives(tmp_path, mode)


async def test_a7_a_line_of_10_megabytes_is_an_answer(tmp_path: Path) -> None:
    """It passes the runner whole. What a chat shows of such an answer is row C27's."""
    profile = Profile(tmp_path, command=fake("big10"))
    async with Pool(PoolLimits(spares=0), FAST, ambient=os.environ) as pool, ClaudeRunner(profile, pool) as runner:
        ended = await new_talk(runner, tmp_path).ask("hello", seconds=10)
    assert isinstance(ended, TurnFinished)
    assert len(ended.text) == 10 * MEGABYTE


@pytest.mark.parametrize("mode", ["big100", "endless"])
async def test_a7_a_line_of_100_megabytes_fails_the_turn_in_bounded_memory(tmp_path: Path, mode: str) -> None:
    """Said cleanly; botkit never holds more than one line's limit; the session goes on."""
    async with an_office(tmp_path) as office:
        use(office, fake(mode, f"--once={tmp_path}/once"))
        office.options["claude.limits"] += f"\nline = {4 * MEGABYTE}"
        async with office.running():
            before = psutil.Process().memory_info().rss
            thread = await office.mention("hello")
            await office.until_shown(thread, "does not understand")
            assert psutil.Process().memory_info().rss - before < 40 * MEGABYTE
            await thread.say("again")
            await answered(office, thread)


@pytest.mark.parametrize("mode", ["joined", "deltas", "two_results", "request"])
async def test_a8_an_odd_order_of_lines(tmp_path: Path, mode: str) -> None:
    """Two objects on a line, deltas alone, a second result, an unknown request: one answer a question, in order."""
    await _survives(tmp_path, mode)


async def test_a8_a_result_that_is_an_error_is_no_answer(tmp_path: Path) -> None:
    """The real CLI's error result is told as a failure, once."""
    async with an_office(tmp_path) as office, office.running():
        thread = await office.mention("please !status 400")
        await office.until_shown(thread, "API refused")
    assert len(office.posts(thread)) == 1


async def test_a9_what_a_tool_has_started_ends_with_a_stopped_turn(tmp_path: Path) -> None:
    """The Bash tool's own children are gone when the chat says so, also one that will not be asked to end."""
    async with an_office(tmp_path) as office:
        office.options["bots.main"] = 'allowed_tools = ["Bash"]'
        async with office.running():
            thread = await office.mention('!tool Bash {"command": "trap \'\' INT TERM HUP; setsid sleep 4711; true"}')
            await office.seen(lambda: office.shown(thread), within=10)
            child = await _found("sleep 4711")
            await thread.say("!stop")
            await office.until_shown(thread, "Stopped.")
            assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


async def test_a9_tools_and_workers_are_gone_two_seconds_after_botkit_is_killed(tmp_path: Path) -> None:
    """SIGKILL to botkit: nothing it has started is alive two seconds later."""
    async with an_office(tmp_path) as office:
        office.options["bots.main"] = 'allowed_tools = ["Bash"]'
        process = await office.start()
        thread = await office.mention('!tool Bash {"command": "sh -c \'sleep 4712; true\'"}')
        await office.seen(lambda: office.shown(thread), within=10)
        await _found("sleep 4712", process.pid)
        before = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        await process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, before, 2.0)
        assert not [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


async def test_a9_neither_files_nor_processes_pile_up(tmp_path: Path) -> None:
    """Forty processes started, crashed and closed, and two thousand turns: no zombie, no descriptor more."""
    profile, crashing = Profile(tmp_path, command=fake("normal")), Profile(tmp_path, command=fake("exit1"))
    limits = PoolLimits(max_workers=4, spares=0)
    async with Pool(limits, FAST, ambient=os.environ) as pool, ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, tmp_path)
        await talk.ask("hello")
        before, children = psutil.Process().num_fds(), len(psutil.Process().children(recursive=True))
        for _ in range(2000):
            assert isinstance(await talk.ask("hello", seconds=5), TurnFinished)
        async with ClaudeRunner(crashing, pool) as other:
            for _ in range(10):
                ended = await asyncio.gather(*(new_talk(other, tmp_path).ask("hello") for _ in range(3)))
                assert all(isinstance(each, TurnFailed) for each in ended)
        for _ in range(10):
            await pool.park(talk.session.id)
            assert isinstance(await talk.ask("hello"), TurnFinished)
        assert psutil.Process().num_fds() <= before
        assert len(psutil.Process().children(recursive=True)) == children


async def test_a10_a_machine_short_of_descriptors_is_asked_again(tmp_path: Path) -> None:
    """The spawn fails with EMFILE, is put off and succeeds when there is room; the turn is none the wiser."""
    profile = Profile(tmp_path, command=fake("normal"))
    async with Pool(PoolLimits(spares=0), FAST, ambient=os.environ) as pool, ClaudeRunner(profile, pool) as runner:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 1, hard))
        asyncio.get_running_loop().call_later(0.2, resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        try:
            ended = await new_talk(runner, tmp_path).ask("hello", seconds=10)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert isinstance(ended, TurnFinished)


async def test_a11_a_hundred_messages_at_once_and_ten_places(tmp_path: Path) -> None:
    """Ten processes at most, everybody is answered once, and nine questions do not wait for the ninety before them."""
    async with an_office(tmp_path, limits=False) as office:
        use(office, fake("normal"), workers=10)
        everybody = (office.slack.person("alice"), office.slack.person("bob"), office.slack.app)
        most = 0

        def all_answered(threads: list[SlackThread]) -> bool:
            nonlocal most
            most = max(most, len(fakes()))
            return all("$" in "".join(office.shown(thread)) for thread in threads)

        async def said(person: str, room: Channel) -> SlackThread:
            return SlackThread(office.slack, await office.slack.say(person, room, f"{office.slack.app.mention} hi"))

        async with office.running():
            rooms = [office.slack.channel(f"room-{number}", *everybody) for number in range(9)]
            many = [await said("alice", room) for room in rooms * 10]
            few = [await said("bob", room) for room in rooms]
            await office.seen(lambda: all_answered(few), within=60)
            left = sum("$" not in "".join(office.shown(thread)) for thread in many)
            await office.seen(lambda: all_answered(many), within=120)
        assert most <= 10
        assert left, "the nine did not wait for the ninety"
        assert Counter(len(office.posts(thread)) for thread in many) == {1: 90}


async def test_a11_a_full_queue_is_told_and_nothing_is_dropped_in_silence(tmp_path: Path) -> None:
    """Beyond the places in the queue it is said how many messages were not taken; the others are answered in order."""
    async with an_office(tmp_path) as office:
        office.options["bots.main"] = "queue = 2"
        async with office.running():
            thread = await office.mention("!words 30 50ms")
            await office.until_shown(thread, "word2")
            for number in range(4):
                await thread.say(f"!say number {number}", person="bob")
            post = await office.until_shown(thread, "2 messages were not taken")
            assert "already wait here" in post.shown
            await office.until_shown(thread, "number 1")
            assert sum("number" in each for each in office.shown(thread)) == 2


async def _cut_off_once(root: Path, mode: str) -> None:
    async with an_office(root) as office:
        use(office, fake(mode, f"--once={root}/once"))
        async with office.running():
            thread = await office.mention("hello")
            post = await office.until_shown(thread, "ended unexpectedly")
            assert ("word2" if mode == "die_result" else "partial") in post.shown
            assert "incomplete" in post.shown
            await thread.say("again")
            await answered(office, thread)
            assert len(office.posts(thread)) == 2
            assert await _turns(office, thread) == 2


async def _turns(office: Office, thread: Thread) -> int:
    """The number of turns of the thread's session, as `!status` says it."""
    await thread.say("!status")
    post = await office.until_shown(thread, "turns:")
    return int(post.shown.partition("turns: ")[2].partition(",")[0])


async def _survives(root: Path, mode: str) -> None:
    async with an_office(root) as office:
        use(office, fake(mode))
        async with office.running():
            thread = await office.mention("hello")
            await answered(office, thread)
            await thread.say("again")
            shown = await answered(office, thread, times=2)
        assert [each.count("word0") for each in shown] == [1, 1]


async def _found(command: str, below: int | None = None) -> psutil.Process:
    async with asyncio.timeout(10):
        while True:
            for child in psutil.Process(below).children(recursive=True):
                try:
                    if " ".join(child.cmdline()) == command:
                        return child
                except psutil.NoSuchProcess:
                    continue
            await asyncio.sleep(0.05)  # nothing signals a grandchild's birth


def counted(root: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """The command, which notes each of its starts; being asked its version or its login is none."""
    return (
        "/bin/sh",
        "-c",
        f'case "$*" in *--version | *"auth status") ;; *) echo start >> {shlex.quote(str(root / "starts"))};; esac; '
        'exec "$@"',
        "sh",
        *command,
    )


def starts(root: Path) -> int:
    return len((root / "starts").read_text(encoding="utf-8").splitlines())


def _program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)

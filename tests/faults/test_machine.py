"""The machine under botkit fails: a full disk, a clock that jumps, no more file descriptors, no temporary folder."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.faults.rig import Rig

DISK = 2 * 1024 * 1024
"""Bytes of the small disk."""
TEN_MINUTES = 600.0
SHIFTED = Path(__file__).with_name("shifted.py")


async def test_d31_a_full_disk_costs_no_message_and_no_answer(rig: Rig) -> None:
    """Row D31: a full disk: nothing is acknowledged that would be lost, what runs is answered; then all is well."""
    with _small_disk(rig) as disk:
        rig.store = f"sqlite:///{disk.folder / 'botkit.db'}"
        process = await rig.start()
        running = await rig.ask(1, more="slow2")
        await rig.until_shown(running, "w1.")
        disk.fill(process.pid)
        refused = await rig.ask(2)
        await rig.until_ended(running, 1)
        await rig.until_logged("not_acknowledged")
        assert not rig.posts(refused), "what was not acknowledged is not answered"
        disk.free(process.pid)
        await rig.until_ended(refused, 2)
        after = await rig.ask(3, thread=running)
        await rig.until_ended(after, 3)
        assert [len(rig.posts(thread)) for thread in (running, refused)] == [2, 1]
        assert await rig.end(process) == 0
    assert sorted(rig.turns()) == [1, 2, 3]


async def test_d31_botkit_runs_without_a_temporary_folder_that_can_be_written(rig: Rig) -> None:
    """Row D31: a read-only (here: missing) temporary folder is no reason to lose anything."""
    process = await rig.start(more={"TMPDIR": "/proc/nothing", "TMP": "/proc/nothing", "TEMP": "/proc/nothing"})
    thread = await rig.ask(1)
    await rig.until_ended(thread, 1)
    assert await rig.end(process) == 0


@pytest.mark.parametrize("step", [TEN_MINUTES, -TEN_MINUTES])
async def test_d32_a_clock_that_jumps_disturbs_no_turn(rig: Rig, step: float) -> None:
    """Row D32: ±10 min in mid-turn: no timeout, no second turn, no lost session; the next message is answered."""
    clock = rig.root / "clock"
    rig.command = (sys.executable, str(SHIFTED), str(clock))
    rig.options["claude.limits"] = 'turn = "60s"\nsilence = "20s"'
    process = await rig.start()
    thread = await rig.ask(1, more="slow3")
    await rig.until_shown(thread, "w1.")
    clock.write_text(str(step))
    queued = await rig.ask(2, thread=thread)
    await rig.until_ended(queued, 1, 2)
    clock.write_text("0")
    await rig.ask(3, thread=thread)
    await rig.until_ended(thread, 3)
    assert rig.turns() == [1, 2, 3]
    assert len(rig.posts(thread)) == 3
    assert "❌" not in rig.shown(thread)
    assert not rig.violations()
    assert await rig.end(process) == 0


async def test_d32_after_a_crash_a_clock_set_back_does_not_delay_what_is_left(rig: Rig) -> None:
    """Row D32: leases are counted by the wall clock, but a process that has ended is known to have ended."""
    clock = rig.root / "clock"
    rig.command = (sys.executable, str(SHIFTED), str(clock))
    process = await rig.start()
    thread = await rig.ask(1, more="slow2")
    await rig.until_shown(thread, "w1.")
    process.kill()
    await process.wait()
    clock.write_text(str(-TEN_MINUTES))
    process = await rig.start()
    await rig.until_ended(thread, 1)
    assert len(rig.posts(thread)) == 1
    assert await rig.end(process) == 0


async def test_d32_two_processes_on_one_store_do_not_take_each_other_for_dead(rig: Rig) -> None:
    """Row D32: both clocks jump before either process has said that it lives: no running turn is taken over."""
    clock = rig.root / "clock"
    rig.command = (sys.executable, str(SHIFTED), str(clock))
    first, second = await rig.start(), await rig.start()
    threads = [await rig.ask(number, more="slow3") for number in range(1, 7)]
    for number, thread in enumerate(threads, 1):
        await rig.until_shown(thread, f"w{number}.")
    clock.write_text(str(TEN_MINUTES))
    for number, thread in enumerate(threads, 1):
        await rig.until_ended(thread, number)
    assert sorted(rig.turns()) == [1, 2, 3, 4, 5, 6]
    assert {len(rig.posts(thread)) for thread in threads} == {1}
    assert not rig.violations()
    assert [await rig.end(process) for process in (first, second)] == [0, 0]


@pytest.mark.parametrize(("step", "status"), [(TEN_MINUTES, 401), (0.0, 200), (-TEN_MINUTES, 401)])
async def test_d32_a_signature_is_believed_for_five_minutes_either_way(rig: Rig, step: float, status: int) -> None:
    """Row D32, the signature window: an event signed ten minutes off is refused, and taken when the clocks agree."""
    clock = rig.root / "clock"
    clock.write_text(str(step))
    rig.command = (sys.executable, str(SHIFTED), str(clock))
    rig.port = port = _free_port()
    rig.over_http = True
    process = await rig.start(connected=False)
    await rig.until_logged("ready")
    url = f"http://127.0.0.1:{port}/main/slack/events"
    if step:
        with pytest.raises(ValueError, match="did not echo"):
            await rig.slack.subscribe(url)
    else:
        await rig.slack.subscribe(url)
    assert status == (401 if rig.logged("unverified_request") else 200)
    assert await rig.end(process) == 0


async def test_d34_without_file_descriptors_nothing_is_lost(rig: Rig) -> None:
    """Row D34: connections take every descriptor: the process lives, the running turn is answered, then all is well."""
    rig.port = port = _free_port()
    process = await rig.start()
    thread = await rig.ask(1, more="slow3")
    await rig.until_shown(thread, "w1.")
    watched = psutil.Process(process.pid)
    watched.rlimit(psutil.RLIMIT_NOFILE, (watched.num_fds() + 8, 4096))
    took = [_connected(port) for _ in range(60)]
    began, size = time.monotonic(), rig.log.stat().st_size
    during = await rig.ask(2)
    await rig.until_ended(thread, 1)
    assert process.returncode is None
    assert watched.cpu_percent(0.5) < 60, "it does not spin"
    seconds = time.monotonic() - began
    assert rig.log.stat().st_size - size < 100_000 * max(1.0, seconds), "it does not flood its log"
    for one in took:
        one.close()
    await rig.until(lambda: rig.ended(during, 2) or "❌" in rig.shown(during), lambda: rig.shown(during))
    after = await rig.ask(3)
    await rig.until_ended(after, 3)
    assert [len(rig.posts(one)) for one in (thread, during, after)] == [1, 1, 1]
    assert await rig.end(process) == 0


class _Disk:
    """A folder on a disk of its own; without the right to mount one, a limit on how long files may grow instead."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted

    def fill(self, pid: int) -> None:
        if not self.mounted:
            psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, (4096, -1))
            return
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                return

    def free(self, pid: int) -> None:
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, (-1, -1))


@contextmanager
def _small_disk(rig: Rig) -> Generator[_Disk]:
    folder = rig.root / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield _Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connected(port: int) -> socket.socket:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", port))
    return one

"""botkit is killed: nothing that it has started is left two seconds later."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import psutil

from botkit.claude import keeper
from botkit.claude.environment import MARKER
from botkit.claude.keeping import Keeping
from botkit.claude.options import Profile

HOLDER = """
import asyncio, json, sys
from pathlib import Path
from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from tests.botkit.claude.conftest import new_talk

async def hold(given):
    profile = Profile(Path(given["workdir"]), environment=given["environment"], allowed_tools=("Bash",))
    limits = PoolLimits(max_workers=6, spares=1, freeze_after=0)
    async with Pool(limits, ambient=given["ambient"]) as pool, ClaudeRunner(profile, pool) as runner:
        def talk():
            return new_talk(runner, profile.workdir)
        idle, frozen, streaming, tool = talk(), talk(), talk(), talk()
        await idle.ask("!say hello")
        await frozen.ask("!say hello")
        pool.find(frozen.session.id).freeze()
        tool_prompt = "!tool Bash " + json.dumps({"command": given["write"]})
        tasks = [asyncio.create_task(each) for each in (
            streaming.ask("!words 5000 20ms", seconds=60), tool.ask(tool_prompt, seconds=60),
        )]
        while not (Path(given["workdir"]) / "grows").exists() or not streaming.text:
            await asyncio.sleep(0.05)
        print("READY", pool._keeping.instance, *sorted(pool.state(worker) for worker in pool.workers), flush=True)
        await asyncio.wait(tasks)

asyncio.run(hold(json.loads(sys.argv[1])))
"""
WRITE = "while true; do date +%N >> grows; sleep 0.05; done"


async def test_nothing_is_left_two_seconds_after_botkit_is_killed(
    profile: Profile, ambient: dict[str, str], workdir: Path
) -> None:
    given = {
        "workdir": str(workdir),
        "environment": dict(profile.environment),
        "ambient": ambient,
        "write": WRITE,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLDER,
        msgspec.json.encode(given).decode(),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={"PATH": os.environ["PATH"], "HOME": ambient["HOME"]},
    )
    assert child.stdout
    async with asyncio.timeout(20):
        said: list[str] = []
        while said[:1] != ["READY"]:
            said = (await child.stdout.readline()).decode().split()
    _, instance, *states = said
    assert states.count("busy") == 2
    assert {"idle", "frozen", "spare"} <= set(states)
    marker = f"{MARKER}={instance}."
    before = keeper.marked(marker)
    assert len(before) >= 6
    child.kill()
    await child.wait()
    await asyncio.sleep(2.0)  # the promise: two seconds
    left = [each for each in before if psutil.pid_exists(each) and psutil.Process(each).status() != "zombie"]
    assert not left
    assert not keeper.marked(marker)
    size = _size(workdir / "grows")
    await asyncio.sleep(0.3)  # whether it still grows can only be seen by waiting
    assert 0 < _size(workdir / "grows") == size


async def test_the_keeper_is_small_and_deaf_to_the_terminal() -> None:
    async with Keeping() as keeping:
        process = psutil.Process(keeping.pid)
        assert os.getsid(process.pid) == process.pid
        async with asyncio.timeout(5):
            while not _ignores(process.pid):  # noqa: ASYNC110 (it does not tell)
                await asyncio.sleep(0.01)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        assert process.memory_info().rss < 16 * 1024 * 1024
        await keeping.ensure()
        assert keeping.pid == process.pid
    assert not psutil.pid_exists(process.pid)


async def test_a_keeper_that_was_killed_is_replaced() -> None:
    async with Keeping() as keeping:
        first = keeping.pid
        psutil.Process(first).kill()
        async with asyncio.timeout(5):
            while psutil.pid_exists(first):  # noqa: ASYNC110 (until it has been reaped)
                await asyncio.sleep(0.01)
        await keeping.ensure()
        assert keeping.pid != first


def _ignores(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) & (1 << (signal.SIGHUP - 1)))


def _size(path: Path) -> int:
    return path.stat().st_size

"""Ends the workers and tools that a killed botkit leaves behind. A process of its own; standard library only.

Started as `python -I -S keeper.py MARKER`. It waits on its standard input, a pipe whose other end only botkit holds:
when botkit is gone, for whatever reason, the pipe ends, and so does every process whose environment carries the
marker, and their descendants.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 0.7
"""Seconds between asking (SIGTERM) and forcing (SIGKILL)."""
LIMIT = 5.0
"""Seconds after which the keeper gives up on processes that cannot be killed."""
STEP = 0.05


def marked(marker: str, root: int = 0) -> set[int]:
    """`root`, the processes whose environment holds `marker`, and all their descendants, without this one."""
    table = _proc(marker, root) if Path("/proc/self/environ").exists() else _ps(marker)
    found = {pid for pid, (_, hit) in table.items() if hit or pid == root}
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in table.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {os.getpid()}


def _proc(marker: str, root: int) -> dict[int, tuple[int, bool]]:
    """pid → (parent, carries the marker), from /proc. Zombies are left out."""
    table: dict[int, tuple[int, bool]] = {}
    needle, since = marker.encode(), 0
    with contextlib.suppress(OSError):
        since = _born(_read(str(root), "stat")) if root else 0
    for entry in os.scandir("/proc"):
        name = entry.name
        if not name.isdigit():
            continue
        try:
            stat = _read(name, "stat")
            state, parent = stat[stat.rindex(b")") + 2 :].split()[:2]
            if state in (b"Z", b"X"):
                continue
            # Who was there before the root cannot have the marker from it, and an environment is dear to read.
            hit = _born(stat) >= since and needle in _environ(name)
        except OSError:
            continue
        table[int(name)] = (int(parent), hit)
    return table


def _environ(pid: str) -> bytes:
    try:
        return _read(pid, "environ")
    except OSError:
        return b""  # another user's process: only its descent counts


def _born(stat: bytes) -> int:
    """When it began, in ticks since the machine did."""
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


def _read(pid: str, name: str) -> bytes:
    """Not with `Path`, which takes longer than the reading: hundreds are read each time a worker ends."""
    file = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
    try:
        said = os.read(file, 1 << 16)
        while more := os.read(file, 1 << 16):
            said += more
        return said
    finally:
        os.close(file)


def _ps(marker: str) -> dict[int, tuple[int, bool]]:
    """The same from `ps`, for systems without /proc."""
    listed = subprocess.run(["ps", "axeww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=False)
    table: dict[int, tuple[int, bool]] = {}
    for line in listed.stdout.splitlines():
        pid, parent, command = (*line.split(None, 2), "", "", "")[:3]
        if pid.isdigit() and parent.isdigit():
            table[int(pid)] = (int(parent), marker in command)
    return table


def end(marker: str) -> None:
    """SIGTERM, a short wait, SIGKILL, until none is left; stopped processes are continued so that they can end."""
    started = time.monotonic()
    asked: set[int] = set()
    while (now := time.monotonic()) < started + LIMIT:
        left = marked(marker) | {pid for pid in asked if _alive(pid)}
        if not left:
            return
        force = now >= started + PATIENCE
        for pid in left if force else left - asked:
            _signal(pid, signal.SIGKILL if force else signal.SIGTERM)
            _signal(pid, signal.SIGCONT)
        asked |= left
        time.sleep(STEP)


def _alive(pid: int) -> bool:
    """Still there, and not a zombie."""
    try:
        stat = _read(str(pid), "stat")
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 :][:1] not in (b"Z", b"X")


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end(sys.argv[1])


if __name__ == "__main__":
    main()

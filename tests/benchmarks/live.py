"""A bare worker as botkit runs them, for benchmarks of what is under the bot: live processes without a chat."""

from __future__ import annotations

import stat
import sys
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.process import use_pidfd_watcher
from botkit.claude.runner import ClaudeRunner
from botkit.events import TurnEvent
from botkit.model import Conversation, Session, Turn, User
from tests.benchmarks import stub

Seen = Callable[[TurnEvent], None]


def make_stub(root: Path) -> Path:
    """The stub CLI as one executable file, started by this Python without its packages."""
    made = root / "stub"
    made.write_text(f"#!{sys.executable} -SE\n{Path(stub.__file__).read_text(encoding='utf-8')}", encoding="utf-8")
    made.chmod(made.stat().st_mode | stat.S_IXUSR)
    return made


@asynccontextmanager
async def pooled(root: Path, cli: Path, count: int) -> AsyncGenerator[tuple[Pool, ClaudeRunner, Sequence[Session]]]:
    """So many live sessions, each of which has answered once."""
    use_pidfd_watcher()
    profile = Profile(root, command=(str(cli),))
    limits = PoolLimits(max_workers=count, memory=1_000_000, spares=0, freeze_after=0)
    ambient = {"PATH": "/usr/bin:/bin", "HOME": str(root)}
    async with Pool(limits, ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        made = [new_session(root) for _ in range(count)]
        for session in made:
            await turn(runner, session, "1", fresh=True)
        yield pool, runner, made


@asynccontextmanager
async def sessions(root: Path, cli: Path, count: int) -> AsyncGenerator[tuple[ClaudeRunner, Sequence[Session]]]:
    async with pooled(root, cli, count) as (_, runner, made):
        yield runner, made


async def turn(runner: ClaudeRunner, session: Session, prompt: str, *, fresh: bool = False) -> int:
    """Run one turn to its outcome; returns how many events it had."""
    where = Conversation("bench", "", session.id)
    asked = Turn(uuid.uuid4().hex, where, User("ann"), prompt, session, fresh)
    count = 0
    async with runner.start(asked) as events:
        async for _ in events:
            count += 1
    return count


def new_session(root: Path) -> Session:
    id = str(uuid.uuid4())
    return Session(id, "bench", f"bench/{id}", str(root), "ann", 0.0, 0.0)

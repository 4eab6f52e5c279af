"""The real CLI with a private home and the loopback model, and the fake one, for the tests of the workers."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from botkit.claude.options import PoolLimits, Profile, TurnLimits
from botkit.claude.pool import Pool
from botkit.claude.process import use_pidfd_watcher
from botkit.claude.runner import ClaudeRunner
from botkit.events import Decision, Outcome, TextDelta, TurnEvent, TurnFailed, TurnFinished
from botkit.model import Conversation, Session, Turn, Upload, User
from botkit.testing.model import LoopbackModel

LIMITS = PoolLimits(max_workers=3, spares=0)
FAST = TurnLimits(turn=8.0, silence=0.6, tool=0.6, start=0.6, stop=0.5, line=16 * 1024 * 1024)
"""Limits for the fake CLI, so that a test of a hang is over soon."""


@dataclass
class Talk:
    """Asks a runner, one turn after the other, and keeps the session as a bot would."""

    runner: ClaudeRunner
    workdir: Path
    session: Session
    fresh: bool = True
    events: list[TurnEvent] = field(default_factory=list[TurnEvent])

    def turn(self, prompt: str, *, author: str = "U1", files: tuple[Upload, ...] = ()) -> Turn:
        conversation = Conversation("test", "T", "C", self.session.id)
        turn = Turn(uuid.uuid4().hex, conversation, User(author), prompt, self.session, self.fresh, files)
        self.fresh = False
        return turn

    async def ask(
        self,
        prompt: str,
        *,
        decide: Callable[[TurnEvent], Decision | None] | None = None,
        seconds: float = 15.0,
        author: str = "U1",
        files: tuple[Upload, ...] = (),
    ) -> Outcome:
        """One turn; `decide` answers approvals and questions."""
        self.events = []
        async with (
            asyncio.timeout(seconds),
            self.runner.start(self.turn(prompt, author=author, files=files)) as events,
        ):
            async for event in events:
                self.events.append(event)
                if decide and (decision := decide(event)):
                    assert await self.runner.answer(getattr(event, "id", ""), decision)
        last = self.events[-1]
        assert isinstance(last, TurnFinished | TurnFailed)
        return last

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta) and not event.parent)


@pytest.fixture(autouse=True)
async def watcher() -> None:
    use_pidfd_watcher()


@pytest.fixture
async def model() -> AsyncIterator[LoopbackModel]:
    async with LoopbackModel() as model:
        yield model


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture
def ambient(model: LoopbackModel, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {**model.environment(home), "TMPDIR": str(tmp_path)}


@pytest.fixture
def profile(workdir: Path, ambient: dict[str, str]) -> Profile:
    """Of the real CLI."""
    names = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING")
    return Profile(workdir, environment={name: ambient[name] for name in names})


@pytest.fixture
def fake(workdir: Path) -> Callable[..., Profile]:
    def make(mode: str, *flags: str) -> Profile:
        return Profile(workdir, command=(sys.executable, "-m", "botkit.testing.fake_cli", f"--mode={mode}", *flags))

    return make


@pytest.fixture
async def pool(ambient: dict[str, str]) -> AsyncIterator[Pool]:
    async with Pool(LIMITS, ambient=ambient) as pool:
        yield pool


@pytest.fixture
async def runner(pool: Pool, profile: Profile) -> AsyncIterator[ClaudeRunner]:
    async with ClaudeRunner(profile, pool) as runner:
        yield runner


def new_talk(runner: ClaudeRunner, workdir: Path, id: str = "") -> Talk:
    id = id or str(uuid.uuid4())
    return Talk(runner, workdir, Session(id, "bot", "bot/c", str(workdir), "U1", 0.0, 0.0))


@pytest.fixture
def talk(runner: ClaudeRunner, workdir: Path) -> Talk:
    return new_talk(runner, workdir)

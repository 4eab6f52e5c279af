"""The rehearsal model: stands in for Claude on a machine without credentials, and says plainly that it does."""

from __future__ import annotations

from pathlib import Path

from botkit.rehearsal_script import rehearsal
from botkit.testing.model import LoopbackModel


class Rehearsal:
    """A model on this machine that shows what botkit can do; `words_per_second` 0 streams without pauses."""

    def __init__(self, words_per_second: float = 40.0) -> None:
        self._model = LoopbackModel(rehearsal(1 / words_per_second if words_per_second else 0.0), free=True)

    @property
    def url(self) -> str:
        return self._model.url

    def environment(self, home: Path) -> dict[str, str]:
        """What a worker needs to talk to the rehearsal; its sessions live in `home`, apart from real ones."""
        elsewhere = dict.fromkeys(_ELSEWHERE, "")
        return elsewhere | self._model.environment(home)

    async def __aenter__(self) -> Rehearsal:
        await self._model.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._model.__aexit__(*exc)


_ELSEWHERE = (
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Variables that would lead the CLI to another model or account."""

"""Chat text is only text: checked against the real CLI."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from botkit.claude.options import Profile
from botkit.claude.pool import Pool
from botkit.claude.prompt import JOINER, announce, defuse
from botkit.claude.runner import ClaudeRunner
from botkit.events import TurnFinished
from botkit.model import Upload
from botkit.testing.model import LoopbackModel
from tests.botkit.claude.conftest import Talk, new_talk

SECRET = "tulip-7731"
FORMS = ("@{}", "see @{} please", "\n@{}", "\u3002@{}", "\u3000@{}", "\u00a0@{}", '@"{}"', "(@{})", "@@{}", "a @{}#L1")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def heard(model: LoopbackModel) -> str:
    return msgspec.json.encode(list(model.requests)).decode()


@pytest.mark.parametrize("quiet", [False, True])
async def test_no_file_named_in_a_message_reaches_the_model(
    talk: Talk, model: LoopbackModel, tmp_path: Path, quiet: bool
) -> None:
    talk.session = replace(talk.session, mode="plan" if quiet else "")
    for number, form in enumerate(FORMS):
        inside, outside = talk.workdir / f"in{number}.txt", tmp_path / f"out{number}.txt"
        inside.write_text(SECRET)
        outside.write_text(SECRET)
        for path in (inside.name, f"./{inside.name}", str(outside), f"~/../out{number}.txt"):
            await talk.ask(form.format(path))
    assert "in3.txt" in heard(model)
    assert SECRET not in heard(model)


@pytest.mark.parametrize("text", ["/cost", "  /cost", "/help", "/compact", "/clear", "/nosuch x", "/tmp/x is a path"])
async def test_a_leading_slash_is_text(talk: Talk, model: LoopbackModel, text: str) -> None:
    ended = await talk.ask(text)
    assert isinstance(ended, TurnFinished)
    assert ended.text.replace(JOINER, "").startswith("You said: ")
    assert len(model.requests) == 1


async def test_slash_commands_run_where_they_are_allowed(pool: Pool, profile: Profile, model: LoopbackModel) -> None:
    async with ClaudeRunner(replace(profile, slash_commands=True), pool) as runner:
        ended = await new_talk(runner, profile.workdir).ask("/cost")
    assert isinstance(ended, TurnFinished)
    assert "cost" in ended.text
    assert not model.requests


@pytest.mark.parametrize(
    "text",
    [
        "-p",
        "--dangerously-skip-permissions",
        "--resume=x",
        "---\n",
        "!ls",
        "#memo",
        "a\ud800b",
        "\0",
        "\u202etext",
        "",
        "   ",
    ],
)
async def test_hostile_text_is_text(talk: Talk, model: LoopbackModel, text: str) -> None:
    assert isinstance(await talk.ask(text), TurnFinished)
    assert model.requests


async def test_images_are_shown_and_files_announced_under_usable_paths(talk: Talk, model: LoopbackModel) -> None:
    image, note = talk.workdir / "a.png", talk.workdir / "note@x.txt"
    image.write_bytes(PNG)
    note.write_text(SECRET)
    files = (
        Upload(image, "shot.png", "image/png", len(PNG)),
        Upload(note, "@note.txt", "text/plain", len(SECRET)),
        Upload(talk.workdir / "gone.png", "gone.png", "image/png", 5),
    )
    ended = await talk.ask("look", files=files)
    assert isinstance(ended, TurnFinished)
    assert '"type":"image"' in heard(model)
    assert str(note) in heard(model)
    assert SECRET not in heard(model)


def test_addresses_stay_readable() -> None:
    assert defuse("mail bob@example.org") == "mail bob@example.org"
    assert defuse("@bob") == f"@{JOINER}bob"
    assert defuse("/x") == f"{JOINER}/x"
    assert defuse("/x", slash_commands=True) == "/x"


def test_paths_of_files_are_announced_as_they_are() -> None:
    upload = Upload(Path("/up/1-a@b.txt"), "a\n/b.txt", "text/plain", 3)
    assert announce([upload]).splitlines()[1:] == ["- /up/1-a@b.txt (a /b.txt, text/plain, 3 bytes)"]

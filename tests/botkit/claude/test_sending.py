from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from botkit.claude.options import Profile
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.claude.sending import Given, Place, take
from botkit.errors import Refused
from botkit.events import ApprovalAsked, FileOffered, ToolFinished, TurnEvent, TurnFinished
from botkit.folders import upload_folder
from botkit.testing.model import LoopbackModel
from tests.botkit.claude.conftest import LIMITS, Talk, new_talk

REFUSED = "outside the working directory"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("work", "more", "work/sub"):
        (tmp_path / name).mkdir()
    for name in ("work/a.txt", "work/sub/b.txt", "more/c.txt", "secret.txt"):
        (tmp_path / name).write_text(f"this is {name}", encoding="utf-8")
    (tmp_path / "work/empty.txt").touch()
    (tmp_path / "work/big.bin").write_bytes(b"x" * 2001)
    os.mkfifo(tmp_path / "work/pipe")
    (tmp_path / "work/here").symlink_to("a.txt")
    (tmp_path / "work/there").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "work/up").symlink_to(tmp_path)
    (tmp_path / "work/round").symlink_to("round")
    return Place(tmp_path / "work", (tmp_path / "more",), "s1", 2000)


@pytest.mark.parametrize(
    ("path", "name", "held"),
    [
        ("a.txt", "a.txt", "work/a.txt"),
        ("./sub/../a.txt", "a.txt", "work/a.txt"),
        ("sub/b.txt", "b.txt", "work/sub/b.txt"),
        ("../more/c.txt", "c.txt", "more/c.txt"),
        ("{root}/more/c.txt", "c.txt", "more/c.txt"),
        ("here", "here", "work/a.txt"),
        ("up/work/a.txt", "a.txt", "work/a.txt"),
    ],
)
def test_a_file_where_claude_may_work_is_taken(place: Place, tmp_path: Path, path: str, name: str, held: str) -> None:
    offered = take(Given(path.format(root=tmp_path), " look "), place)
    assert (offered.name, offered.caption, offered.path) == (name, "look", tmp_path / held)
    assert offered.copy.read_text(encoding="utf-8") == f"this is {held}"
    assert offered.copy.parent == tmp_path / "work/.botkit/uploads/s1"
    assert offered.copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../secret.txt", REFUSED),
        ("{root}/secret.txt", REFUSED),
        ("/etc/passwd", REFUSED),
        ("/proc/self/environ", REFUSED),
        ("there", REFUSED),
        ("up/secret.txt", REFUSED),
        ("nothing.txt", "does not exist"),
        ("a.txt/x", "Not a directory"),
        ("round", "symbolic links"),
        ("sub", "not a regular file"),
        (".", "not a regular file"),
        ("pipe", "not a regular file"),
        ("empty.txt", "is empty"),
        ("big.bin", "larger than 2000 bytes"),
        ("a\0b", "null"),
        ("x" * 5000, "too long"),
    ],
)
def test_anything_else_is_refused_in_words(place: Place, tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises((Refused, OSError, ValueError), match=why):
        take(Given(path.format(root=tmp_path)), place)
    assert [each.name for each in tmp_path.glob("work/.botkit/uploads/s1/*")] == []


def test_what_other_sessions_were_sent_is_theirs(place: Place) -> None:
    own, other = upload_folder(place.workdir, "s1"), upload_folder(place.workdir, "s2")
    for folder in (own, other):
        (folder / "x.txt").write_text("x", encoding="utf-8")
    assert take(Given(str(own / "x.txt")), place).name == "x.txt"
    for path in (other / "x.txt", place.workdir / ".botkit/.gitignore", own / "../s2/x.txt"):
        with pytest.raises(Refused, match="another session"):
            take(Given(str(path)), place)


def test_the_same_file_has_one_id_and_another_content_another(place: Place) -> None:
    first, again = take(Given("a.txt"), place), take(Given("a.txt", "once more"), place)
    assert (first.id, first.copy) == (again.id, again.copy)
    (place.workdir / "a.txt").write_text("changed", encoding="utf-8")
    changed = take(Given("a.txt"), place)
    assert changed.id != first.id
    assert first.copy.read_text(encoding="utf-8") == "this is work/a.txt"
    assert take(Given("here"), place).id != changed.id, "another name is another file"


def test_a_workdir_that_is_a_link_is_no_escape(place: Place, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(place.workdir)
    aliased = replace(place, workdir=tmp_path / "alias")
    assert take(Given("a.txt"), aliased).path == tmp_path / "work/a.txt"
    with pytest.raises(Refused):
        take(Given("../secret.txt"), aliased)


def test_a_folder_for_copies_that_leads_elsewhere_is_not_used(place: Place, tmp_path: Path) -> None:
    (place.workdir / ".botkit").symlink_to(tmp_path / "more")
    with pytest.raises(Refused):
        take(Given("a.txt"), place)
    assert [each.name for each in (tmp_path / "more").iterdir()] == ["c.txt"]


def use(path: str, caption: str = "") -> str:
    given = msgspec.json.encode({"path": path, "caption": caption}).decode()
    return f"!tool mcp__botkit__send_file {given}"


def offered(talk: Talk) -> list[FileOffered]:
    return [event for event in talk.events if isinstance(event, FileOffered)]


@pytest.mark.parametrize("mode", ["default", "plan", "dontAsk"])
async def test_claude_sends_a_file_and_nobody_is_asked(pool: Pool, profile: Profile, workdir: Path, mode: str) -> None:
    (workdir / "report.txt").write_text("all is well", encoding="utf-8")
    async with ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, workdir)
        talk.session = replace(talk.session, mode=mode)
        ended = await talk.ask(f"{use('report.txt', 'look')}\n!result")
    assert isinstance(ended, TurnFinished)
    assert "is being sent" in ended.text
    (file,) = offered(talk)
    assert (file.name, file.caption, file.copy.read_text(encoding="utf-8")) == ("report.txt", "look", "all is well")
    assert not [event for event in talk.events if isinstance(event, ApprovalAsked)]


@pytest.mark.parametrize("trusted", [False, True])
async def test_the_tool_is_there_beside_the_operator_s_own_servers(
    pool: Pool, profile: Profile, workdir: Path, model: LoopbackModel, trusted: bool
) -> None:
    (workdir / "report.txt").write_text("all is well", encoding="utf-8")
    servers = '{"mcpServers":{"botkit":{"command":"/bin/false"},"mine":{"command":"/bin/false"}}}'
    profile = replace(profile, mcp_config=(servers,), trust_workdir=trusted, disallowed_tools=("Bash",))
    async with ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, workdir)
        ended = await talk.ask(f"{use('report.txt')}\n!result")
    assert isinstance(ended, TurnFinished)
    assert len(offered(talk)) == 1
    assert "mcp__botkit__send_file" in model.asks[0].tools
    assert "Bash" not in model.asks[0].tools


async def test_an_operator_can_take_the_tool_away(pool: Pool, profile: Profile, workdir: Path) -> None:
    (workdir / "report.txt").write_text("all is well", encoding="utf-8")
    profile = replace(profile, disallowed_tools=("mcp__botkit__send_file",))
    async with ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, workdir)
        await talk.ask(f"{use('report.txt')}\n!result")
    assert offered(talk) == []


@pytest.mark.parametrize(
    ("directive", "why"),
    [
        (use("/etc/passwd"), REFUSED),
        (use("nothing.txt"), "does not exist"),
        (use("  "), "`path` is empty"),
        ("!tool mcp__botkit__send_file {}", "path"),
    ],
)
async def test_claude_is_told_why_a_file_is_not_sent(talk: Talk, directive: str, why: str) -> None:
    ended = await talk.ask(f"{directive}\n!result")
    assert isinstance(ended, TurnFinished)
    assert why in ended.text
    assert [event.ok for event in talk.events if isinstance(event, ToolFinished)] == [False]
    assert offered(talk) == []


async def test_claude_hears_of_it_only_when_the_reader_has_dealt_with_it(
    profile: Profile, ambient: dict[str, str], workdir: Path, model: LoopbackModel
) -> None:
    (workdir / "report.txt").write_text("all is well", encoding="utf-8")
    async with Pool(LIMITS, ambient=ambient) as pool, ClaudeRunner(profile, pool) as runner:
        talk = new_talk(runner, workdir)
        async with asyncio.timeout(15), runner.start(talk.turn(f"{use('report.txt')}\n!say done")) as events:
            async for event in events:
                if isinstance(event, FileOffered):
                    break
            before = len(model.asks)
            rest = [event async for event in events]
        assert before == 1
        assert isinstance(rest[-1], TurnFinished)


async def test_a_turn_that_is_stopped_while_a_file_is_taken_ends(talk: Talk, workdir: Path) -> None:
    (workdir / "report.txt").write_text("all is well", encoding="utf-8")
    seen: list[TurnEvent] = []
    async with asyncio.timeout(15), talk.runner.start(talk.turn(f"{use('report.txt')}\n!words 500 20ms")) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, FileOffered):
                assert await talk.runner.stop(talk.session.id)
    assert sum(isinstance(event, FileOffered) for event in seen) == 1
    assert isinstance(await talk.ask("!say on"), TurnFinished)

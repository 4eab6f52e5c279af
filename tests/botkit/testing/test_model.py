"""The real CLI completes real turns against the loopback model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import aiohttp
import msgspec
import pytest

from botkit.testing.model import LoopbackModel
from botkit.testing.model_script import Ask, Step, Text, Tool
from tests.botkit.testing.live_cli import LiveCli, live_cli


@pytest.fixture
async def model() -> AsyncIterator[LoopbackModel]:
    async with LoopbackModel() as model:
        yield model


def start(model: LoopbackModel, home: Path, *more: str) -> AbstractAsyncContextManager[LiveCli]:
    return live_cli(model.environment(home), home, *more)


async def test_an_ordinary_prompt_is_echoed(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        assert await cli.turn("good morning") == "You said: good morning"
    assert model.asks[-1].prompt == "good morning"
    assert model.requests[-1]["stream"] is True


async def test_words_and_thinking_arrive_piece_by_piece(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        assert await cli.turn("please !think let me see\n!words 5 5ms") == "word1 word2 word3 word4 word5"
        assert cli.deltas("thinking") == ["let", " me", " see"]
        assert cli.deltas("text") == ["word1", " word2", " word3", " word4", " word5"]


async def test_a_tool_is_really_run_and_the_script_goes_on_after_it(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        cli.prompt('!say first\n!tool Bash {"command": "echo made > made.txt"}\n!result\n!say last')
        cli.allow(await cli.next("control_request"))
        result = str((await cli.next("result"))["result"])
    assert (tmp_path / "made.txt").read_text() == "made\n"
    assert result.endswith("last")
    assert [ask.round for ask in model.asks] == [0, 1]


async def test_two_tools_are_called_in_one_answer(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        both = '!tools Bash {"command": "echo one"}\n!tool Bash {"command": "echo two"}\n!result'
        assert await cli.turn(both) == "The tool answered: two"
    assert [(ask.round, ask.results) for ask in model.asks] == [(0, ()), (1, ("one", "two"))]


async def test_a_question_is_asked_and_its_answer_reaches_the_model(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        cli.prompt("!ask Which colour? | Red | Blue\n!result")
        cli.allow(await cli.next("control_request"), answers={"Which colour?": "Blue"})
        assert '"Which colour?"="Blue"' in str((await cli.next("result"))["result"])


async def test_a_session_goes_on_after_the_process_ended(model: LoopbackModel, tmp_path: Path) -> None:
    session = str(uuid4())
    async with start(model, tmp_path, f"--session-id={session}") as cli:
        await cli.turn("the first prompt")
    async with start(model, tmp_path, f"--resume={session}") as cli:
        assert await cli.turn("!history") == "I see 2 prompts.\n- the first prompt"


async def test_an_overload_passes_after_some_tries(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        assert await cli.turn("!status 529 1\n!say recovered") == "recovered"
        assert [line["error_status"] for line in cli.lines if line.get("subtype") == "api_retry"] == [529]
        assert await cli.turn("!say half \n!cut 1\n!say whole") == "whole"
        assert cli.deltas("text")[1:] == ["half", "whole"]


async def test_an_interrupt_ends_a_hanging_answer_and_the_next_prompt_is_read_alone(
    model: LoopbackModel, tmp_path: Path
) -> None:
    async with start(model, tmp_path) as cli:
        cli.prompt("!say begun\n!hang")
        await cli.next("stream_event")
        cli.interrupt()
        assert (await cli.next("result"))["terminal_reason"] == "aborted_streaming"
        assert await cli.turn("!say usable") == "usable"
    assert [ask.prompt for ask in model.asks] == ["!say begun\n!hang", "!say usable"]


async def test_a_line_of_three_million_characters_arrives_whole(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        assert await cli.turn("!huge 3000000") == "x" * 3_000_000
        assert [len(piece) for piece in cli.deltas("text")] == [3_000_000]


async def test_a_long_answer_has_code_and_a_table(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        answer = await cli.turn("!markdown 30000")
    assert 30_000 < len(answer) < 31_000
    assert "```python" in answer
    assert "| --- |" in answer


async def test_a_todo_list_can_be_kept(model: LoopbackModel, tmp_path: Path) -> None:
    todo = '!tool TodoWrite {"todos": [{"content": "Look", "status": "pending", "activeForm": "Looking"}]}\n!result'
    async with start(model, tmp_path) as cli:
        assert "Todos have been modified" in await cli.turn(todo)


async def test_directives_are_found_in_lines_that_were_changed_on_the_way(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        answer = await cli.turn(
            "Earlier in the thread:\n> @\u2060somebody: hello\n\n@\u2060bot !say @\u2060bot is here"
        )
    assert answer == "@bot is here"


async def test_a_directive_that_makes_no_sense_says_so(model: LoopbackModel, tmp_path: Path) -> None:
    async with start(model, tmp_path) as cli:
        assert "cannot do `!words many`" in await cli.turn("!words many")


async def test_a_script_of_ones_own_decides_what_is_done(tmp_path: Path) -> None:
    def script(ask: Ask) -> list[Step]:
        return [Tool("Bash", {"command": "pwd"}), Text((f"it was {ask.results[-1:]} for {ask.prompt}",))]

    async with LoopbackModel(script) as model, start(model, tmp_path) as cli:
        assert await cli.turn("where") == f"it was {(str(tmp_path),)} for where"


async def test_a_request_that_does_not_stream_gets_one_body(model: LoopbackModel) -> None:
    async with aiohttp.ClientSession(model.url) as http:
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": '!think a b\n!say hi\n!tool Bash {"command": "ls"}'}],
        }
        async with http.post("/v1/messages", json=body) as response:
            message = msgspec.json.decode(await response.read(), type=dict[str, object])
        blocks = msgspec.convert(message["content"], list[dict[str, object]])
        assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]
        assert (blocks[1]["text"], blocks[2]["input"], message["stop_reason"]) == ("hi", {"command": "ls"}, "tool_use")
        body["messages"] = [{"role": "user", "content": "!status 401"}]
        async with http.post("/v1/messages", json=body) as response:
            assert response.status == 401
        body["messages"] = [{"role": "user", "content": "!cut"}]
        with pytest.raises(aiohttp.ClientError):
            await http.post("/v1/messages", json=body)
        async with http.head("/") as response:
            assert response.status == 200
        async with http.post("/v1/messages/count_tokens", json=body) as response:
            assert "input_tokens" in await response.text()

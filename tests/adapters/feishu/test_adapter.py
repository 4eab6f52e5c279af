"""Starting, asking how the account is, settings, and what the SDK costs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.feishu import FeishuSettings, plugin
from adapters.feishu.api import Api
from adapters.feishu.scopes import NEEDS, missing
from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.wire import Json
from botkit.errors import AdapterError, Gone, NotAllowed, Unreachable
from botkit.model import Attachment
from botkit.plugins import Setup
from tests.adapters.feishu.rig import Bot, adapter_for

GRANTED = {need.scope for need in NEEDS}


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        loopback.app.scopes |= GRANTED
        yield loopback


async def test_the_doctor_names_the_bot(feishu: LoopbackFeishu) -> None:
    said = await adapter_for(feishu).check()
    assert said == f"claude ({feishu.open_id(feishu.app)}) at {feishu.url}"


async def test_a_call_under_way_while_the_adapter_leaves_may_be_tried_again(feishu: LoopbackFeishu) -> None:
    api = Api(feishu.app.id, feishu.app.secret, feishu.url)
    for steps in range(30):
        async with api.connected():
            calls = [asyncio.create_task(api.call("GET", "/open-apis/bot/v3/info")) for _ in range(2)]
            for _ in range(steps):
                await asyncio.sleep(0)
        for said in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(said, dict | Unreachable), steps


async def test_the_doctor_names_each_missing_scope_and_what_it_is_for(feishu: LoopbackFeishu) -> None:
    feishu.app.scopes -= {"cardkit:card:write", "im:resource", "im:message.group_msg"}
    with pytest.raises(NotAllowed, match=r"cardkit:card:write \(.*streaming.*\)") as problem:
        await adapter_for(feishu).check()
    assert "im:resource" in str(problem.value)
    assert "group_msg" not in str(problem.value), "that one is optional"


def test_a_wider_scope_does_as_well() -> None:
    wide = {"im:message", "im:message.p2p_msg", "im:message.group_at_msg", "im:resource", "cardkit:card:write"}
    assert missing(wide) == ()
    assert {need.scope for need in missing(wide - {"im:message"})} == {
        "im:message:send_as_bot",
        "im:message:update",
        "im:message:readonly",
        "im:message.reactions:write_only",
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"app_secret": "wrong"}, "app_secret is wrong"), ({"app_id": "cli_wrong"}, "app_id or app_secret")],
)
async def test_wrong_credentials_are_told_at_the_start(feishu: LoopbackFeishu, changes: Json, says: str) -> None:
    with pytest.raises(NotAllowed, match=says):
        async with adapter_for(feishu, **changes).connect(Bot(feishu)):
            pass


async def test_an_app_without_a_bot_is_told_what_to_add(feishu: LoopbackFeishu) -> None:
    feishu.app.bot_enabled = False
    with pytest.raises(NotAllowed, match="Add Features -> Bot"):
        async with adapter_for(feishu).connect(Bot(feishu)):
            pass


async def test_a_missing_scope_is_told_with_its_name(feishu: LoopbackFeishu, tmp_path: Path) -> None:
    feishu.app.scopes.discard("im:message")
    feishu.app.scopes.discard("im:message:readonly")
    with pytest.raises(NotAllowed, match="add the scope im:message"):
        await adapter_for(feishu).download(Attachment("om_1/file/k", "x", "text/plain", 0), tmp_path / "x")


async def test_a_file_arrives_byte_for_byte(feishu: LoopbackFeishu, tmp_path: Path) -> None:
    bot, adapter = Bot(feishu), adapter_for(feishu)
    data = bytes(range(256)) * 1000
    async with adapter.connect(bot):
        await feishu.send("alice", feishu.p2p("alice"), feishu.file("alice", "data.json", data))
        await feishu.send("alice", feishu.p2p("alice"), feishu.image("alice", b"\x89PNG\r\n\x1a\n" + data))
        await feishu.until(lambda: len(bot.messages) == 2)
        for number, message in enumerate(bot.messages):
            path = await adapter.download(message.attachments[0], tmp_path / str(number))
            assert path.read_bytes().endswith(data)
        feishu.expire_tokens()
        await adapter.download(bot.messages[0].attachments[0], tmp_path / "again")
        with pytest.raises(FileExistsError):
            await adapter.download(bot.messages[0].attachments[0], tmp_path / "again")


@pytest.mark.parametrize("id", ["om_1/file/no", "nonsense"])
async def test_a_file_that_is_not_there_is_not_written(feishu: LoopbackFeishu, tmp_path: Path, id: str) -> None:
    with pytest.raises((Gone, NotAllowed, Unreachable)) as problem:
        await adapter_for(feishu).download(Attachment(id, "x", "text/plain", 0), tmp_path / "x")
    assert isinstance(problem.value, AdapterError)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"transport": "webhook"}, "encrypt_key"),
        ({"domain": "feishu.cn"}, "https://"),
        ({"app_id": ""}, "must not be empty"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FeishuSettings.model_validate({"app_id": "cli_1", "app_secret": "s", **changes})


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("feishu", "https://open.feishu.cn"),
        ("lark", "https://open.larksuite.com"),
        ("https://open.example.com/", "https://open.example.com"),
    ],
)
def test_each_domain_has_its_address(domain: str, address: str) -> None:
    given = {"app_id": "cli_1", "app_secret": "s", "domain": domain}
    assert FeishuSettings.model_validate(given).base_url == address


def test_the_set_up_names_every_scope_event_and_both_ways_to_receive() -> None:
    assert plugin.setup is not None
    steps = plugin.setup(Setup(()))
    scopes = json.loads(steps[steps.index("{") : steps.index("\n}") + 2])
    assert set(scopes["scopes"]["tenant"]) == GRANTED
    for word in ("im.message.receive_v1", "im.message.recalled_v1", "card.action.trigger", "persistent connection"):
        assert word in steps
    assert "/feishu/events" in steps


async def test_no_secret_is_logged(feishu: LoopbackFeishu, capsys: pytest.CaptureFixture[str]) -> None:
    bot = Bot(feishu)
    async with adapter_for(feishu).connect(bot):
        await feishu.say("alice", feishu.p2p("alice"), "my password is hunter2")
        await feishu.until(lambda: bot.messages)
        await feishu.cut()
        await feishu.connected()
    log = capsys.readouterr()
    said = log.out + log.err
    assert "feishu_connected" in said
    for secret in (feishu.app.secret, "hunter2", *feishu.app.tokens):
        assert secret not in said


def test_the_parts_of_the_sdk_that_are_used_load_without_the_rest() -> None:
    """`import lark_oapi` is 11,000 modules; and somebody else may still import it whole."""
    script = (
        "import sys, adapters.feishu.adapter\n"
        "loaded = [name for name in sys.modules if name.startswith('lark_oapi')]\n"
        "assert len(loaded) < 60, len(loaded)\n"
        "assert 'lark_oapi' not in sys.modules and 'requests' not in sys.modules and 'httpx' not in sys.modules\n"
        "import lark_oapi.core.utils.decryptor as again\n"
        "from adapters.feishu.sdk import decrypt, frame\n"
        "assert again.AESCipher('test key').digest and frame() is not None\n"
        "assert decrypt('test key', 'P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=') == 'hello world'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_plugin_alone_loads_no_sdk() -> None:
    script = "import sys, adapters.feishu\nassert not [name for name in sys.modules if 'lark' in name]\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

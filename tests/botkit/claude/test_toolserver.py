from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from botkit.claude import toolserver
from botkit.claude.toolserver import Call, Reply, Tool, done, read

TOOLS = (Tool("send_file", "sends", {"type": "object"}), Tool("other", "does", {}))


def asked(body: object) -> Reply | Call:
    return read(Raw(msgspec.json.encode(body)), TOOLS)


def result(body: object) -> object:
    reply = asked(body)
    assert isinstance(reply, dict)
    assert (reply["jsonrpc"], reply["id"]) == ("2.0", 7)
    return reply["result"]


def error(reply: Reply | Call) -> object:
    assert isinstance(reply, dict)
    assert "result" not in reply
    return msgspec.convert(reply["error"], dict[str, object])["code"]


def test_the_handshake_answers_in_the_client_s_version() -> None:
    said = result({"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"protocolVersion": "2031-01-01"}})
    about = {"name": "botkit", "version": "1"}
    assert said == {"protocolVersion": "2031-01-01", "capabilities": {"tools": {}}, "serverInfo": about}
    assert result({"id": 7, "method": "ping"}) == {}


def test_notifications_are_acknowledged_and_nothing_more() -> None:
    for method in ("notifications/initialized", "notifications/cancelled", "brand_new"):
        assert asked({"jsonrpc": "2.0", "method": method}) == {"jsonrpc": "2.0", "result": {}}


def test_every_tool_is_listed_with_its_schema() -> None:
    listed = msgspec.convert(result({"id": 7, "method": "tools/list"}), dict[str, list[dict[str, object]]])["tools"]
    assert [tool["name"] for tool in listed] == ["send_file", "other"]
    assert listed[0]["inputSchema"] == {"type": "object"}
    assert listed[0]["_meta"] == {"anthropic/alwaysLoad": True}


def test_a_call_is_handed_on_with_its_arguments() -> None:
    params = {"name": "other", "arguments": {"path": "a"}, "_meta": {"progressToken": 2}}
    call = asked({"id": "x", "method": "tools/call", "params": params})
    assert isinstance(call, Call)
    assert (call.id, call.tool, bytes(call.arguments)) == ("x", "other", b'{"path":"a"}')
    assert done(call, "no", ok=False) == {
        "jsonrpc": "2.0",
        "id": "x",
        "result": {"content": [{"type": "text", "text": "no"}], "isError": True},
    }


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", -32700),
        (b"not json", -32700),
        (b"[1]", -32700),
        (b'{"id":{},"method":"ping"}', -32700),
        (b'{"id":7}', -32600),
        (b'{"id":7,"method":"resources/list"}', -32601),
        (b'{"id":7,"method":"tools/call"}', -32602),
        (b'{"id":7,"method":"tools/call","params":{"name":"rm"}}', -32602),
        (b'{"id":7,"method":"tools/call","params":[]}', -32602),
        (b'{"id":7,"method":"initialize","params":{"protocolVersion":7}}', -32602),
    ],
)
def test_what_cannot_be_answered_is_an_error(message: bytes, code: int) -> None:
    assert error(read(Raw(message), TOOLS)) == code


def test_the_cli_is_told_of_the_server_and_its_rules() -> None:
    config = msgspec.json.decode(toolserver.CONFIG)
    assert config == {"mcpServers": {"botkit": {"type": "sdk", "name": "botkit"}}}
    assert toolserver.OWN == ("mcp__botkit__send_file",)

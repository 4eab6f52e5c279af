"""What was said in a session, as it is read afterwards: tools in their place, what was stopped, what failed."""

from __future__ import annotations

import asyncio
import json

from adapters.http.api.readable import markdown
from botkit.history import Said, ToolCall
from tests.adapters.http.desk import PATIENCE, Desk
from tests.adapters.http.program import program


async def test_a_session_with_tools_a_stop_and_an_error_is_exported_as_it_happened(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    notes = gateway.workdir / "notes.md"
    notes.write_text("buy milk\n", encoding="utf-8")
    read = f'!tool Read {{"file_path": "{notes}"}}'
    await me.say(id, f"!think Hm.\n!say Let me look.\n{read}\n!say # Found\\n\\n```text\\nmilk")
    run = await me.begin(id, "@notes.md again\n!words 4000 20ms")
    await gateway.model.asked("!words 4000")
    async with (
        asyncio.timeout(PATIENCE),
        me.http.get(f"{me.url}/api/sessions/{id}/events", headers={"Authorization": f"Bearer {me.token}"}) as events,
    ):
        async for line in events.content:
            if b"word3" in line:
                break
    await me.post(f"/api/sessions/{id}/stop")
    await me.ended(run)
    assert (await me.refused("POST", f"/api/sessions/{id}/messages", {"text": "!status 400"}))[0] == 502

    said = (await me.get(f"/api/sessions/{id}/history"))["data"]
    assert [(each["role"], each["cut"]) for each in said] == [
        ("user", ""),
        ("assistant", ""),
        ("user", ""),
        ("assistant", "stopped"),
        ("user", ""),
        ("assistant", "failed"),
    ]
    assert said[1]["thinking"] == "Hm."
    (tool,) = said[1]["tools"]
    assert (tool["name"], tool["ok"], said[1]["text"][: tool["after"]]) == ("Read", True, "Let me look.")
    assert said[2]["text"] == "@notes.md again\n!words 4000 20ms", "as it was written, not as it was made harmless"
    assert (await me.get(f"/api/sessions/{id}/tool-calls"))["data"] == [tool]

    text = await me.get(f"/api/sessions/{id}/export")
    assert f"Let me look.\n\n- `Read` `{notes}`\n\n# Found\n\n```text\nmilk\n```\n\n**User**" in text
    assert "\n> @notes.md again\n> !words 4000 20ms\n" in text
    assert "*Stopped here.*\n\n**User**" in text
    assert text.endswith("*The model could not answer.*\n")


async def test_a_transcript_tells_what_was_said_and_not_what_its_operator_told_claude(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session(system="The operator's own words.")
    await me.say(id, "!say Hello.")
    lines = (await me.get(f"/api/sessions/{id}/export", params={"format": "transcript"})).splitlines()
    assert {json.loads(line)["type"] for line in lines} >= {"user", "assistant"}
    assert not [line for line in lines if "own words" in line or '"systemPrompt"' in line]


def test_no_text_is_taken_for_another() -> None:
    tool = ToolCall("1", "Bash", '{"command": "echo `date`"}', "no\n*way*", ok=False)
    said = [
        Said("1", "user", "**Claude** · now\n# Not a title\n```", 0.0),
        Said("2", "assistant", "", 0.0, tools=(tool,)),
        Said("3", "assistant", "```py\nopen", 0.0),
    ]
    assert markdown("a\nb", said).split("\n\n") == [
        "# a b",
        "**User** · 1970-01-01 00:00 UTC",
        "> **Claude** · now\n> # Not a title\n> ```",
        "**Claude** · 1970-01-01 00:00 UTC",
        "- `Bash` `` echo `date` `` failed: `no *way*`",
        "**Claude** · 1970-01-01 00:00 UTC",
        "```py\nopen\n```\n",
    ]

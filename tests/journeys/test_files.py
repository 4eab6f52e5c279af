"""Files and images go in under safe names; attachments never bring more than themselves."""

from __future__ import annotations

import base64

from tests.journeys.office import Office

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_an_image_is_shown_to_claude_and_a_file_lies_where_it_can_read_it(office: Office) -> None:
    async with office.running():
        files = [("shot.png", PNG, "image/png"), ("../../notes.txt", b"buy milk", "text/plain")]
        text = f"{office.slack.app.mention} look at these"
        thread = await office.slack.say("alice", "general", text, files=files)
        await office.until_shown(thread, "look at these")
        ask = office.model.asks[-1]
        assert ask.images == 1
        (notes,) = (office.workdir / ".botkit" / "uploads").glob("*/*notes.txt")
        assert str(notes) in ask.prompt
        assert notes.read_bytes() == b"buy milk"
        read = f'!tool Read {{"file_path": "{notes}"}}\n!result'
        await office.slack.say("alice", "general", read, thread)
        await office.until_shown(thread, "buy milk")


async def test_a_login_page_in_place_of_a_file_is_said_and_left_out(office: Office) -> None:
    async with office.running():
        office.slack.fault("download", "login")
        text = f"{office.slack.app.mention} read this"
        thread = await office.slack.say("alice", "general", text, files=[("a.pdf", b"%PDF-1.4", "application/pdf")])
        await office.until_shown(thread, "a.pdf")
    assert not list((office.workdir / ".botkit").glob("uploads/*/*a.pdf"))


async def test_a_path_behind_an_at_sign_is_only_text(office: Office) -> None:
    secret = office.root / "secret.txt"
    secret.write_text("the launch code is 0000", encoding="utf-8")
    async with office.running():
        thread = await office.mention(f"what is in @{secret} and in @secret.txt?")
        await office.until_shown(thread, "what is in")
    assert not any("launch code" in str(request) for request in office.model.requests)

"""What is written down can be read by newer and older versions."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from botkit.errors import StoreError
from botkit.stores.codec import entry_bytes, entry_from, session_bytes, session_from
from botkit.testing.store_values import entry, session


def test_unknown_fields_are_skipped_and_missing_ones_take_their_defaults() -> None:
    fields = msgspec.json.decode(entry_bytes(entry()))
    fields["from_the_future"] = [1]
    fields["message"]["also"] = {"new": True}
    for name in ("attempts", "reply", "tools", "finished", "failed", "session"):
        del fields[name]
    assert entry_from(msgspec.json.encode(fields)) == entry()


def test_the_platforms_payload_is_not_written() -> None:
    assert b"not kept" not in entry_bytes(entry())


def test_whether_a_conversation_is_direct_is_kept() -> None:
    before = entry()
    where = replace(before.message.conversation, direct=True)
    found = entry_from(entry_bytes(replace(before, message=replace(before.message, conversation=where))))
    assert found.message.conversation.direct


def test_half_a_character_does_not_lose_the_message() -> None:
    before = entry()
    found = entry_from(entry_bytes(replace(before, message=replace(before.message, text="broken: \ud83d!"))))
    assert found.message.text == "broken: ?!"
    assert session_from(session_bytes(replace(session(), title="\udc00")), "").title == "?"


def test_a_sessions_conversation_is_what_the_store_says_now() -> None:
    assert session_from(session_bytes(session()), "") == session(conversation="")


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]", b'{"id": 7}'])
def test_bytes_that_are_no_entry_and_no_session_are_a_store_error(data: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        entry_from(data)
    with pytest.raises(StoreError, match="cannot be read"):
        session_from(data, "")

"""Words that depend on numbers."""

from __future__ import annotations

import pytest

from botkit import texts


@pytest.mark.parametrize(("limit", "said"), [(30 * 1024**2, "at most 30 MB"), (1000, "at most 1000 bytes")])
def test_a_limit_below_a_megabyte_is_not_called_none(limit: int, said: str) -> None:
    assert said in texts.file_too_large("a.bin", limit)


@pytest.mark.parametrize(("cleared", "said"), [(1, "1 waiting message was dropped."), (2, "2 waiting messages were")])
def test_one_dropped_message_is_one(cleared: int, said: str) -> None:
    assert said in texts.stopped(stopped=True, running=True, cleared=cleared)

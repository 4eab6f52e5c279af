"""Where a request comes from, and who has failed too often."""

from __future__ import annotations

import pytest

from adapters.http import failures
from adapters.http.client import Proxies, group
from adapters.http.errors import HttpError
from adapters.http.failures import Failures

WRONG = HttpError(401, "wrong", "wrong")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["10.0.0.9"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["", ","], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("fd00::1", ["203.0.113.1"], "203.0.113.1"),
        ("", ["203.0.113.1"], ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], client: str) -> None:
    assert Proxies(("10.0.0.0/8", "fd00::/8")).client(peer, forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Proxies(()).client("127.0.0.1", ["203.0.113.1"]) == "127.0.0.1"


def test_one_customers_many_addresses_count_together() -> None:
    assert group("2001:db8:1:2::3") == group("2001:db8:1:2:ffff::9")
    assert group("2001:db8:1:2::3") != group("2001:db8:1:3::3")
    assert group("::ffff:192.0.2.7") == group("192.0.2.7") != group("192.0.2.8")


def test_failures_are_forgiven_one_by_one() -> None:
    now = 0.0
    counted = Failures(6, clock=lambda: now)
    assert [counted.note("a", WRONG).status for _ in range(8)] == [401] * 6 + [429] * 2
    assert counted.wait("a") == pytest.approx(10.0)
    assert counted.wait("b") == 0.0
    now = 10.0
    assert counted.wait("a") == 0.0
    assert [counted.note("a", WRONG).status for _ in range(2)] == [401, 429]
    now = 1000.0
    assert [counted.note("a", WRONG).status for _ in range(7)] == [401] * 6 + [429]


def test_many_addresses_take_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST", 3)
    counted = Failures(1, clock=lambda: 0.0)
    for i in range(10):
        counted.note(f"192.0.2.{i}", WRONG)
    assert counted.wait("192.0.2.0") == 0.0
    assert counted.wait("192.0.2.9") > 0

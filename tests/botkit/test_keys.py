"""What a key may do, from where, and until when."""

from __future__ import annotations

import pytest

from botkit.keys import ApiKey, Hashed, KeyLimits, KeyStatus, Scopes
from botkit.testing.store_values import NOW


def key(*, suspended: bool = False, expires: float = 0.0, networks: tuple[str, ...] = ()) -> ApiKey:
    return ApiKey(
        "k1", "name", "owner", NOW, Hashed("", ""), "bk_k1", suspended=suspended, expires=expires, networks=networks
    )


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (key(), "active"),
        (key(expires=NOW + 1), "active"),
        (key(expires=NOW), "expired"),
        (key(suspended=True, expires=NOW), "suspended"),
    ],
)
def test_a_key_is_active_until_it_is_suspended_or_expires(found: ApiKey, status: KeyStatus) -> None:
    assert found.status(NOW) == status


@pytest.mark.parametrize(
    ("networks", "address", "usable"),
    [
        ((), "203.0.113.9", True),
        ((), "", True),
        (("10.0.0.0/8", "192.0.2.7"), "10.1.2.3", True),
        (("10.0.0.0/8", "192.0.2.7"), "192.0.2.7", True),
        (("10.0.0.0/8", "192.0.2.7"), "192.0.2.8", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "10.0.0.1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("10.0.0.0/8",), "", False),
        (("10.0.0.0/8",), "10.0.0.1, 203.0.113.9", False),
        (("0.0.0.0/0",), "unix", False),
    ],
)
def test_a_key_can_be_used_only_from_where_it_may(networks: tuple[str, ...], address: str, usable: bool) -> None:
    assert key(networks=networks).usable_from(address) is usable


def test_a_scope_names_what_is_allowed_and_a_star_is_everything() -> None:
    scopes = Scopes(bots=("helper",), models=())
    assert scopes.bot("helper")
    assert not scopes.bot("Helper")
    assert not scopes.bot("*")
    assert not scopes.model("opus")
    assert scopes.endpoint("chat")
    assert not scopes.project("web")


def test_what_is_dangerous_must_be_given() -> None:
    scopes = Scopes()
    assert not scopes.bash
    assert not scopes.admin
    assert scopes.projects == ()


def test_no_secret_is_shown_with_a_key() -> None:
    shown = repr(ApiKey("k1", "n", "o", NOW, Hashed("salt-1", "digest-1"), "bk_k1", signing="signing-1"))
    assert not [secret for secret in ("salt-1", "digest-1", "signing-1") if secret in shown]


def test_a_key_without_limits_says_so() -> None:
    assert not KeyLimits().any
    assert KeyLimits(usd_per_day=0.5).any

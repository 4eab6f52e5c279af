from __future__ import annotations

import pytest

from botkit.access import Access
from botkit.model import Conversation, Message, User


def said(user: str, *, channel: str = "C1", space: str = "T1", direct: bool = False, bot: bool = False) -> Message:
    where = Conversation("slack", space, channel, "1", direct)
    return Message("1", where, User(user, "Ann", bot), "hi", 0.0)


def ids(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_without_a_config_nobody_is_answered() -> None:
    assert Access().nobody
    assert Access().role(said("U1")) is None


@pytest.mark.parametrize(
    ("access", "role"),
    [
        (Access(allow_users=ids("U1")), "user"),
        (Access(allow_users=ids("*")), "user"),
        (Access(allow_users=ids("U2")), None),
        (Access(allow_users=ids("Ann")), None),
        (Access(allow_channels=ids("C1")), "user"),
        (Access(allow_spaces=ids("T1")), "user"),
        (Access(approvers=ids("U1")), "approver"),
        (Access(admins=ids("U1"), approvers=ids("U1")), "admin"),
        (Access(admins=ids("U1"), deny_users=ids("U1")), None),
        (Access(allow_users=ids("*"), deny_channels=ids("C1")), None),
        (Access(allow_users=ids("*"), deny_spaces=ids("T1")), None),
        (Access(allow_users=ids("*"), deny_users=ids("*")), None),
        (Access(allow_users=ids("*"), deny_spaces=ids("*")), None),
        (Access(approvers=ids("*")), "approver"),
        (Access(admins=ids("*")), "admin"),
    ],
)
def test_policy(access: Access, role: str | None) -> None:
    assert access.role(said("U1")) == role


def test_a_channel_rule_opens_no_direct_messages() -> None:
    assert Access(allow_channels=ids("*")).role(said("U1", channel="D1", direct=True)) is None


def test_all_channels_may_be_denied_and_direct_messages_stay() -> None:
    access = Access(allow_users=ids("U1"), deny_channels=ids("*"))
    assert access.role(said("U1")) is None
    assert access.role(said("U1", channel="D1", direct=True)) == "user"
    assert Access(allow_users=ids("U1"), deny_channels=ids("D1")).role(said("U1", channel="D1", direct=True)) is None


def test_bots_and_nameless_senders_are_strangers() -> None:
    everybody = Access(allow_users=ids("*"))
    assert everybody.role(said("U1", bot=True)) is None
    assert everybody.role(said("")) is None

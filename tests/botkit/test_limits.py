"""Which buckets a message takes a token from."""

from __future__ import annotations

from botkit.limits import Limits, Rate
from botkit.model import Conversation, Limit, Message, User

RATES = Limits({"user": Rate(2, 60.0), "conversation": Rate(3, 60.0), "bot": Rate(4, 60.0), "total": Rate(5, 10.0)})


def said(user: str = "U1", channel: str = "C1", adapter: str = "slack") -> Message:
    return Message("1", Conversation(adapter, "T1", channel, "1"), User(user), "hi", 0.0)


def keys(bot: str, message: Message) -> dict[str, str]:
    return {limit.scope: limit.key for limit in RATES.of(bot, message)}


def test_without_rates_nothing_is_limited() -> None:
    assert Limits().of("main", said()) == ()
    assert Limits({"user": Rate(0, 60.0)}).of("main", said()) == ()


def test_a_rate_may_come_all_at_once_and_is_refilled_evenly() -> None:
    assert Limits({"total": Rate(6, 60.0)}).of("main", said()) == (Limit("total", "total", 6.0, 0.1),)


def test_each_scope_has_its_own_bucket() -> None:
    mine = keys("main", said())
    assert set(mine) == {"user", "conversation", "bot", "total"}
    assert len(set(mine.values())) == 4


def test_who_and_where_share_only_what_they_should() -> None:
    mine, other = keys("main", said()), keys("main", said("U2", "C2"))
    assert {scope for scope in mine if mine[scope] == other[scope]} == {"bot", "total"}


def test_the_same_id_on_another_platform_is_another_person() -> None:
    assert keys("main", said())["user"] != keys("main", said(adapter="discord"))["user"]


def test_all_bots_share_the_total_only() -> None:
    one, other = keys("one", said()), keys("other", said())
    assert {scope for scope in one if one[scope] == other[scope]} == {"total"}

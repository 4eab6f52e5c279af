"""How long to wait, by what Discord's headers said."""

from __future__ import annotations

from adapters.discord.buckets import Buckets, Route

EDIT = Route("PATCH", "/channels/{}/messages/{}", "1")


def headers(remaining: int, after: float, *, limit: int = 5, bucket: str = "b") -> dict[str, str]:
    """https://docs.discord.com/developers/topics/rate-limits#header-format-rate-limit-header-examples"""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(after),
        "X-RateLimit-Bucket": bucket,
    }


def test_nothing_is_known_at_first() -> None:
    assert Buckets().wait(EDIT, 0.0, urgent=False) == 0


def test_the_last_call_of_a_window_is_kept_for_what_people_wait_for() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, headers(1, 4.0), 10.0)
    assert buckets.wait(EDIT, 11.0, urgent=False) == 3.0
    assert buckets.wait(EDIT, 11.0, urgent=True) == 0
    buckets.going(EDIT)
    assert buckets.wait(EDIT, 11.0, urgent=True) == 3.0
    assert buckets.wait(EDIT, 14.0, urgent=False) == 0


def test_a_bucket_of_one_keeps_nothing_back() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, headers(1, 4.0, limit=1), 0.0)
    assert buckets.wait(EDIT, 0.0, urgent=False) == 0


def test_channels_do_not_share_but_routes_of_one_bucket_do() -> None:
    buckets, post = Buckets(), Route("POST", "/channels/{}/messages", "1")
    buckets.heard(post, headers(5, 1.0), 0.0)
    buckets.heard(EDIT, headers(0, 5.0), 0.0)
    assert buckets.wait(post, 0.0, urgent=True) == 5.0
    assert buckets.wait(Route(EDIT.method, EDIT.template, "2"), 0.0, urgent=True) == 0


def test_a_429_stops_its_channel_and_a_global_one_stops_all() -> None:
    buckets, other = Buckets(), Route("PATCH", "/channels/{}/messages/{}", "2")
    buckets.limited(EDIT, 2.0, 0.0, everywhere=False)
    assert (buckets.wait(EDIT, 0.0, urgent=True), buckets.wait(other, 0.0, urgent=True)) == (2.0, 0)
    buckets.limited(EDIT, 3.0, 0.0, everywhere=True)
    assert (buckets.wait(EDIT, 0.0, urgent=True), buckets.wait(other, 0.0, urgent=True)) == (3.0, 3.0)


def test_headers_that_say_nothing_change_nothing() -> None:
    buckets = Buckets()
    buckets.heard(EDIT, {"X-RateLimit-Limit": "many"}, 0.0)
    assert buckets.wait(EDIT, 0.0, urgent=False) == 0

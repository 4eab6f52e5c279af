"""Reads the history of a fault test off the loopback Slack: who asked what, what was taken in, what became visible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapters.slack.testing import LoopbackSlack, Post
from adapters.slack.testing.wire import mapping
from botkit import texts
from botkit.testing.history import Accepted, Event, History, Offered, Sent, Shown, State

_ASKED = re.compile(r"\bq(\d+)\b")
_ANSWERED = re.compile(r"\b(?:w(\d+)\.\d+|done (\d+)\.)")
_UNFINISHED = (texts.WORKING, texts.INTERRUPTED, "Waiting:")


def read(slack: LoopbackSlack, threads: Iterable[Post]) -> History:
    """The whole history so far, of these threads."""
    history = History()
    for thread in threads:
        posts = slack.messages(thread.channel, thread)
        history.events += _thread(thread, posts)
    history.events += _deliveries(slack)
    return history


def _thread(thread: Post, posts: list[Post]) -> Iterator[Event]:
    conversation = f"{thread.channel.id}/{thread.ts}"
    asked = [(found[1], post) for post in posts if post.app is None and (found := _ASKED.search(post.text))]
    for number, post in asked:
        yield Sent(number, conversation, post.at)
    replies = [post for post in posts if post.app is not None]
    turns = {_turn(post): number for post in replies if (number := _number(post))}
    left = iter(number for number, _ in asked if number not in turns.values())
    for post in replies:
        # A reply that never got as far as a word answers the first question that has no other.
        if _turn(post) not in turns:
            turns[_turn(post)] = next(left, f"nothing ({post.shown})")
        number = turns[_turn(post)]
        for version in post.versions:
            repeat = "may be a repeat" in version.shown
            state = "partial" if version.live else _state(version.shown, number)
            yield Shown(number, post.ts, state, version.at, repeat)


def _turn(post: Post) -> str:
    """The turn that a post belongs to, by the nonce botkit gives every post."""
    metadata = post.metadata or {}
    return str(mapping(metadata.get("event_payload")).get("nonce", post.ts)).partition(".")[0]


def _number(post: Post) -> str:
    for version in post.versions:
        if found := _ANSWERED.search(version.shown):
            return found[1] or found[2]
    return ""


def _state(shown: str, number: str) -> State:
    if any(sign in shown for sign in _UNFINISHED):
        return "partial"
    if "❌" in shown:
        return "notice"
    return "final" if f"done {number}." in shown else "partial"


def _deliveries(slack: LoopbackSlack) -> Iterator[Event]:
    for delivery in slack.deliveries:
        # A mention comes as a channel message as well, which botkit acknowledges and leaves alone.
        found = _ASKED.search(str(delivery.event.get("text", "")))
        if delivery.event.get("type") != "app_mention" or not found:
            continue
        for attempt in delivery.attempts:
            yield Offered(found[1], attempt.at)
            if not attempt.problem:
                yield Accepted(found[1], attempt.at + attempt.seconds)

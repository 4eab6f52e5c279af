"""Judges a history: every accepted message has exactly one final reply or one notice, and conversations keep order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from botkit.testing.history import History, Shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """`complaints` is empty when all promises held; the numbers are for the report."""

    complaints: tuple[str, ...]
    sent: int
    accepted: int
    answered: int
    notices: int
    repeats: int
    """Second replies that said themselves that they may be one."""

    def __str__(self) -> str:
        numbers = (
            f"{self.sent} sent, {self.accepted} accepted, {self.answered} answered, "
            f"{self.notices} given up visibly, {self.repeats} marked repeats"
        )
        return "\n".join([numbers, *self.complaints])


def judge(history: History) -> Verdict:
    """Look at the whole history at once; it must be over."""
    accepted = _first({}, ((event.message, event.at) for event in history.accepted))
    posts = _posts(history.shown)
    known = {event.message for event in history.sent}
    answers = {message: _ends(by_post, "final") for message, by_post in posts.items()}
    notices = {message: _ends(by_post, "notice") for message, by_post in posts.items()}
    complaints = [f"{message}: a reply to what nobody sent" for message in posts if message not in known]
    for message in accepted:
        complaints += _outcome(message, posts.get(message, {}))
    complaints += _order(history, accepted, posts)
    return Verdict(
        tuple(complaints),
        sent=len(known),
        accepted=len(accepted),
        answered=sum(bool(found) for found in answers.values()),
        notices=sum(bool(found) for found in notices.values()),
        repeats=sum(last.repeat for by_post in posts.values() for last in by_post.values()),
    )


def _posts(shown: Iterable[Shown]) -> dict[str, dict[str, Shown]]:
    """By message and post, what the post shows in the end; `at` is when it first said how the message ended."""
    found: dict[str, dict[str, Shown]] = defaultdict(dict)
    ended: dict[tuple[str, str], float] = {}
    for event in sorted(shown, key=lambda event: event.at):
        if event.state != "partial":
            ended.setdefault((event.message, event.post), event.at)
        since = ended.get((event.message, event.post), event.at)
        found[event.message][event.post] = Shown(event.message, event.post, event.state, since, event.repeat)
    return found


def _ends(by_post: Mapping[str, Shown], state: str) -> list[Shown]:
    return [last for last in by_post.values() if last.state == state and not last.repeat]


def _outcome(message: str, by_post: Mapping[str, Shown]) -> Iterator[str]:
    finals, notices = _ends(by_post, "final"), _ends(by_post, "notice")
    if not finals and not notices:
        yield f"{message}: lost" if not by_post else f"{message}: never finished"
    if len(finals) > 1:
        yield f"{message}: answered {len(finals)} times"
    if len(notices) > 1:
        yield f"{message}: given up {len(notices)} times"
    if finals and notices:
        yield f"{message}: answered and given up"
    left = [last for last in by_post.values() if last.state == "partial" and not last.repeat]
    if left and (finals or notices):
        yield f"{message}: {len(left)} unfinished posts beside the reply"


def _order(history: History, accepted: Mapping[str, float], posts: Mapping[str, Mapping[str, Shown]]) -> Iterator[str]:
    """Of two messages in a conversation, the first one ends first, if it was there before the second one came."""
    offered = _first({}, ((event.message, event.at) for event in history.offered))
    conversations: dict[str, list[str]] = defaultdict(list)
    for event in sorted(history.sent, key=lambda event: event.at):
        ended = min((last.at for last in posts.get(event.message, {}).values() if last.state != "partial"), default=0.0)
        if event.message in accepted and ended:
            conversations[event.conversation].append(event.message)
    for conversation, messages in conversations.items():
        for earlier, later in pairwise(messages):
            if accepted[earlier] < offered.get(later, 0.0) and _ended(posts[earlier]) > _ended(posts[later]):
                yield f"{conversation}: {later} was answered before {earlier}"


def _ended(by_post: Mapping[str, Shown]) -> float:
    return min(last.at for last in by_post.values() if last.state != "partial")


def _first(into: dict[str, float], pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    for key, at in pairs:
        into[key] = min(at, into.get(key, at))
    return into

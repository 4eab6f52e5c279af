"""Each call of a streamed reply counts in its own budget, whatever was waited for; on the loopback Slack."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.slack.api import Api
from adapters.slack.messenger import SlackMessenger
from adapters.slack.streams import Reader, Refusals, StreamMessenger, StreamPacing
from adapters.slack.testing import LoopbackSlack
from botkit.budget import Rate
from botkit.errors import RateLimited
from botkit.model import Conversation, Outgoing
from botkit.pacing import Act, Pacer

RATE = Rate(per_minute=0.1, burst=3)
"""So slow that nothing comes back while a test runs."""


class Till:
    """A reply's pacing and messenger, and how often each budget may still be asked."""

    def __init__(self, slack: LoopbackSlack, where: Conversation) -> None:
        api = Api(slack.app.bot_token, slack.url)
        self.slack, self.refusals, self.where = slack, Refusals(lambda: 0.0), where
        person = Reader(slack.person("alice").id, slack.team.id)
        self.messenger = StreamMessenger(api, SlackMessenger(api, "markdown"), self.refusals, person, 240.0)
        acts: tuple[Act, ...] = ("post", "edit", "start", "grow", "end")
        self.pacer = Pacer(dict.fromkeys(acts, RATE))
        self.pacing = StreamPacing(self.pacer, self.messenger, patient=True)

    async def ready(self, act: Act) -> None:
        await self.pacing.ready(act, self.where, urgent=True)

    def left(self, act: Act) -> int:
        """How many more of them could go at once; nothing is left of them after this."""
        count = 0
        while not self.pacer.pressed(act, self.where):
            self.pacer.spend(act, self.where)
            count += 1
        return count


@pytest.fixture
async def till() -> AsyncGenerator[Till]:
    async with LoopbackSlack(speed=60.0) as slack:
        root = await slack.open_assistant("alice")
        asked = await slack.say("alice", slack.dm("alice"), "hello", root)
        yield Till(slack, Conversation("slack", slack.team.id, asked.channel.id, root.ts, direct=True))


def live(text: str) -> Outgoing:
    return Outgoing(text, live=True, nonce="n")


async def test_a_slot_goes_back_where_it_came_from_although_streams_are_off_by_now(till: Till) -> None:
    await till.ready("start")
    till.refusals.note("team_plan_lacks_it")
    till.pacing.give_back("start", till.where)
    assert (till.left("start"), till.left("post")) == (3, 3)


async def test_a_start_that_is_refused_counts_and_so_does_the_post_instead(till: Till) -> None:
    till.slack.fault("chat.startStream", "error", error="feature_not_enabled")
    await till.ready("start")
    await till.messenger.send(till.where, live("Hello. "))
    assert (till.left("start"), till.left("post")) == (2, 2)


async def test_a_post_instead_of_a_start_that_never_was_counts_as_a_post_alone(till: Till) -> None:
    await till.ready("start")
    till.refusals.note("team_plan_lacks_it")
    await till.messenger.send(till.where, live("Hello. "))
    await till.ready("edit")
    assert (till.left("start"), till.left("post"), till.left("edit")) == (3, 2, 2)


async def test_a_429_stops_the_budget_of_the_call_that_was_refused(till: Till) -> None:
    await till.ready("start")
    ref = await till.messenger.send(till.where, live("Hello there. "))
    till.slack.fault("chat.stopStream", "429", retry_after=60)
    await till.ready("grow")
    with pytest.raises(RateLimited) as refused:
        await till.messenger.edit(ref, live("Something else. "))  # cannot be added, so the stream has to end
    till.pacing.limited("grow", till.where, refused.value.retry_after)
    assert (till.left("grow"), till.left("end")) == (3, 0)


async def test_ending_a_stream_with_an_edit_counts_as_both(till: Till) -> None:
    await till.ready("start")
    ref = await till.messenger.send(till.where, live("Hello there. "))
    await till.ready("end")
    await till.messenger.edit(ref, Outgoing("Something else.", nonce="n"))
    assert (till.left("end"), till.left("edit"), till.left("grow")) == (2, 2, 3)

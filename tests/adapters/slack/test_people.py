"""Names of people: asked for once, whoever wants to know them."""

from __future__ import annotations

import asyncio

from adapters.slack.api import Api
from adapters.slack.people import People
from adapters.slack.testing import LoopbackSlack


async def test_a_name_that_many_messages_need_at_once_is_asked_for_once() -> None:
    async with LoopbackSlack() as slack:
        api = Api(slack.app.bot_token, slack.url)
        async with api.connected():
            people, alice = People(api), slack.person("alice")
            found = await asyncio.gather(*(people.names([alice.id]) for _ in range(20)))
        assert all(names.keys() == {alice.id} for names in found)
        assert [call.method for call in slack.record.calls].count("users.info") == 1

"""The loopback Feishu's messages: sent, answered, changed and recalled as Feishu lets them be."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.wire import mapping, mappings, string
from tests.adapters.feishu.loopback import IM, Client, button, card, client_of, markdown, post_in


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(limits=False) as loopback:
        yield loopback


@pytest.fixture
async def client(feishu: LoopbackFeishu) -> AsyncGenerator[Client]:
    async with client_of(feishu) as made:
        yield made


async def test_a_text_appears_in_the_chat_with_its_mentions_and_pings(feishu: LoopbackFeishu, client: Client) -> None:
    alice = feishu.open_id("alice")
    sent = await client.send("general", {"text": f'hi <at user_id="{alice}">A</at>, <at user_id="all"></at> 1 < 2'})
    post = post_in(feishu, sent)
    assert post.shown == "hi @alice, @all 1 < 2"
    assert post.pings == ["alice", "all"]
    assert string(mapping(sent.data["body"])["content"]) == '{"text":"hi @_user_1, @_all 1 < 2"}'
    assert mappings(sent.data["mentions"])[0]["id"] == alice
    assert mapping(sent.data["sender"])["id"] == feishu.app.id
    feishu.assert_clean()

"""The loopback Feishu's tokens, scopes, budgets and scripted trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.wire import Json, mapping, mappings, number
from tests.adapters.feishu.loopback import IM, Client, card, client_of, markdown, post_in, read, streaming

TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
INFO = "/open-apis/bot/v3/info"


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        yield loopback


@pytest.fixture
async def client(feishu: LoopbackFeishu) -> AsyncGenerator[Client]:
    async with client_of(feishu) as made:
        yield made


async def test_a_token_lives_two_hours_and_is_the_same_until_half_an_hour_is_left(
    feishu: LoopbackFeishu, client: Client
) -> None:
    async def ask() -> tuple[str, int]:
        body = {"app_id": feishu.app.id, "app_secret": feishu.app.secret}
        answer = await client("POST", TOKEN, body)
        return str(answer.body["tenant_access_token"]), number(answer.body["expire"])

    first, seconds = await ask()
    assert 7190 <= seconds <= 7200
    assert (await ask())[0] == first
    feishu.advance(5500)
    second, _ = await ask()
    assert second != first
    client.token = first
    assert (await client("GET", INFO)).code == 0
    feishu.advance(1701)
    assert (await client("GET", INFO)).code == 99991663
    client.token = second
    assert (await client("GET", INFO)).code == 0
    feishu.expire_tokens()
    assert (await client("GET", INFO)).code == 99991663


async def test_wrong_credentials_are_told_apart(feishu: LoopbackFeishu, client: Client) -> None:
    wrong = {"app_id": feishu.app.id, "app_secret": "no"}
    assert (await client("POST", TOKEN, wrong)).code == 10014
    assert (await client("POST", TOKEN, {**wrong, "app_id": "cli_no"})).code == 10003
    assert (await client("POST", TOKEN, {"app_id": "x"})).code == 10003
    async with client.session.get(feishu.url + INFO) as answer:
        assert (await read(answer)).code == 99991661
    assert [violation.what for violation in feishu.violations] == ["no access token"]
    assert "no" not in [str(value) for call in feishu.calls for value in call.arguments.values()]


async def test_a_missing_scope_is_named(feishu: LoopbackFeishu, client: Client) -> None:
    feishu.app.scopes -= {"cardkit:card:write"}
    answer = await client.entity(card(markdown("x")))
    assert (answer.status, answer.code) == (400, 99991672)
    violations = mappings(mapping(answer.body["error"])["permission_violations"])
    assert violations == [{"type": "action_scope_required", "subject": "cardkit:card:write"}]


async def test_unknown_methods_and_fields_are_noticed(feishu: LoopbackFeishu, client: Client) -> None:
    assert (await client("GET", "/open-apis/im/v9/messages")).status == 404
    await client.send("general", {"text": "x"}, colour="red")
    await client("POST", f"{IM}/messages", None)
    assert [violation.what for violation in feishu.violations] == [
        "no such method: GET /open-apis/im/v9/messages",
        "has no field 'colour'",
    ]


async def test_a_chat_takes_five_messages_a_second_from_all_its_bots(feishu: LoopbackFeishu, client: Client) -> None:
    other = feishu.install("other")
    await feishu.add(other, "general")
    async with client_of(feishu, other) as second:
        for turn in range(5):
            assert (await (client, second)[turn % 2].send("general", {"text": f"{turn}"})).code == 0
        assert (await client.send("general", {"text": "too soon"})).code == 230020
    assert (await client.send("secret", {"text": "another chat"})).code == 0
    feishu.advance(1)
    assert (await client.send("general", {"text": "now"})).code == 0
    assert feishu.rate_limited == {"im.v1.message.create": 1}
    with pytest.raises(AssertionError, match="rate limited"):
        feishu.assert_clean()


async def test_a_message_takes_five_patches_and_a_card_ten_operations_a_second(
    feishu: LoopbackFeishu, client: Client
) -> None:
    post = post_in(feishu, await client.send("general", card(markdown("0")), "interactive"))
    for turn in range(5):
        assert (await client.patch(post, card(markdown(str(turn))))).code == 0
    assert (await client.patch(post, card(markdown("x")))).code == 230020
    entity = await streaming(client)
    for turn in range(10):
        assert (await client.content(entity, "x" * (turn + 1), turn + 1)).code == 0
    limited = await client.content(entity, "more", 11)
    assert (limited.status, limited.code) == (400, 99991400)
    feishu.advance(1)
    assert (await client.content(entity, "more", 11)).code == 0


async def test_a_method_takes_fifty_calls_a_second_and_a_thousand_a_minute(
    feishu: LoopbackFeishu, client: Client
) -> None:
    await asyncio.gather(*(client("GET", INFO) for _ in range(50)))
    second = await client("GET", INFO)
    for _ in range(19):
        feishu.advance(1)
        await asyncio.gather(*(client("GET", INFO) for _ in range(50)))
    feishu.advance(1)
    minute = await client("GET", INFO)
    assert (second.status, second.code) == (429, 99991400)
    assert (second.headers["x-ogw-ratelimit-limit"], second.headers["x-ogw-ratelimit-reset"]) == ("50", "1")
    assert minute.headers["x-ogw-ratelimit-limit"] == "1000"
    assert 30 <= int(minute.headers["x-ogw-ratelimit-reset"]) <= 60


async def test_scripted_answers_of_every_kind(feishu: LoopbackFeishu, client: Client) -> None:
    await client.login()
    feishu.fault("bot.v3.info", "429", retry_after=7)
    assert (await client("GET", INFO)).headers["x-ogw-ratelimit-reset"] == "7"
    feishu.fault("bot.v3.info", "429", retry_after=None, status=400)
    bare = await client("GET", INFO)
    assert (bare.status, bare.code, "x-ogw-ratelimit-reset" in bare.headers) == (400, 99991400, False)
    feishu.fault("bot.v3.info", "5xx", status=503)
    assert (await client("GET", INFO)).status == 503
    feishu.fault("bot.v3.info", "error", code=99991663)
    assert (await client("GET", INFO)).code == 99991663
    feishu.fault("bot.v3.info", "malformed")
    assert (await client("GET", INFO)).body == {}
    assert (await client("GET", INFO)).code == 0
    kinds = [call.fault for call in feishu.calls if call.route == "bot.v3.info"]
    assert kinds == ["429", "429", "5xx", "error", "malformed", ""]
    assert not feishu.rate_limited


async def test_an_answer_that_never_comes_may_hide_a_deed(feishu: LoopbackFeishu, client: Client) -> None:
    await client.login()
    route = "im.v1.message.create"
    body: Json = {"receive_id": feishu.group("general").id, "msg_type": "text", "content": '{"text":"x"}', "uuid": "u"}
    feishu.fault(route, "reset")
    with pytest.raises(aiohttp.ClientError):
        await client("POST", f"{IM}/messages", body, {"receive_id_type": "chat_id"})
    for kind, seen in (("timeout", 0), ("act_then_timeout", 1)):
        feishu.fault(route, "timeout" if kind == "timeout" else "act_then_timeout")
        with pytest.raises(TimeoutError):
            await client("POST", f"{IM}/messages", body, {"receive_id_type": "chat_id"}, timeout=0.2)
        assert len(feishu.messages("general")) == seen
    for kind in ("act_then_5xx", "act_then_reset"):
        feishu.fault(route, "act_then_5xx" if kind == "act_then_5xx" else "act_then_reset")
        fresh = {**body, "uuid": kind}
        if kind == "act_then_5xx":
            assert (await client("POST", f"{IM}/messages", fresh, {"receive_id_type": "chat_id"})).status == 502
        else:
            with pytest.raises(aiohttp.ClientError):
                await client("POST", f"{IM}/messages", fresh, {"receive_id_type": "chat_id"})
        assert (await client("POST", f"{IM}/messages", fresh, {"receive_id_type": "chat_id"})).code == 0
    assert len(feishu.messages("general")) == 3
    assert feishu.deduplicated == 2


async def test_what_a_call_is_about_may_vanish(feishu: LoopbackFeishu, client: Client) -> None:
    post = post_in(feishu, await client.send("general", card(markdown("x")), "interactive"))
    feishu.fault("im.v1.message.patch", "deleted")
    assert (await client.patch(post, card(markdown("y")))).code == 230011
    entity = await streaming(client)
    feishu.fault("cardkit.v1.card_element.content", "deleted")
    assert (await client.content(entity, "y", 1)).code == 200740


async def test_several_apps_live_side_by_side(feishu: LoopbackFeishu, client: Client) -> None:
    other = feishu.install("other")
    await feishu.add(other, "general")
    mine = post_in(feishu, await client.send("general", {"text": "mine"}))
    async with client_of(feishu, other) as second:
        assert (await second("DELETE", f"{IM}/messages/{mine.id}")).code == 230026
        assert (await second.send("secret", {"text": "x"})).code == 230002
    assert feishu.screen("general") == "claude: mine"
    assert {call.app for call in feishu.calls if call.app} == {feishu.app.id, other.id}

"""The loopback Slack's budgets and its scripted trouble, met by the real SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.testing import LoopbackSlack
from tests.adapters.slack.loopback import Sdk, answer_in, client_of, error_of, header_in, status_in


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack, None]:
    async with LoopbackSlack() as loopback:
        yield loopback


async def test_a_channel_takes_a_short_burst_and_then_one_message_a_second(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    for number in range(5):
        await client("chat_postMessage", channel=channel, text=str(number))
    with pytest.raises(SlackApiError) as refused:
        await client("chat_postMessage", channel=channel, text="too soon")
    assert answer_in(refused.value)["error"] == "ratelimited"
    assert header_in(refused.value, "Retry-After") == "1"
    await client("chat_postMessage", channel=slack.dm("alice").id, text="another channel")
    assert slack.rate_limited == {"chat.postMessage": 1}
    with pytest.raises(AssertionError, match="rate limited"):
        slack.assert_clean()


async def test_edits_share_fifty_a_minute_over_the_whole_workspace_until_it_has_passed() -> None:
    async with LoopbackSlack(speed=60) as slack:
        client, channel = client_of(slack), slack.channel("general").id
        ts = [str((await client("chat_postMessage", channel=channel, text="x"))["ts"]) for _ in range(2)]
        for number in range(55):
            await client("chat_update", channel=channel, ts=ts[number % 2], text=str(number))
        with pytest.raises(SlackApiError) as refused:
            await client("chat_update", channel=channel, ts=ts[0], text="one more")
        wait = int(header_in(refused.value, "Retry-After"))
        assert wait == 1
        await asyncio.sleep(wait)  # what Retry-After asks for is what is under test
        await client("chat_update", channel=channel, ts=ts[0], text="one more")


async def test_scripted_answers_of_every_kind(slack: LoopbackSlack) -> None:
    client = client_of(slack)
    slack.fault("auth.test", "429", retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        await client("auth_test")
    assert header_in(limited.value, "Retry-After") == "7"
    slack.fault("auth.test", "429", retry_after=None)
    with pytest.raises(SlackApiError) as bare:
        await client("auth_test")
    assert header_in(bare.value, "Retry-After") == ""
    slack.fault("auth.test", "5xx", status=502)
    with pytest.raises(SlackApiError) as broken:
        await client("auth_test")
    assert status_in(broken.value) == 502
    slack.fault("auth.test", "error", error="account_inactive")
    assert await error_of(client("auth_test")) == "account_inactive"
    slack.fault("auth.test", "malformed")
    with pytest.raises(SlackApiError):
        await client("auth_test")
    assert (await client("auth_test"))["ok"]
    assert [call.fault for call in slack.calls] == ["429", "429", "5xx", "error", "malformed", ""]
    slack.assert_clean()


async def test_an_answer_that_never_comes_may_hide_a_deed(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack, timeout=1), slack.channel("general").id
    slack.fault("chat.postMessage", "timeout")
    with pytest.raises(asyncio.TimeoutError):
        await client("chat_postMessage", channel=channel, text="not done")
    slack.fault("chat.postMessage", "act_then_timeout")
    with pytest.raises(asyncio.TimeoutError):
        await client("chat_postMessage", channel=channel, text="done in silence")
    slack.fault("chat.postMessage", "act_then_5xx")
    with pytest.raises(SlackApiError):
        await client("chat_postMessage", channel=channel, text="done and denied")
    assert [message.text for message in slack.messages("general")] == ["done in silence", "done and denied"]


async def test_the_sdks_own_retries_post_twice_after_a_reset(slack: LoopbackSlack) -> None:
    careless = Sdk(AsyncWebClient(token=slack.app.bot_token, base_url=slack.url))
    slack.fault("chat.postMessage", "act_then_reset")
    await careless("chat_postMessage", channel=slack.channel("general").id, text="hello")
    assert [message.text for message in slack.messages("general")] == ["hello", "hello"]
    slack.fault("chat.postMessage", "reset")
    with pytest.raises(aiohttp.ClientError):
        await client_of(slack)("chat_postMessage", channel=slack.channel("general").id, text="hello")


async def test_trouble_can_wait_for_a_certain_call(slack: LoopbackSlack) -> None:
    client, channel = client_of(slack), slack.channel("general").id
    ts = str((await client("chat_postMessage", channel=channel, text="x"))["ts"])
    slack.fault("chat.update", "429", where=lambda arguments: arguments.get("text") == "final")
    slack.fault("chat.update", "deleted", skip=1)
    await client("chat_update", channel=channel, ts=ts, text="growing")
    assert await error_of(client("chat_update", channel=channel, ts=ts, text="final")) == "ratelimited"
    assert await error_of(client("chat_update", channel=channel, ts=ts, text="final")) == "message_not_found"
    assert slack.messages("general") == []


async def test_downloads_fail_as_slacks_do(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "look", files=[("a.png", b"png", "image/png")])
    bearer = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession() as session:
        slack.fault("download", "login")
        async with session.get(said.files[0].url, headers=bearer) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        slack.fault("download", "5xx")
        async with session.get(said.files[0].url, headers=bearer) as answer:
            assert answer.status == 503
        slack.fault("download", "redirect")
        async with session.get(said.files[0].url, headers=bearer, allow_redirects=False) as answer:
            assert answer.status == 302
            assert not answer.headers["Location"].startswith(slack.url.removesuffix("/api/"))
    slack.assert_clean()


async def test_waiting_in_vain_says_what_happened_instead(slack: LoopbackSlack) -> None:
    await client_of(slack)("auth_test")
    with pytest.raises(TimeoutError, match=r"auth\.test=200"):
        await slack.until(lambda: False, within=0.05)

"""What the loopback Slack delivers to the real Bolt, by socket and by HTTP, and again when it is not acknowledged."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from adapters.slack.testing import Delivery, LoopbackSlack, encoded, signed
from adapters.slack.testing.wire import Json, mapping
from tests.adapters.slack.loopback import client_of, error_of, listening, on, socket_of


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack, None]:
    async with LoopbackSlack(speed=6_000, ack_seconds=0.5, limits=False) as loopback:
        yield loopback


@asynccontextmanager
async def http_of(slack: LoopbackSlack, bolt: AsyncApp) -> AsyncGenerator[str, None]:
    """The Bolt app behind a real HTTP server, subscribed."""

    async def receive(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    async with serving(receive) as url:
        await slack.subscribe(url)
        yield url


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncGenerator[str, None]:
    application = web.Application()
    application.router.add_post("/slack/events", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


def button(label: str) -> list[Json]:
    element: Json = {"type": "button", "action_id": "stop", "value": "v", "text": {"type": "plain_text", "text": label}}
    return [{"type": "actions", "elements": [element]}]


async def test_a_mention_arrives_twice_with_one_ts_and_two_event_ids(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        said = await slack.say("alice", "general", f"{slack.app.mention} is 1 < 2 & why? https://a.b/c")
        await slack.until(lambda: len(heard.events) == 2)
    assert sorted(map(str, heard.kinds())) == ["app_mention", "message"]
    assert {event["ts"] for event in heard.events} == {said.ts}
    assert {event["text"] for event in heard.events} == {f"{slack.app.mention} is 1 &lt; 2 &amp; why? <https://a.b/c>"}
    assert len({delivery.payload["event_id"] for delivery in slack.deliveries}) == 2
    slack.assert_clean()


async def test_only_apps_in_the_channel_hear_of_it(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        await slack.say("alice", "random", f"{slack.app.mention} are you there?")
        await slack.say("alice", slack.dm("alice"), "here")
        await slack.until(lambda: heard.events)
        await slack.settled()
    assert [(event["text"], event["channel_type"]) for event in heard.events] == [("here", "im")]


async def test_edits_deletions_tombstones_unfurls_and_own_messages_come_as_slack_sends_them(
    slack: LoopbackSlack,
) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        said = await slack.say("alice", "general", "one")
        await slack.edit(said, "two")
        await slack.unfurl(said)
        posted = await client_of(slack)("chat_postMessage", channel=said.channel.id, text="mine", thread_ts=said.ts)
        await slack.delete(said)
        alone = await slack.say("bob", "general", "alone")
        await slack.delete(alone)
        await slack.join(slack.person("dave"), "general")
        await slack.until(lambda: len(heard.events) == 9)
        await slack.settled()
    by_ts = {str(event["event_ts"]): event for event in heard.events if event["type"] == "message"}
    changes = [event for _, event in sorted(by_ts.items()) if event.get("subtype") == "message_changed"]
    assert [mapping(event["message"])["text"] for event in changes] == ["two", "two", "This message was deleted."]
    assert mapping(changes[2]["message"])["subtype"] == "tombstone"
    own = by_ts[str(posted["ts"])]
    assert own["bot_id"] == slack.app.bot_id
    assert "subtype" not in own
    assert next(e for e in heard.events if e.get("subtype") == "message_deleted")["deleted_ts"] == alone.ts
    assert {"member_joined_channel", "channel_join"} <= set(heard.kinds())


async def test_the_split_view_and_the_home_tab_announce_themselves(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        root = await slack.open_assistant("alice", "general")
        await slack.open_home("alice")
        await slack.until(lambda: len(heard.events) == 2)
    started = next(event for event in heard.events if event["type"] == "assistant_thread_started")
    assert mapping(started["assistant_thread"])["thread_ts"] == root.ts


async def test_an_unheard_event_is_brought_again_and_recorded(slack: LoopbackSlack) -> None:
    bolt = AsyncApp(client=client_of(slack).web)
    async with socket_of(slack, bolt):
        await slack.say("alice", "general", "nobody listens")
        await slack.settled()
    (delivery,) = slack.deliveries
    assert [(attempt.number, attempt.problem) for attempt in delivery.attempts] == [(n, "timeout") for n in range(4)]
    with pytest.raises(AssertionError, match="not acknowledged: message"):
        slack.assert_clean()


async def test_what_is_said_while_the_app_is_away_comes_a_little_later(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    await slack.say("alice", "general", "are you up?")
    await slack.until(lambda: len(slack.deliveries[0].attempts) == 2)
    async with socket_of(slack, bolt):
        await slack.until(lambda: heard.events)
    assert slack.deliveries[0].acked
    assert slack.unacked == []


async def test_sockets_share_events_and_more_than_ten_are_turned_away(slack: LoopbackSlack) -> None:
    (first, heard_first), (second, heard_second) = listening(slack), listening(slack)
    async with socket_of(slack, first), socket_of(slack, second):
        for number in range(4):
            await slack.say("alice", "general", str(number))
        await slack.until(lambda: len(heard_first.events) + len(heard_second.events) == 4)
        assert len(heard_first.events) == len(heard_second.events) == 2
    slack.assert_clean()
    async with aiohttp.ClientSession() as session:
        client = client_of(slack)
        held: list[aiohttp.ClientWebSocketResponse] = []
        for _ in range(10):
            opened = await client("apps_connections_open", app_token=slack.app.app_token)
            held.append(await session.ws_connect(str(opened["url"])))
        opened = await client("apps_connections_open", app_token=slack.app.app_token)
        eleventh = await session.ws_connect(str(opened["url"]))
        assert (await eleventh.receive_json(timeout=5))["reason"] == "too_many_websockets"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(str(opened["url"]))
    assert [violation.what for violation in slack.violations] == [
        "more than 10 at once",
        "connected with a used or unknown address",
    ]


async def test_what_is_no_acknowledgement_is_recorded(slack: LoopbackSlack) -> None:
    opened = await client_of(slack)("apps_connections_open", app_token=slack.app.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(str(opened["url"])) as socket:
        hello = await socket.receive_json(timeout=5)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        said = await slack.say("alice", "general", "x")
        envelope = await socket.receive_json(timeout=5)
        assert (envelope["type"], envelope["retry_attempt"]) == ("events_api", 0)
        assert envelope["payload"]["event"]["ts"] == said.ts
        for frame in ({"envelope_id": envelope["envelope_id"]}, {"envelope_id": envelope["envelope_id"]}, ["?"]):
            await socket.send_json(frame)
        await slack.until(lambda: len(slack.violations) == 2)
        await slack.settled()
    assert slack.deliveries[0].acked
    assert slack.violations[0].what == "acknowledged an unknown envelope, or one twice"


async def test_after_a_disconnect_and_after_a_cut_the_sdk_comes_back(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        await slack.disconnect("warning")
        await slack.until(lambda: sum(call.method == "apps.connections.open" for call in slack.calls) == 2)
        await slack.connected()
        await slack.cut()
        await slack.until(lambda: sum(call.method == "apps.connections.open" for call in slack.calls) == 3)
        await slack.connected()
        await slack.say("alice", "general", "still there?")
        await slack.until(lambda: heard.events)


async def test_buttons_and_commands_reach_bolt_and_its_answers_are_seen(slack: LoopbackSlack) -> None:
    bolt, _ = listening(slack)

    async def stop(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="stopped", replace_original=True)

    async def command(ack: AsyncAck) -> None:
        await ack("for you")

    on(bolt, "action", "stop", stop)
    on(bolt, "command", "/claude", command)
    async with socket_of(slack, bolt):
        channel = slack.channel("general")
        await client_of(slack)("chat_postMessage", channel=channel.id, text="t", blocks=button("Stop"))
        (asked,) = slack.messages(channel)
        assert asked.shown == "[Stop]"
        with pytest.raises(ValueError, match="there are: Stop"):
            await slack.press("alice", asked, "Go")
        pressed = await slack.press("alice", asked, "Stop")
        assert mapping(pressed.payload["container"])["message_ts"] == asked.ts
        await slack.until(lambda: asked.shown == "stopped")
        view: Json = {"type": "modal", "title": {"type": "plain_text", "text": "Why?"}, "blocks": []}
        client, trigger = client_of(slack), pressed.payload["trigger_id"]
        await client("views_open", trigger_id=trigger, view=view)
        assert await error_of(client("views_open", trigger_id=trigger, view=view)) == "exchanged_trigger_id"
        assert await error_of(client("views_open", trigger_id="1.x", view=view)) == "invalid_trigger_id"
        await slack.command("bob", channel, "/claude", "help")
        assert [(one.shown, one.only_for) for one in slack.messages(channel)][1] == ("for you", slack.person("bob"))
        await slack.settled()
    slack.assert_clean()


async def test_by_http_the_url_is_verified_and_every_request_is_signed(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with http_of(slack, bolt) as url:
        await slack.say("alice", "general", "by http")
        await slack.until(lambda: heard.events)
        await slack.settled()
        slack.assert_clean()
        delivery = slack.deliveries[0]
        kind, body = encoded(delivery)
        tries = {
            "good": signed(slack.app, body),
            "forged": signed(slack.app, body, secret="wrong"),
            "stale": signed(slack.app, body, at=0),
        }
        statuses: dict[str, int] = {}
        async with aiohttp.ClientSession() as session:
            for name, headers in tries.items():
                async with session.post(url, data=body, headers={**headers, "Content-Type": kind}) as answer:
                    statuses[name] = answer.status
    assert statuses == {"good": 200, "forged": 401, "stale": 401}


async def test_a_url_that_does_not_echo_is_not_saved(slack: LoopbackSlack) -> None:
    async def silent(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with serving(silent) as url:
        with pytest.raises(ValueError, match="challenge"):
            await slack.subscribe(url)
    assert slack.app.request_url == ""


async def test_http_failures_are_retried_with_number_and_reason_until_told_not_to(slack: LoopbackSlack) -> None:
    seen: list[tuple[str, str]] = []

    async def broken(request: web.Request) -> web.Response:
        seen.append((request.headers.get("X-Slack-Retry-Num", ""), request.headers.get("X-Slack-Retry-Reason", "")))
        headers = {"X-Slack-No-Retry": "1"} if len(seen) == 3 else {}
        return web.Response(status=500, headers=headers)

    async with serving(broken) as url:
        slack.app.request_url = url
        await slack.say("alice", "general", "x")
        await slack.settled()
    assert seen == [("", ""), ("1", "http_error"), ("2", "http_error")]
    assert [one.label for one in slack.unacked] == [slack.deliveries[0].label]


async def test_scripted_deliveries_come_twice_late_or_never(slack: LoopbackSlack) -> None:
    bolt, heard = listening(slack)
    async with socket_of(slack, bolt):
        slack.fault("events", "duplicate")
        await slack.say("alice", "general", "twice")
        await slack.until(lambda: len(heard.events) == 2)
        slack.fault("events", "reorder")
        await slack.say("alice", "general", "late")
        await slack.say("alice", "general", "early")
        await slack.until(lambda: len(heard.events) == 4)
        slack.fault("events", "drop")
        await slack.say("alice", "general", "never")
        again: Delivery = await slack.redeliver(slack.deliveries[0])
        await slack.until(lambda: len(heard.events) == 5)
    assert [event["text"] for event in heard.events] == ["twice", "twice", "early", "late", "twice"]
    assert again.payload["event_id"] == slack.deliveries[0].payload["event_id"]


async def test_an_event_that_meets_a_broken_socket_waits_for_the_next_one() -> None:
    async with LoopbackSlack(speed=150) as slack:
        bolt, heard = listening(slack)
        async with socket_of(slack, bolt):
            slack.fault("events", "disconnect")
            await slack.say("alice", "general", "cut off")
            await slack.until(lambda: heard.events)
        (delivery,) = slack.deliveries
        assert delivery.attempts[0].problem == "connection_failed"
        assert delivery.acked
        slack.assert_clean()

"""The loopback Feishu's cards: what they may hold, how entities stream, and the moments when they refuse."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.wire import Json, compact, string
from tests.adapters.feishu.loopback import KIT, Client, button, card, client_of, line_of, markdown, post_in, streaming

TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu(limits=False) as loopback:
        yield loopback


@pytest.fixture
async def client(feishu: LoopbackFeishu) -> AsyncGenerator[Client]:
    async with client_of(feishu) as made:
        yield made


async def test_a_card_streams_grows_and_ends(feishu: LoopbackFeishu, client: Client) -> None:
    entity = await streaming(client)
    [post] = feishu.messages("general")
    assert post.preview == "[生成中...]"
    assert (await client.content(entity, "Hello", 1)).code == 0
    assert (await client.content(entity, "Hello, world", 2, uuid="u2")).code == 0
    assert (await client.content(entity, "Something else", 5)).code == 0
    assert entity.typewriter == [True, True, False]
    assert feishu.screen("general") == "claude: Something else\n[生成中...]"
    assert (await client.settings(entity, {"streaming_mode": False}, 6)).code == 0
    assert feishu.screen("general") == "claude: Something else"
    assert [version.shown for version in post.versions] == ["", "Hello", "Hello, world", "Something else"]
    assert (await client.content(entity, "more", 7)).code == 300309
    feishu.assert_clean()


async def test_the_sequence_strictly_increases_over_all_operations(client: Client) -> None:
    entity = await streaming(client)
    assert (await client.content(entity, "a", 3)).code == 0
    assert (await client.content(entity, "ab", 3)).code == 300317
    assert (await client.settings(entity, {"summary": {"content": "x"}}, 2)).code == 300317
    assert (await client.content(entity, "ab", 4, uuid="u")).code == 0
    assert (await client.content(entity, "abc", 5, uuid="u")).code == 200770
    assert (await client.content(entity, "abc", 0)).code == 99992402
    assert (await client.content(entity, "abc", 2**31)).code == 99992402
    assert (await client.content(entity, "abc", 5)).code == 0
    body: Json = {"content": "no sequence"}
    assert (await client("PUT", f"{KIT}/cards/{entity.id}/elements/body/content", body)).code == 99992402


async def test_streaming_closes_by_itself_after_ten_minutes_and_can_be_opened_again(
    feishu: LoopbackFeishu, client: Client
) -> None:
    entity = await streaming(client)
    feishu.advance(599)
    assert (await client.content(entity, "a", 1)).code == 0
    feishu.advance(2)
    assert not feishu.messages("general")[0].streaming
    assert (await client.content(entity, "ab", 2)).code == 200850
    assert (await client.content(entity, "ab", 3)).code == 300309
    assert (await client.settings(entity, {"streaming_mode": True}, 4)).code == 0
    assert (await client.content(entity, "ab", 5)).code == 0
    assert feishu.messages("general")[0].shown == "ab"


async def test_an_entity_is_sent_once_and_by_its_own_app(feishu: LoopbackFeishu, client: Client) -> None:
    entity = await streaming(client)
    content: Json = {"type": "card", "data": {"card_id": entity.id}}
    assert (await client.send("general", content, "interactive")).code == 230099
    assert (await client.send("general", {"type": "card", "data": {"card_id": "7"}}, "interactive")).code == 230099
    other = feishu.install("other")
    await feishu.add(other, "general")
    async with client_of(feishu, other) as stranger:
        assert (await stranger.content(entity, "mine", 1)).code == 300311
    assert (await client("PUT", f"{KIT}/cards/7/elements/body/content", {"content": "x", "sequence": 1})).code == 200740
    feishu.advance(15 * 86400)
    await client.login()
    assert (await client.content(entity, "old", 1)).code == 200750


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        (card(*[markdown("x", f"e{n}") for n in range(201)]), 300305, "element exceeds the limit"),
        (card(markdown(TABLE * 6)), 230099, "ErrCode: 11310; ErrMsg: card table number over limit; ErrorValue: table"),
        (card(markdown("文" * 11_000)), 200860, "exceeds limit"),
        (card(markdown("x"), update_multi=False), 300302, "update_multi"),
        (card({"tag": "action", "actions": []}), 230099, "200861"),
        (card({"tag": "blink"}), 200220, "blink"),
        (card({"tag": "markdown"}), 200220, "markdown.content"),
        (card(markdown("a"), markdown("b")), 200220, "duplicate"),
        (card(markdown("a", "1st")), 200220, "element id"),
        (card(markdown("![x](https://a.b/c.png)")), 230099, "200570"),
        (card(markdown("<at id=ou_nobody></at>")), 230099, "100290"),
        ({"elements": [markdown("old")]}, 200220, "schema"),
        ({}, 300307, "empty"),
    ],
)
async def test_impossible_cards_are_refused(client: Client, broken: Json, code: int, words: str) -> None:
    answer = await client.entity(broken)
    assert (answer.status, answer.code) == (400, code), answer.message
    assert words in answer.message


async def test_what_stands_in_code_is_no_table_no_image_and_no_mention(client: Client) -> None:
    code = f"```\n{TABLE * 6}![x](https://a.b/c.png) <at id=all></at>\n```"
    assert (await client.entity(card(markdown(code + TABLE * 5)))).code == 0


async def test_a_streamed_text_may_become_too_much(feishu: LoopbackFeishu, client: Client) -> None:
    entity = await streaming(client, text="start")
    assert (await client.content(entity, TABLE * 6, 1)).code == 230099
    assert (await client.content(entity, "x" * 100_001, 1)).code == 99992402
    assert (await client.content(entity, "x" * 31_000, 1)).code == 200860
    assert (await client.content(entity, "x", 1, element="nothing")).code == 300313
    assert feishu.messages("general")[0].shown == "start"
    assert (await client.content(entity, "fits", 1)).code == 0


async def test_pings_fire_unless_escaped(feishu: LoopbackFeishu, client: Client) -> None:
    bob = feishu.open_id("bob")
    loud = post_in(feishu, await client.send("general", card(markdown(f"<at id={bob}></at>")), "interactive"))
    quiet = post_in(feishu, await client.send("general", card(markdown("&lt;at id=all&gt;&lt;/at>")), "interactive"))
    assert (loud.shown, loud.pings) == ("@bob", ["bob"])
    assert (quiet.shown, quiet.pings) == ("<at id=all></at>", [])
    entity = await streaming(client)
    await client.content(entity, "careful <at id=all></at>", 1)
    assert feishu.messages("general")[-1].pings == ["all"]


async def test_whole_cards_and_single_elements_are_changed(feishu: LoopbackFeishu, client: Client) -> None:
    entity = await streaming(client, text="text")
    cards = f"{KIT}/cards/{entity.id}"

    async def do(method: str, path: str, sequence: int, **body: object) -> int:
        return (await client(method, path, {**body, "sequence": sequence})).code

    [post] = feishu.messages("general")
    more = compact([button("Stop"), markdown("tail", "tail")])
    assert await do("POST", f"{cards}/elements", 1, type="insert_after", target_element_id="body", elements=more) == 0
    assert post.shown == "text\n[Stop]\ntail"
    assert await do("PATCH", f"{cards}/elements/tail", 2, partial_element=compact({"content": "end"})) == 0
    assert await do("PUT", f"{cards}/elements/body", 3, element=compact({"tag": "markdown", "content": "new"})) == 0
    assert await do("DELETE", f"{cards}/elements/tail", 4) == 0
    assert post.shown == "new\n[Stop]"
    actions: list[Json] = [
        {"action": "delete_elements", "params": {"element_ids": ["body"]}},
        {"action": "add_elements", "params": {"type": "append", "elements": [markdown("last")]}},
        {"action": "partial_update_setting", "params": {"settings": {"config": {"streaming_mode": False}}}},
    ]
    assert await do("POST", f"{cards}/batch_update", 5, actions=compact(actions)) == 0
    assert (post.shown, post.streaming) == ("[Stop]\nlast", False)
    assert await do("POST", f"{cards}/batch_update", 6, actions=compact(actions[:1] * 2)) == 300313
    assert post.shown == "[Stop]\nlast"
    whole = {"type": "card_json", "data": compact(card(markdown("all new")))}
    assert await do("PUT", cards, 7, card=whole) == 0
    assert post.shown == "all new"
    assert await do("PUT", cards, 8, card=compact(whole)) == 9499
    assert await do("DELETE", f"{cards}/elements/none", 9) == 300313


async def test_settings_that_are_none_change_nothing(client: Client) -> None:
    entity = await streaming(client)
    path = f"{KIT}/cards/{entity.id}/settings"
    assert (await client("PATCH", path, {"settings": "no json", "sequence": 1})).code == 300122
    assert (await client("PATCH", path, {"settings": {"config": {}}, "sequence": 1})).code == 9499
    assert (await client.settings(entity, {"update_multi": False}, 1)).code == 300302
    assert entity.streaming


async def test_a_pressed_button_reaches_the_app_and_its_answer_the_person(
    feishu: LoopbackFeishu, client: Client
) -> None:
    post = post_in(feishu, await client.send("general", card(markdown("Run it?"), button("Yes", run=1)), "interactive"))
    async with line_of(feishu) as line:
        toast: Json = {"type": "success", "content": "Running"}
        line.answer = {"toast": toast, "card": {"type": "raw", "data": card(markdown("Approved"))}}
        press = await feishu.press("alice", post, "Yes")
    assert (press.toast, press.error, post.toasts, post.shown) == ("Running", 0, ["Running"], "Approved")
    event = press.delivery.event
    assert event["action"] == {"value": {"run": 1}, "tag": "button"}
    assert event["context"] == {"open_message_id": post.id, "open_chat_id": post.chat.id}
    feishu.assert_clean()


async def test_a_press_that_is_not_answered_well_fails_for_the_person() -> None:
    async with LoopbackFeishu(ack_seconds=0.2, limits=False) as feishu, client_of(feishu) as client:
        post = post_in(feishu, await client.send("general", card(button("Go")), "interactive"))
        async with line_of(feishu) as line:
            line.silent = True
            assert (await feishu.press("alice", post, "Go")).error == 200341
            line.silent, line.code = False, 500
            assert (await feishu.press("alice", post, "Go")).error == 200671
            line.code, line.answer = 200, {"msg": "ok"}
            assert (await feishu.press("alice", post, "Go")).error == 200672
            line.answer = {"card": {"type": "raw", "data": {"schema": "2.0"}}}
            assert (await feishu.press("alice", post, "Go")).error == 200673
        with pytest.raises(ValueError, match="no button"):
            await feishu.press("alice", post, "Nothing")
        assert len(feishu.unacked) == 2


async def test_a_card_cannot_be_changed_while_its_callback_is_unanswered(
    feishu: LoopbackFeishu, client: Client
) -> None:
    made = await client.entity(card(markdown("text"), button("Stop"), streaming_mode=True))
    content: Json = {"type": "card", "data": {"card_id": made.data["card_id"]}}
    post = post_in(feishu, await client.send("general", content, "interactive"))
    entity = feishu.directory.cards[string(made.data["card_id"])]
    plain = post_in(feishu, await client.send("general", card(markdown("old"), button("Go")), "interactive"))
    async with line_of(feishu) as line:
        seen: list[int] = []

        async def change() -> None:
            seen.append((await client.content(entity, "during", len(seen) + 1)).code)
            seen.append((await client.patch(plain, card(markdown(f"during {len(seen)}"), button("Go")))).code)

        line.first = change
        await feishu.press("alice", post, "Stop")
        await feishu.press("alice", plain, "Go")
    assert seen == [200810, 0, 0, 0]
    assert plain.shown == "during 1\n[Go]"
    assert (await client.content(entity, "after", 10)).code == 0
    assert {violation.where for violation in feishu.violations} == {"im.v1.message.patch"}


async def test_a_pressed_card_may_be_changed_twice_within_half_an_hour(feishu: LoopbackFeishu, client: Client) -> None:
    path = "/open-apis/interactive/v1/card/update"
    post = post_in(feishu, await client.send("general", card(markdown("old"), button("Go")), "interactive"))
    async with line_of(feishu):
        press = await feishu.press("alice", post, "Go")
        token = press.delivery.event["token"]
        for text in ("one", "two"):
            changed: Json = {"token": token, "card": card(markdown(text), button("Go"))}
            assert (await client("POST", path, changed)).code == 0
        assert (await client("POST", path, {"token": token, "card": card(markdown("three"))})).code == 300090
        assert post.shown == "two\n[Go]"
        late = (await feishu.press("alice", post, "Go")).delivery.event["token"]
        feishu.advance(1801)
        assert (await client("POST", path, {"token": late, "card": card(markdown("late"))})).code == 300090
    assert (await client("POST", path, {"token": "c-none", "card": card(markdown("x"))})).code == 300090

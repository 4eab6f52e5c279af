"""Buttons and menus within Discord's limits."""

from __future__ import annotations

from adapters.discord.components import Keys, components, pressed
from botkit.model import Action

Json = dict[str, object]


def inside(row: Json) -> list[Json]:
    found = row["components"]
    assert isinstance(found, list)
    return found  # pyright: ignore[reportUnknownVariableType]  # JSON


def test_no_actions_are_no_rows() -> None:
    assert components((), Keys()) == []


def test_a_button_carries_its_command_and_its_thread() -> None:
    keys = Keys()
    (row,) = components((Action("Allow", "/allow r1", "primary"), Action("Deny", "/deny r1", "danger")), keys, "42")
    assert [(button["label"], button["style"]) for button in inside(row)] == [("Allow", 1), ("Deny", 4)]
    assert [pressed(str(button["custom_id"]), (), keys) for button in inside(row)] == [
        ("42", "/allow r1"),
        ("42", "/deny r1"),
    ]


def test_what_does_not_fit_gets_a_key_that_only_this_process_knows() -> None:
    keys, command = Keys(), "/answer " + "ü" * 300
    (row,) = components((Action("L" * 200, command),), keys)
    (button,) = inside(row)
    assert len(str(button["custom_id"])) <= 100
    assert len(str(button["label"])) == 80
    assert pressed(str(button["custom_id"]), (), keys) == ("", command)
    assert pressed(str(button["custom_id"]), (), Keys()) == ("", "")


def test_a_command_that_looks_like_a_key_is_still_itself() -> None:
    keys = Keys()
    (row,) = components((Action("x", "#abc"),), keys)
    assert pressed(str(inside(row)[0]["custom_id"]), (), keys) == ("", "#abc")


def test_many_choices_become_menus_and_the_rest_stays_buttons() -> None:
    keys = Keys()
    choices = [Action(f"{number}", f"/answer r 0 {number}") for number in range(30)]
    rows = components([*choices, Action("No", "/deny r", "danger")], keys)
    assert [[one["type"] for one in inside(row)] for row in rows] == [[3], [3], [2]]
    options = inside(rows[1])[0]["options"]
    assert isinstance(options, list)
    assert len(options) == 5  # pyright: ignore[reportUnknownArgumentType]  # JSON
    assert pressed(str(inside(rows[1])[0]["custom_id"]), ["/answer r 0 26"], keys) == ("", "/answer r 0 26")


def test_five_choices_are_buttons() -> None:
    (row,) = components([Action(f"{number}", f"/answer r 0 {number}") for number in range(5)], Keys())
    assert [one["type"] for one in inside(row)] == [2] * 5


def test_nothing_of_others_is_taken_for_ours() -> None:
    assert pressed("somebody:0::/allow r1", (), Keys()) == ("", "")
    assert pressed("", (), Keys()) == ("", "")

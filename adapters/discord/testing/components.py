"""Buttons and menus: what Discord takes, and what a person finds in them.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.discord.testing.form import Form
from adapters.discord.testing.wire import Json, is_number, is_sequence, mapping, mappings, number, string

ROW, BUTTON, STRING_SELECT = 1, 2, 3
SELECTS = range(3, 9)
"""Types 3 and 5 to 8; 4 is a text input, which only modals have."""
LINK, PREMIUM = 5, 6
MAX_ROWS, MAX_WIDTH, MAX_OPTIONS, MAX_V2, MAX_DISPLAYED = 5, 5, 25, 40, 4000
_V2 = {1, 9, 10, 12, 13, 14, 17}

Place = tuple[str | int, ...]


def check_components(form: Form, value: object, *, modern: bool) -> list[Json]:
    """The components of a message, complaints going to the form; `modern` are Components V2."""
    given = form.items(value, ("components",), MAX_V2 if modern else MAX_ROWS)
    seen: set[str] = set()
    for index, component in enumerate(given):
        at: Place = ("components", index)
        if component.get("type") == ROW:
            _row(form, component, at, seen)
        elif not modern:
            form.choice(component.get("type"), (*at, "type"), {ROW})
        else:
            form.choice(component.get("type"), (*at, "type"), _V2)
    everything = list(walk(given))
    if modern and len(everything) > MAX_V2:
        form.complain(("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"Maximum of {MAX_V2} components")
    if sum(len(string(one.get("content"))) for one in everything) > MAX_DISPLAYED:
        form.complain(("components",), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", f"Maximum of {MAX_DISPLAYED}")
    return given


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, however deep."""
    for component in components:
        yield component
        yield from walk(mappings(component.get("components")))
        yield from walk([inner] if (inner := mapping(component.get("accessory"))) else [])


def labels(components: Sequence[Json]) -> list[str]:
    """What is written on buttons and menus, and texts between them."""
    found = [string(one.get("label") or one.get("placeholder") or one.get("content")) for one in walk(components)]
    return [text for text in found if text]


def find(components: Sequence[Json], wanted: str, *, menu: bool) -> Json:
    """The button (or menu) with that custom id, label or placeholder. ValueError names those that are there."""
    kinds = SELECTS if menu else (BUTTON,)
    there: list[str] = []
    for component in walk(components):
        if component.get("type") in kinds:
            names = [string(component.get(name)) for name in ("custom_id", "label", "placeholder")]
            if wanted in names:
                return component
            there.append(names[1] or names[2] or names[0])
    raise ValueError(f"no {'menu' if menu else 'button'} {wanted!r}; there are: {', '.join(there) or 'none'}")


def _row(form: Form, row: Json, at: Place, seen: set[str]) -> None:
    inner = form.items(row.get("components"), (*at, "components"), MAX_WIDTH, least=1)
    selects = [one for one in inner if one.get("type") in SELECTS]
    if selects and len(inner) > 1:
        form.complain(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
    for index, component in enumerate(inner):
        where: Place = (*at, "components", index)
        kind = component.get("type")
        if kind == BUTTON:
            _button(form, component, where)
        elif kind in SELECTS and kind != 4:
            _select(form, component, where)
        else:
            form.choice(kind, (*where, "type"), {2, 3, 5, 6, 7, 8})
        custom_id = string(component.get("custom_id"))
        if custom_id and custom_id in seen:
            form.complain(
                (*where, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        seen.add(custom_id)


def _button(form: Form, button: Json, at: Place) -> None:
    style = form.choice(button.get("style"), (*at, "style"), range(1, 7))
    form.text(button.get("label"), (*at, "label"), 80)
    if style == LINK:
        form.text(button.get("url"), (*at, "url"), 512, least=1)
        if "custom_id" in button:
            form.complain((*at, "custom_id"), "BUTTON_COMPONENT_INVALID_CUSTOM_ID", "A custom id is not allowed here")
    elif style and style != PREMIUM:
        form.text(button.get("custom_id"), (*at, "custom_id"), 100, least=1)
        if not button.get("label") and not button.get("emoji"):
            form.complain((*at, "label"), "BUTTON_COMPONENT_LABEL_REQUIRED", "A label or an emoji is required")


def _select(form: Form, select: Json, at: Place) -> None:
    form.text(select.get("custom_id"), (*at, "custom_id"), 100, least=1)
    form.text(select.get("placeholder"), (*at, "placeholder"), 150)
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not is_number(least) or not 0 <= least <= MAX_OPTIONS:
        form.complain((*at, "min_values"), "NUMBER_TYPE_MAX", "int value should be between 0 and 25.")
    if not is_number(most) or not 1 <= most <= MAX_OPTIONS or most < number(least):
        form.complain((*at, "max_values"), "NUMBER_TYPE_MAX", "int value should be between 1 and 25.")
    if select.get("type") == STRING_SELECT:
        _options(form, select, at)


def _options(form: Form, select: Json, at: Place) -> None:
    options = form.items(select.get("options"), (*at, "options"), MAX_OPTIONS, least=1)
    seen: set[str] = set()
    for index, option in enumerate(options):
        where: Place = (*at, "options", index)
        form.text(option.get("label"), (*where, "label"), 100, least=1)
        value = form.text(option.get("value"), (*where, "value"), 100, least=1)
        form.text(option.get("description"), (*where, "description"), 100)
        if value and value in seen:
            form.complain(
                (*where, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        seen.add(value)
    if is_sequence(select.get("options")) and number(select.get("max_values", 1)) > len(options):
        form.complain((*at, "max_values"), "BASE_TYPE_MAX_LENGTH", f"Must be {len(options)} or fewer in length.")

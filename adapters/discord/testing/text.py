"""What is in a text as Discord reads it: who is mentioned, and which links it would unfold. Code is left alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.discord.testing.form import Form
from adapters.discord.testing.wire import Json, is_mapping, sequence, string

_CODE = re.compile(r"(`{3}.*?`{3}|``.*?``|`[^`]*`)", re.DOTALL)
_USER = re.compile(r"<@!?(\d{15,20})>")
_ROLE = re.compile(r"<@&(\d{15,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_LINK = re.compile(r"(?<!<)\bhttps?://[^\s<>)\]]+|(?<=\()https?://[^\s<>)\]]+")
_QUIET_LINK = re.compile(r"<https?://[^\s<>]+>")


@dataclass(frozen=True, slots=True)
class Named:
    """Ids of the people and roles that a text names, and whether it calls everyone."""

    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """`allowed_mentions`: what a sender lets a text do. By default it may do everything."""

    parse: frozenset[str] = frozenset({"users", "roles", "everyone"})
    people: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    replied_user: bool = True

    def narrow(self, named: Named) -> Named:
        """The part of it that is allowed."""
        return Named(
            tuple(one for one in named.people if "users" in self.parse or one in self.people),
            tuple(one for one in named.roles if "roles" in self.parse or one in self.roles),
            named.everyone and "everyone" in self.parse,
        )


def named(text: str) -> Named:
    """Everything a text mentions outside of code."""
    plain = _CODE.sub(" ", text)
    people, roles = dict.fromkeys(_USER.findall(plain)), dict.fromkeys(_ROLE.findall(plain))
    return Named(tuple(people), tuple(roles), bool(_EVERYONE.search(plain)))


def links(text: str) -> list[str]:
    """Links that Discord fetches to unfold them: not those in `<…>` and not those in code."""
    return _LINK.findall(_QUIET_LINK.sub(" ", _CODE.sub(" ", text)))


def read_allowed(form: Form, value: object) -> Allowed:
    """https://docs.discord.com/developers/resources/message#allowed-mentions-object"""
    if value is None:
        return Allowed()
    at = ("allowed_mentions",)
    if not is_mapping(value):
        form.complain(at, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return Allowed()
    parse = frozenset(string(one) for one in sequence(value.get("parse")))
    for one in parse - {"users", "roles", "everyone"}:
        form.complain(
            (*at, "parse"), "BASE_TYPE_CHOICES", f"Value must be one of {{'users', 'roles', 'everyone'}}, not {one}"
        )
    people, roles = (_ids(form, value, kind, parse) for kind in ("users", "roles"))
    # Without `parse`, an object that names nobody allows nobody: discord.py sends {"parse": []} for that.
    return Allowed(parse, people, roles, value.get("replied_user") is True)


def _ids(form: Form, value: Json, kind: str, parse: frozenset[str]) -> frozenset[str]:
    given = sequence(value.get(kind))
    if len(given) > 100:
        form.complain(("allowed_mentions", kind), "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    if given and kind in parse:
        what = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
        form.complain(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", what)
    return frozenset(form.snowflake(one, ("allowed_mentions", kind, index)) for index, one in enumerate(given))

"""API keys: who a program is and what it may do. Values only; `tokens` makes and proves their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Literal

KeyStatus = Literal["active", "suspended", "expired"]
LimitName = Literal[
    "requests_per_minute",
    "requests_per_day",
    "tokens_per_day",
    "usd_per_day",
    "usd_per_month",
    "concurrent_runs",
]

ALL = ("*",)
"""Everything, in a scope; an empty one is nothing."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a key may do. `("*",)` is everything, `()` nothing; names are exact."""

    bots: tuple[str, ...] = ALL
    """Names of bots in the config."""
    projects: tuple[str, ...] = ()
    """Names of projects in the config, beside each bot's own workdir."""
    models: tuple[str, ...] = ALL
    """Models that may be asked for by name; a bot's own model needs none."""
    endpoints: tuple[str, ...] = ALL
    """Scopes of the table of routes: "chat", "sessions", "tools"."""
    streaming: bool = True
    bash: bool = False
    """May run commands without a model turn, where the bot's launcher is a sandbox."""
    admin: bool = False
    """Counts as an admin of its bots: may see and decide what belongs to other keys."""
    max_tokens: int = 0
    """Most output tokens one request may ask for; 0 is no limit."""

    def bot(self, name: str) -> bool:
        return _within(name, self.bots)

    def project(self, name: str) -> bool:
        return _within(name, self.projects)

    def model(self, name: str) -> bool:
        return _within(name, self.models)

    def endpoint(self, name: str) -> bool:
        return _within(name, self.endpoints)


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much a key may use; 0 is no limit. Minutes, days and months are those of the calendar, in UTC.

    Tokens and US dollars are known only when a request has ended: the first request after the limit is refused, and
    what is at work is not cut.
    """

    requests_per_minute: int = 0
    requests_per_day: int = 0
    tokens_per_day: int = 0
    """Input and output; what was read from a cache is not counted."""
    usd_per_day: float = 0.0
    usd_per_month: float = 0.0
    concurrent_runs: int = 0

    @property
    def any(self) -> bool:
        return self != NO_LIMITS

    @property
    def of_requests(self) -> KeyLimits:
        """Those of them that also hold for what asks Claude nothing."""
        return KeyLimits(self.requests_per_minute, self.requests_per_day)


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True)
class Hashed:
    """A secret as it is kept: SHA-256 of salt and secret, both as hex."""

    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One program's key. Times are Unix seconds; 0 is never."""

    id: str
    name: str
    owner: str
    """Who answers for it: a person or a team, in the operator's own words."""
    created: float
    secret: Hashed = field(repr=False)
    prefix: str
    """The beginning of the token, to recognise it by; no secret."""
    previous: Hashed | None = field(default=None, repr=False)
    """The secret before the last rotation, valid until `previous_until`."""
    previous_until: float = 0.0
    suspended: bool = False
    expires: float = 0.0
    last_used: float = 0.0
    """Some seconds late; written beside the key, so that it never undoes a change."""
    scopes: Scopes = Scopes()
    limits: KeyLimits = KeyLimits()
    networks: tuple[str, ...] = ()
    """The addresses and networks it may be used from ("192.0.2.7", "10.0.0.0/8"); () is anywhere."""
    signing: str = field(default="", repr=False)
    """The secret that requests must be signed with; '' is no signature. HMAC needs it as it is, not as a hash."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """Anything the operator wants to remember with it."""
    revision: int = 1
    """Grows with every change: two changes of one state cannot both be written."""

    def status(self, now: float) -> KeyStatus:
        if self.suspended:
            return "suspended"
        return "expired" if self.expires and self.expires <= now else "active"

    def usable_from(self, address: str) -> bool:
        """Whether a client at this IP address may use it. What is no address may not, where there is a list."""
        if not self.networks:
            return True
        try:
            client = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        client = getattr(client, "ipv4_mapped", None) or client
        return any(client in ip_network(network, strict=False) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key has used in the minute, the day and the month of now, and how many of its runs are at work."""

    requests_minute: int = 0
    requests_day: int = 0
    tokens_day: int = 0
    usd_day: float = 0.0
    usd_month: float = 0.0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer to a request that wants to begin. A refused one was not counted."""

    spent: Spent
    """With this request, unless it was refused."""
    refused: LimitName | None = None
    retry_after: float = 0.0
    """Seconds until the limit lets a request pass again; a guess for `concurrent_runs`."""


@dataclass(frozen=True, slots=True)
class Act:
    """What an administrator did: one line of the audit log. Holds no secret."""

    id: str
    at: float
    who: str
    """As they proved it: "jwt:ada@example.com", "bootstrap", "cli:ada"."""
    what: str
    """"key.create", "key.rotate", "usage.export"."""
    target: str = ""
    """The id of what it was done to."""
    address: str = ""
    """The IP address it came from; '' for the command line."""
    detail: Mapping[str, str] = field(default_factory=dict[str, str])
    """What was changed, in words: {"suspended": "true"}."""


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Addresses and networks as `ApiKey.networks` holds them. Raises ValueError that names the wrong one."""
    found: list[str] = []
    for text in texts:
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is neither an IP address nor a network such as 10.0.0.0/8") from None
        found.append(str(network.network_address) if network.num_addresses == 1 else str(network))
    return tuple(found)


def _within(name: str, scope: tuple[str, ...]) -> bool:
    return "*" in scope or name in scope

"""What administrators send and get: keys as JSON. Times are ISO 8601 with a zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from botkit.keys import ApiKey, KeyLimits, KeyStatus, Scopes, networks
from botkit.sheets import moment
from botkit.tokens import Token

MOST_OVERLAP = 30 * 86_400
DAY = 86_400

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Names = Annotated[list[Text], Field(max_length=200)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Usd = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
Until = Annotated[AwareDatetime, Field(lt=datetime(9000, 1, 1, tzinfo=UTC))]
Networks = Annotated[list[Text], Field(max_length=200), AfterValidator(networks)]


class Body(BaseModel):
    """Anything that is sent: what is not known is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ScopesBody(Body):
    """What a key may do: `["*"]` is everything, `[]` nothing."""

    bots: Names = ["*"]
    projects: Names = []
    models: Names = ["*"]
    endpoints: Names = ["*"]
    """Parts of the API, as the table of routes names them."""
    streaming: bool = True
    bash: bool = False
    """May run commands where the bot's launcher is a sandbox."""
    admin: bool = False
    """Counts as an admin of its bots."""
    max_tokens: Count = 0
    """Most output tokens of one request."""

    def scopes(self) -> Scopes:
        return Scopes(
            bots=tuple(self.bots),
            projects=tuple(self.projects),
            models=tuple(self.models),
            endpoints=tuple(self.endpoints),
            streaming=self.streaming,
            bash=self.bash,
            admin=self.admin,
            max_tokens=self.max_tokens,
        )


class LimitsBody(Body):
    """How much a key may use; 0 is no limit. Minutes, days and months are those of the calendar, in UTC."""

    requests_per_minute: Count = 0
    requests_per_day: Count = 0
    tokens_per_day: Count = 0
    usd_per_day: Usd = 0.0
    usd_per_month: Usd = 0.0
    concurrent_runs: Count = 0

    def limits(self) -> KeyLimits:
        return KeyLimits(**self.model_dump())


class KeyChange(Body):
    """What is to be different; what is not named stays as it is."""

    name: Text | None = None
    owner: Text | None = None
    status: Literal["active", "suspended"] | None = None
    expires: Until | None = None
    """null: never."""
    scopes: ScopesBody | None = None
    """All of them: those not named are as for a new key."""
    limits: LimitsBody | None = None
    """All of them: those not named are no limit."""
    networks: Networks | None = None
    """Where it may be used from: ["192.0.2.7", "10.0.0.0/8"]; [] is anywhere."""
    signed: bool | None = None
    """Its requests must be signed."""
    metadata: Annotated[dict[Text, Annotated[str, Field(max_length=500)]], Field(max_length=50)] | None = None

    def applied(self, key: ApiKey, signing: str) -> ApiKey:
        """The key with these changes; `signing` is the secret it gets if it has none and needs one."""
        if self.name is not None:
            key = replace(key, name=self.name)
        if self.owner is not None:
            key = replace(key, owner=self.owner)
        if self.status is not None:
            key = replace(key, suspended=self.status == "suspended")
        if "expires" in self.model_fields_set:
            key = replace(key, expires=self.expires.timestamp() if self.expires else 0.0)
        if self.scopes is not None:
            key = replace(key, scopes=self.scopes.scopes())
        if self.limits is not None:
            key = replace(key, limits=self.limits.limits())
        if self.networks is not None:
            key = replace(key, networks=tuple(self.networks))
        if self.signed is not None:
            key = replace(key, signing=(key.signing or signing) if self.signed else "")
        return key if self.metadata is None else replace(key, metadata=self.metadata)


class NewKey(KeyChange):
    """A new key; what is not named is as keys are by default."""

    name: Text = Field()  # pyright: ignore[reportIncompatibleVariableOverride]  # here it must be given
    owner: Text = Field()  # pyright: ignore[reportIncompatibleVariableOverride]


class Rotation(Body):
    """How the old token ends."""

    overlap: Annotated[int, Field(ge=0, le=MOST_OVERLAP)] = DAY
    """Seconds for which it still works."""


class Key(BaseModel):
    """A key, without its secret."""

    id: str
    prefix: str
    """The beginning of its token."""
    name: str
    owner: str
    status: KeyStatus
    created: str
    expires: str | None
    last_used: str | None
    rotating_until: str | None
    """Until when the token before the last rotation still works."""
    scopes: ScopesBody
    limits: LimitsBody
    networks: list[str]
    signed: bool
    metadata: dict[str, str]


class MadeKey(Key):
    """A key with its secrets: they are shown now and never again."""

    token: str | None = None
    signing_secret: str | None = None


class KeyPage(BaseModel):
    """Keys in the order in which they were made."""

    data: list[Key]
    next: str | None
    """What `after` must be for the next page."""


def shown(key: ApiKey, now: float) -> Key:
    return Key.model_validate(_fields(key, now))


def made(key: ApiKey, now: float, token: Token | None = None, *, signing: str = "") -> MadeKey:
    """With what is shown once: its token, its signing secret."""
    secrets = {"token": token.text if token else None, "signing_secret": signing or None}
    return MadeKey.model_validate({**_fields(key, now), **secrets})


def _fields(key: ApiKey, now: float) -> dict[str, object]:
    rotating = key.previous is not None and key.previous_until > now
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "owner": key.owner,
        "status": key.status(now),
        "created": moment(key.created),
        "expires": moment(key.expires) if key.expires else None,
        "last_used": moment(key.last_used) if key.last_used else None,
        "rotating_until": moment(key.previous_until) if rotating else None,
        # Not checked again: a key made on the command line may hold what this API would not take.
        "scopes": ScopesBody.model_construct(None, **_json(asdict(key.scopes))),
        "limits": LimitsBody.model_construct(**asdict(key.limits)),
        "networks": list(key.networks),
        "signed": bool(key.signing),
        "metadata": dict(key.metadata),
    }


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists where Python has tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}  # pyright: ignore[reportUnknownArgumentType]

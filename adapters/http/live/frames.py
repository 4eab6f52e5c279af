"""What a program sends over the WebSocket, and what it is told when that is wrong."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from adapters.http.errors import HttpError
from adapters.http.fields import wrong_body

LONGEST_REF = 200
"""Characters."""


class Frame(BaseModel):
    """One text frame: a JSON object."""

    model_config = ConfigDict(extra="forbid")

    ref: str = Field(default="", max_length=LONGEST_REF)
    """The program's own name for it, said again in what answers it."""


class Say(Frame):
    """A message to Claude, in the session's order."""

    type: Literal["message"]
    text: str = Field(min_length=1)
    user: str = Field(default="", max_length=200)
    """The end user it comes from."""


class Stop(Frame):
    """End the running turn."""

    type: Literal["stop"]


class Decide(Frame):
    """Decide an approval."""

    type: Literal["approve"]
    request: str
    allow: bool
    for_session: bool = False
    """Also grants, until the session ends, exactly the rules the request showed."""
    reason: str = ""
    """Of a denial; Claude reads it."""


class AnswerQuestion(Frame):
    """Answer a question."""

    type: Literal["answer"]
    request: str
    labels: list[list[str]]
    """One list of labels or free text for each question."""


class Ping(Frame):
    """Answered by a `pong`."""

    type: Literal["ping"]


Any = Say | Stop | Decide | AnswerQuestion | Ping
_FRAMES: TypeAdapter[Any] = TypeAdapter(Annotated[Any, Field(discriminator="type")])


class _Named(msgspec.Struct):
    ref: str = ""


def ref(text: str) -> dict[str, str]:
    """What stands again in the answer to a frame, also to one that is wrong otherwise."""
    try:
        name = msgspec.json.decode(text, type=_Named).ref
    except (msgspec.DecodeError, RecursionError):
        return {}
    return {"ref": name} if name and len(name) <= LONGEST_REF else {}


def parsed(text: str) -> Any:
    """A frame. Raises HttpError that names the wrong field."""
    try:
        return _FRAMES.validate_json(text)
    except ValidationError as error:
        raise wrong_body(error, text) from None
    except RecursionError:
        raise HttpError(400, "invalid_json", "the frame is nested too deeply") from None

"""The body of `POST /v1/chat/completions`: what is used, what is ignored, what is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.http.refusing import Neutral
from adapters.http.wishes import Body, Claude, Effort, SessionName, UserName


class Loose(BaseModel):
    """Part of a message: what other providers have added to it does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextPart(Loose):
    type: Literal["text"]
    text: str


class RefusalPart(Loose):
    type: Literal["refusal"]
    refusal: str


class ImageUrl(Loose):
    url: str
    """A data URL."""


class ImagePart(Loose):
    type: Literal["image_url"]
    image_url: ImageUrl


class FileData(Loose):
    filename: str = ""
    file_data: str
    """A data URL, or base64."""


class FilePart(Loose):
    type: Literal["file"]
    file: FileData


Part = Annotated[TextPart | ImagePart | FilePart | RefusalPart, Field(discriminator="type")]


class Called(Loose):
    name: str = "a tool"


class ToolCall(Loose):
    """Of an earlier answer; Claude reads that there was one."""

    function: Called | None = None


class ChatMessage(Loose):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[Part, ...] | None = None
    name: str = ""
    tool_calls: tuple[ToolCall, ...] | None = None


class StreamOptions(Loose):
    include_usage: bool = False


class JsonSchema(Loose):
    name: str = ""
    schema_: dict[str, Any] | None = Field(None, alias="schema")


class ResponseFormat(Loose):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class Ignored(Body):
    """Taken and ignored: Claude Code has no such setting, and the answer is still an answer."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Ignored as a limit; more than the key's scope allows is refused."""
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    store: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: str | None = None
    verbosity: str | None = None


class Refused(Body):
    """Refused unless they say nothing: without them the answer would be another one than was asked for."""

    n: int | None = None
    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    functions: tuple[Any, ...] | None = None
    function_call: Any = None
    stop: Any = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None
    modalities: tuple[str, ...] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    moderation: Any = None


NEUTRAL: Neutral = {
    "n": (1,),
    "tools": ((),),
    "functions": ((),),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "stop": ([], ""),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "modalities": (("text",),),
}
"""Values of refused parameters that ask for nothing."""


class ChatRequest(Ignored, Refused):
    """OpenAI's chat completion. Used:"""

    model: str
    """`bot` or `bot/model`."""
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=10_000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: UserName | None = None
    """The end user; their sessions are their own."""
    response_format: ResponseFormat | None = None
    reasoning_effort: Effort | Literal["none"] | None = None
    conversation: SessionName = ""
    """The same as `claude.session`."""
    claude: Claude = Claude()

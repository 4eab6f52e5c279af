"""The body of `POST /v1/messages`: what is used, what is ignored, what is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.http.refusing import Neutral
from adapters.http.wishes import Body, Claude, Effort, UserName


class Loose(BaseModel):
    """Part of a message: what newer versions of the API have added to it does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Source(Loose):
    type: Literal["base64", "text"]
    media_type: str = "application/octet-stream"
    data: str


class Text(Loose):
    type: Literal["text"]
    text: str


class Image(Loose):
    type: Literal["image"]
    source: Source


class Document(Loose):
    type: Literal["document"]
    source: Source
    title: str | None = None


class Thinking(Loose):
    """Of an earlier answer; not given to Claude again."""

    type: Literal["thinking", "redacted_thinking"]


class ToolUse(Loose):
    type: Literal["tool_use"]
    name: str


class ToolResult(Loose):
    type: Literal["tool_result"]
    content: str | tuple[Text | Image, ...] = ""


Block = Annotated[Text | Image | Document | Thinking | ToolUse | ToolResult, Field(discriminator="type")]


class MessageParam(Loose):
    role: Literal["user", "assistant"]
    content: str | tuple[Block, ...]


class Metadata(Loose):
    user_id: UserName | None = None


class ThinkingConfig(Loose):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    display: Literal["summarized", "omitted"] | None = None
    budget_tokens: Annotated[int, Field(ge=1, le=128_000)] | None = None


class Format(Loose):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Loose):
    effort: Effort | None = None
    format: Format | None = None


class Ignored(Body):
    """Taken and ignored."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Ignored as a limit; more than the key's scope allows is refused."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    cache_control: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    diagnostics: dict[str, Any] | None = None
    fallback_credit_token: str | None = None


class Refused(Body):
    """Refused unless they say nothing."""

    stop_sequences: tuple[str, ...] | None = None
    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    mcp_servers: tuple[Any, ...] | None = None
    container: Any = None
    thread: Any = None
    compaction: Any = None
    fallbacks: tuple[Any, ...] | None = None
    inference_geo: str | None = None
    billing_policy: Any = None


NEUTRAL: Neutral = {
    "stop_sequences": ((),),
    "tools": ((),),
    "tool_choice": ({"type": "auto"}, {"type": "none"}),
    "mcp_servers": ((),),
    "fallbacks": ((),),
}


class MessagesRequest(Ignored, Refused):
    """Anthropic's message. Used:"""

    model: str
    """`bot` or `bot/model`."""
    messages: Annotated[tuple[MessageParam, ...], Field(min_length=1, max_length=10_000)]
    system: str | tuple[Text, ...] = ""
    stream: bool = False
    metadata: Metadata | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    claude: Claude = Claude()

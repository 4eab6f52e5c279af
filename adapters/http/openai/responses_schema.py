"""The body of `POST /v1/responses`: what is used, what is ignored, what is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from adapters.http.openai.schema import Loose
from adapters.http.wishes import Body, Claude, Effort, SessionName, UserName


class InputText(Loose):
    type: Literal["input_text", "output_text", "text"]
    text: str


class InputRefusal(Loose):
    type: Literal["refusal"]
    refusal: str


class InputImage(Loose):
    type: Literal["input_image"]
    image_url: str
    """A data URL."""


class InputFile(Loose):
    type: Literal["input_file"]
    filename: str = ""
    file_data: str
    """A data URL, or base64."""


InputPart = Annotated[InputText | InputRefusal | InputImage | InputFile, Field(discriminator="type")]


class InputMessage(Loose):
    """A message; other items of the API (calls of functions, references) are refused."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[InputPart, ...]


class TextFormat(Loose):
    type: Literal["text", "json_object", "json_schema"]
    schema_: dict[str, Any] | None = Field(None, alias="schema")


class TextConfig(Loose):
    format: TextFormat | None = None


class Reasoning(Loose):
    effort: Effort | Literal["none"] | None = None
    summary: str | None = None


class ConversationId(Loose):
    id: SessionName


class IgnoredHere(Body):
    """Taken and ignored."""

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Ignored as a limit; more than the key's scope allows is refused."""
    metadata: dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    service_tier: str | None = None
    truncation: str | None = None
    include: tuple[str, ...] | None = None
    stream_options: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: str | None = None
    context_management: tuple[Any, ...] | None = None


class RefusedHere(Body):
    """Refused unless they say nothing."""

    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    max_tool_calls: int | None = None
    top_logprobs: int | None = None
    background: bool | None = None
    prompt: Any = None
    moderation: Any = None


class ResponsesRequest(IgnoredHere, RefusedHere):
    """OpenAI's response. Used:"""

    model: str
    """`bot` or `bot/model`."""
    input: str | Annotated[tuple[InputMessage, ...], Field(min_length=1, max_length=10_000)]
    instructions: str | None = None
    previous_response_id: str | None = None
    """The last response of its chain; the chain goes on without being sent again."""
    conversation: SessionName | ConversationId | None = None
    """A session by name, as `X-Session-Id`."""
    store: bool | None = True
    """With false nothing can go on from this response, unless a session is named."""
    stream: bool | None = False
    user: UserName | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    claude: Claude = Claude()

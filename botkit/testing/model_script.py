"""What the loopback model does for a request: steps such as text, thinking and tool calls, chosen by a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

_REMINDER = re.compile(r"<system-reminder>.*?(</system-reminder>|$)", re.DOTALL)
_INTERRUPTED = "[Request interrupted by user"
_CUT_OFF = "Your response above was cut off mid-stream."
"""What the CLI writes in the person's place after a stream broke."""


@dataclass(frozen=True, slots=True)
class Text:
    """Say something: one delta for each piece, `pause` seconds after each."""

    pieces: tuple[str, ...]
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Think:
    """The same, as thinking."""

    pieces: tuple[str, ...]
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Tool:
    """Call a tool. The script goes on with the next step when its result has come; `parallel`: without waiting."""

    name: str
    input: Mapping[str, object]
    parallel: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """Say nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an HTTP status, or with an error event once text has been streamed. `times` 0: always."""

    status: int
    times: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing more until the caller gives up or the model is closed."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Drop the connection."""

    times: int = 0


Step = Text | Think | Tool | Delay | Fail | Hang | Cut


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks: the last prompt as the person wrote it, and where in answering it we are."""

    prompt: str
    history: tuple[str, ...] = ()
    """The earlier prompts the request holds, oldest first."""
    round: int = 0
    """How many tool rounds have been answered since the prompt."""
    results: tuple[str, ...] = ()
    """The tool results since the prompt, as text, in the order of the calls."""
    resumed: bool = False
    """The last response broke off and the CLI asks for the rest."""
    images: int = 0
    model: str = ""
    tools: tuple[str, ...] = ()
    """Names of the tools the request offers."""
    body: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)


Script = Callable[[Ask], Sequence[Step]]
"""All steps of a turn. Called for every round, so the steps already taken must not change with the results."""


def segment(steps: Sequence[Step], number: int) -> list[Step]:
    """The steps of one response: those after tool round `number` up to the next tool call that is waited for."""
    found: list[Step] = []
    for step in steps:
        if number == 0:
            found.append(step)
        if isinstance(step, Tool) and not step.parallel:
            if number == 0:
                break
            number -= 1
    return found


def rest(steps: Sequence[Step]) -> list[Step]:
    """What is left of a response that broke off: the steps from the one that broke it."""
    broken = [place for place, step in enumerate(steps) if isinstance(step, Cut | Fail)]
    return list(steps[broken[0] :]) if broken else list(steps)


def words(text: str, pause: float = 0.0) -> Text:
    """A text said word by word."""
    return Text(tuple(re.findall(r"\s*\S+\s*$|\s*\S+", text)), pause)


def parse(body: Mapping[str, object]) -> Ask:
    """Read a Messages API request. Reminders that the CLI adds to the prompt are no part of it."""
    prompts: list[str] = []
    rounds, results, images, calls = 0, list[str](), 0, list[str]()
    answered = resumed = False
    for message in _dicts(body.get("messages")):
        if message.get("role") != "user":
            answered = answered or message.get("role") == "assistant"
            calls += [str(block.get("id")) for block in _blocks(message) if block.get("type") == "tool_use"]
            continue
        blocks = _blocks(message)
        got = [block for block in blocks if block.get("type") == "tool_result"]
        spoken = _spoken(blocks)
        resumed = spoken.startswith(_CUT_OFF)
        if spoken and not resumed and not (got and not _interrupted(blocks)):
            prompts.append(spoken)
            rounds, results = 0, []
            images = sum(block.get("type") == "image" for block in blocks)
        elif got:
            rounds += answered
            results += [text_of(block.get("content")) for block in sorted(got, key=lambda block: _place(block, calls))]
        answered = False
    return Ask(
        prompt=prompts[-1] if prompts else "",
        history=tuple(prompts[:-1]),
        round=rounds,
        results=tuple(results),
        resumed=resumed,
        images=images,
        model=str(body.get("model", "")),
        tools=tuple(str(tool.get("name", "")) for tool in _dicts(body.get("tools"))),
        body=body,
    )


def text_of(content: object) -> str:
    """The text of a message's or a tool result's content, in either of its forms."""
    if isinstance(content, str):
        return content
    return "\n".join(str(block.get("text", "")) for block in _dicts(content) if block.get("type") == "text")


def _spoken(blocks: Sequence[Mapping[str, object]]) -> str:
    texts = [_REMINDER.sub("", str(block.get("text", ""))).strip() for block in blocks if block.get("type") == "text"]
    ends = [place for place, text in enumerate(texts) if text.startswith(_INTERRUPTED)]
    return "\n".join(text for text in texts[ends[-1] + 1 if ends else 0 :] if text)


def _place(block: Mapping[str, object], calls: Sequence[str]) -> int:
    """Tools that run side by side answer in any order."""
    call = str(block.get("tool_use_id"))
    return calls.index(call) if call in calls else len(calls)


def _interrupted(blocks: Sequence[Mapping[str, object]]) -> bool:
    return any(str(block.get("text", "")).startswith(_INTERRUPTED) for block in blocks)


def _blocks(message: Mapping[str, object]) -> list[Mapping[str, object]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else _dicts(content)


def _dicts(value: object) -> list[Mapping[str, object]]:
    try:
        return list(msgspec.convert(value, list[dict[str, object]]))
    except msgspec.ValidationError:
        return []

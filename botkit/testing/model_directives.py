"""Directives in a prompt steer the loopback model: `!words 120 20ms` says 120 words, one every 20 ms.

A directive begins a line or follows a space (`please !words 5`) and ends with its line; several run in order.

    !say TEXT                 say it (`\\n` is a new line)
    !words N [PAUSE]          say `word1 word2 … wordN`, one delta a word
    !lines N [PAUSE]          say N lines
    !markdown N [PAUSE]       a long answer of about N characters: headings, code fences, a table; one delta a line
    !huge N                   one delta of N characters
    !think TEXT               think it, word by word
    !echo                     repeat the prompt as the model sees it
    !history                  say how many prompts the request holds, and the earlier ones
    !tool NAME {JSON}         call a tool; the next directive runs when the result has come
    !tools NAME {JSON}        the same without waiting: it runs beside the next `!tool`
    !ask {JSON}               call AskUserQuestion: `{"questions": [...]}`, or `QUESTION | LABEL | LABEL`
    !result                   say what the last tool answered
    !delay PAUSE              say nothing for a while
    !status CODE [TIMES]      answer with this HTTP status (an `error` event once text was said); TIMES: then go on
    !hang                     say nothing more until the caller gives up
    !cut [TIMES]              drop the connection; TIMES: then go on

PAUSE is `20ms`, `1.5s` or seconds. Without a directive the answer is `You said: ` and the prompt, cut short.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from botkit.testing.model_script import Ask, Cut, Delay, Fail, Hang, Step, Text, Think, Tool, words

WORD_JOINER = "\u2060"
SHORT = 400


def directives(ask: Ask) -> Sequence[Step]:
    """The script of a `LoopbackModel` that was given none."""
    found = [match for line in ask.prompt.splitlines() if (match := _DIRECTIVE.search(line))]
    return [_step(match[1], match[2].replace(WORD_JOINER, "").strip(), ask) for match in found] or [words(_short(ask))]


def markdown(size: int) -> str:
    """A long answer with headings, prose, code and a table; the same for the same size."""
    parts: list[str] = []
    length = number = 0
    while length < size:
        number += 1
        parts.append(_SECTION.format(n=number) + ("" if number % 2 else _TABLE.format(n=number)))
        length += len(parts[-1])
    return "".join(parts) + f"End of the answer after {number} sections.\n"


def seconds(text: str, default: float = 0.0) -> float:
    """`20ms`, `1.5s` or plain seconds."""
    match = re.fullmatch(r"([0-9.]+)(ms|s)?", text)
    if not match:
        return default
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def _step(name: str, text: str, ask: Ask) -> Step:
    try:
        return _MAKE[name](text, ask)
    except ValueError as problem:
        return Text((f"The loopback model cannot do `!{name} {text}`: {problem}",))


def _short(ask: Ask) -> str:
    images = f" (and {ask.images} image{'s' * (ask.images > 1)})" if ask.images else ""
    return f"You said: {ask.prompt[:SHORT]}{'…' * (len(ask.prompt) > SHORT)}{images}"


def _two(text: str) -> tuple[str, str]:
    first, second, *_ = [*text.split(), "", ""]
    return first, second


def _say(text: str, _ask: Ask) -> Step:
    return Text((text.replace("\\n", "\n"),))


def _words(text: str, _ask: Ask) -> Step:
    count, pause = _two(text)
    return words(" ".join(f"word{number}" for number in range(1, int(count) + 1)), seconds(pause))


def _lines(text: str, _ask: Ask) -> Step:
    count, pause = _two(text)
    return Text(tuple(f"line {number}\n" for number in range(1, int(count) + 1)), seconds(pause))


def _markdown(text: str, _ask: Ask) -> Step:
    size, pause = _two(text)
    return Text(tuple(markdown(int(size)).splitlines(keepends=True)), seconds(pause))


def _huge(text: str, _ask: Ask) -> Step:
    return Text(("x" * int(text),))


def _think(text: str, _ask: Ask) -> Step:
    return Think(words(text).pieces)


def _echo(_text: str, ask: Ask) -> Step:
    return Text((ask.prompt,))


def _history(_text: str, ask: Ask) -> Step:
    earlier = "".join(f"\n- {prompt[:SHORT]}" for prompt in ask.history)
    return Text((f"I see {len(ask.history) + 1} prompts.{earlier}",))


def _tool(text: str, _ask: Ask) -> Tool:
    name, _, given = text.partition(" ")
    return Tool(name, msgspec.json.decode(given, type=dict[str, object]) if given else {})


def _tools(text: str, ask: Ask) -> Step:
    tool = _tool(text, ask)
    return Tool(tool.name, tool.input, parallel=True)


def _question(text: str, _ask: Ask) -> Step:
    if text.startswith("{"):
        return Tool("AskUserQuestion", msgspec.json.decode(text, type=dict[str, object]))
    question, *labels = (part.strip() for part in text.split("|"))
    options = [{"label": label, "description": f"Choose {label}"} for label in labels or ["Yes", "No"]]
    asked = {"question": question or "Shall I?", "header": "Choice", "options": options, "multiSelect": False}
    return Tool("AskUserQuestion", {"questions": [asked]})


def _result(_text: str, ask: Ask) -> Step:
    return Text((f"The tool answered: {ask.results[-1] if ask.results else 'nothing'}",))


def _delay(text: str, _ask: Ask) -> Step:
    return Delay(seconds(text, 1.0))


def _status(text: str, _ask: Ask) -> Step:
    code, times = _two(text)
    return Fail(int(code or 529), int(times or 0))


def _hang(_text: str, _ask: Ask) -> Step:
    return Hang()


def _cut(text: str, _ask: Ask) -> Step:
    return Cut(int(text or 0))


_MAKE: dict[str, Callable[[str, Ask], Step]] = {
    "say": _say,
    "words": _words,
    "lines": _lines,
    "markdown": _markdown,
    "huge": _huge,
    "think": _think,
    "echo": _echo,
    "history": _history,
    "tool": _tool,
    "tools": _tools,
    "ask": _question,
    "result": _result,
    "delay": _delay,
    "status": _status,
    "hang": _hang,
    "cut": _cut,
}
_DIRECTIVE = re.compile(rf"(?:^|\s)!({'|'.join(sorted(_MAKE, key=len, reverse=True))})(?=\s|$)(.*)")

_SECTION = """## Section {n}

This is **paragraph {n}** with `inline code`, a [link](https://example.com/{n}) and *emphasis*. It is long enough to be
wrapped by whatever shows it, and it says nothing of importance, which is what makes it a good paragraph for a test.

```python
def section_{n}(value: int) -> int:
    \"\"\"A function that nobody calls.\"\"\"
    return value * {n} + 1
```

- first point of section {n}
- second point

"""
_TABLE = """| name | value | note |
| --- | ---: | --- |
| alpha {n} | 1 | first |
| beta {n} | 22 | second |
| gamma {n} | 333 | third |

"""

"""What the rehearsal model says and does, so that people without an account can see how botkit behaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from botkit.testing.model_script import Ask, Delay, Fail, Script, Step, Think, Tool, words

Line = Callable[[Ask, float], Sequence[Step]]

TOPICS = ("code", "long", "think", "tool", "approval", "todo", "question", "history", "error")
INTRODUCTION = (
    "This is the **rehearsal model**, not Claude: it plays scripted answers through the real Claude Code CLI."
)
TRY = "Try: " + ", ".join(f"`{topic}`" for topic in TOPICS)


def rehearsal(pause: float) -> Script:
    """The script of the rehearsal; `pause` is the seconds between two words."""

    def script(ask: Ask) -> Sequence[Step]:
        return _PLAYED[topic(ask.prompt)](ask, pause)

    return script


def topic(prompt: str) -> str:
    """The topic a prompt is about, by its last line; '' for ordinary talk."""
    last = prompt.strip().rpartition("\n")[2].casefold()
    spoken = re.findall(r"[a-z]+", last)
    named = [name for word in spoken for name in TOPICS if word in (name, *_ALSO.get(name, ()))]
    return named[0] if named else ""


def _talk(ask: Ask, pause: float) -> Sequence[Step]:
    said = ask.prompt.strip()
    quoted = "\n".join(f"> {line}" for line in said[:300].splitlines()) or "> (nothing)"
    again = "" if ask.history else f"{INTRODUCTION}\n\n"
    return [words(f"{again}You wrote:\n\n{quoted}\n\nClaude would answer that; the rehearsal can't. {TRY}.", pause)]


def _code(_: Ask, pause: float) -> Sequence[Step]:
    return [words(_CODE, pause)]


def _long(_: Ask, pause: float) -> Sequence[Step]:
    parts = [_CHAPTER.format(number=number, square=number * number) for number in range(1, 17)]
    return [words("# A long answer, as it grows\n\n" + "".join(parts) + "That was all of it.", pause / 2)]


def _think(_: Ask, pause: float) -> Sequence[Step]:
    thought = (
        "The person wants to see how thinking looks. I could explain it, but it is better to do it: "
        "this text is streamed as thinking, before the answer. That should be enough."
    )
    return [
        Think(words(thought).pieces, pause),
        words("I thought about it first. After `/display full` botkit shows that.", pause),
    ]


def _tool(ask: Ask, pause: float) -> Sequence[Step]:
    return [
        words("Let me look at what is here.", pause),
        Tool("Bash", {"command": "ls", "description": "List the working directory"}),
        words(f"The tool was really run in the working directory; it answered:\n\n{_fenced(ask)}", pause / 4),
    ]


def _approval(ask: Ask, pause: float) -> Sequence[Step]:
    command = "date > rehearsal.txt && cat rehearsal.txt"
    return [
        words("Writing a file needs your word. Allow or deny it.", pause),
        Tool("Bash", {"command": command, "description": "Write the date into rehearsal.txt"}),
        words(f"What came of it:\n\n{_fenced(ask)}", pause / 4),
    ]


def _todo(_: Ask, pause: float) -> Sequence[Step]:
    steps: list[Step] = [words("I shall keep a list while I work.", pause)]
    for done in range(len(_CHORES) + 1):
        todos = [{"content": c, "activeForm": c, "status": _state(n, done)} for n, c in enumerate(_CHORES)]
        steps += [Tool("TodoWrite", {"todos": todos}), Delay(pause * 30)]
    return [*steps, words("All three are done (nothing was really changed).", pause)]


def _question(ask: Ask, pause: float) -> Sequence[Step]:
    options = [
        {"label": "Markdown", "description": "Headings, lists and a table"},
        {"label": "Plain text", "description": "Nothing but words"},
    ]
    asked = {"question": "Which form do you prefer?", "header": "Form", "options": options, "multiSelect": False}
    chosen = ask.results[-1] if ask.results else ""
    if "Plain text" in chosen:
        answer = "Plain it is. No headings, no lists, no table."
    elif "Markdown" in chosen:
        answer = "## Markdown it is\n\n- a list\n- of *two*\n\n| form | chosen |\n| --- | --- |\n| Markdown | yes |"
    else:
        answer = f"You did not choose, so I leave it. ({chosen[:200]})"
    return [Tool("AskUserQuestion", {"questions": [asked]}), words(answer, pause)]


def _history(ask: Ask, pause: float) -> Sequence[Step]:
    earlier = "\n".join(f"{number}. {prompt[:120]}" for number, prompt in enumerate(ask.history, 1))
    text = (
        f"In this session you wrote before:\n\n{earlier}" if earlier else "This is the first message of this session."
    )
    return [words(text, pause)]


def _error(_: Ask, pause: float) -> Sequence[Step]:
    return [
        Fail(529, times=1, message="Overloaded (rehearsed; it will be tried again)"),
        Delay(pause * 10),
        Fail(400, message="This error is rehearsed: it shows how a failed turn looks. Nothing is wrong."),
    ]


def _fenced(ask: Ask) -> str:
    result = ask.results[-1][:1500] if ask.results else ""
    return f"```\n{result.replace('```', '')}\n```"


def _state(number: int, done: int) -> str:
    return "completed" if number < done else "in_progress" if number == done else "pending"


_ALSO: Mapping[str, tuple[str, ...]] = {
    "code": ("python", "function", "program"),
    "long": ("story", "essay", "explain"),
    "think": ("thinking", "thought"),
    "tool": ("tools", "bash", "ls", "files"),
    "approval": ("approve", "permission"),
    "todo": ("todos", "plan", "tasks"),
    "history": ("remember", "before", "earlier", "first"),
    "error": ("fail", "errors"),
}
_PLAYED: Mapping[str, Line] = {
    "": _talk,
    "code": _code,
    "long": _long,
    "think": _think,
    "tool": _tool,
    "approval": _approval,
    "todo": _todo,
    "question": _question,
    "history": _history,
    "error": _error,
}
_CHORES = ("Read the notes", "Write the draft", "Check the spelling")
_CODE = """Here is a function with its test:

```python
from itertools import count, takewhile


def primes(limit: int) -> list[int]:
    \"\"\"All primes below the limit.\"\"\"
    found: list[int] = []
    for number in takewhile(lambda n: n < limit, count(2)):
        if all(number % prime for prime in found):
            found.append(number)
    return found


def test_primes() -> None:
    assert primes(20) == [2, 3, 5, 7, 11, 13, 17, 19]
```

It is *simple*, not fast:

| limit | primes below it |
| ---: | ---: |
| 10 | 4 |
| 100 | 25 |
| 1000 | 168 |"""
_CHAPTER = """## Part {number}

This part is here to be long. While it arrives, the message in the chat is edited in place, at the pace the platform
allows; when it grows past the platform's limit it goes on in a new message, at a safe place.

- The square of {number} is {square}.
- A code block stays whole:

```python
assert {number} ** 2 == {square}
```

"""

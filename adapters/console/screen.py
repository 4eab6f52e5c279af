"""A terminal with a line to type in at the bottom, what still changes above it, and finished text scrolling away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path
from shutil import get_terminal_size
from typing import ClassVar

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import CodeBlock, Markdown, MarkdownElement
from rich.syntax import Syntax
from rich.text import Text

from adapters.console.progress import Block
from adapters.console.safe import safe

TOO_MUCH = 200_000
"""Characters of one piece that are not worth the seconds it takes to format them."""
PROMPT = "❯ "
NEWLINE = "\n"
LEAVE = "Press Ctrl-C again, or Ctrl-D, to leave."


class Screen:
    """`interrupted` is asked at Ctrl-C: True means that it stopped something, so the chat goes on."""

    def __init__(
        self,
        history: Path | None,
        interrupted: Callable[[], bool],
        commands: Iterable[str],
        touched: Callable[[], None],
    ) -> None:
        """`commands`: names that the Tab key completes; `touched` is called while a line is typed."""
        self._interrupted, self._touched = interrupted, touched
        self._leaving = False
        self._tails: dict[str, list[Block]] = {}
        self._above: StyleAndTextTuples = []
        self._session: PromptSession[str] = PromptSession(
            message=self._message,
            history=_history(history),
            completer=WordCompleter([f"/{name}" for name in commands], sentence=True),
            complete_while_typing=Condition(lambda: self._session.default_buffer.text.startswith("/")),
            key_bindings=self._keys(),
            erase_when_done=True,
        )
        self._session.default_buffer.on_text_changed += self._typing

    async def read(self) -> str | None:
        """The next line; None when the person leaves."""
        with patch_stdout(raw=True):
            try:
                line = await self._session.prompt_async(handle_sigint=False)
            except (EOFError, KeyboardInterrupt):
                return None
        self._leaving = False
        return line

    async def print(self, blocks: Iterable[Block]) -> None:
        """Print for good, above the line being typed."""
        text = "".join(self._rendered(block) for block in blocks)
        if text:
            await run_in_terminal(lambda: self._write(text))

    def show(self, key: str, blocks: Sequence[Block]) -> None:
        """Replace what `key` shows above the prompt; nothing removes it."""
        self._tails.pop(key, None)
        if blocks:
            self._tails[key] = list(blocks)
        text = "".join(self._rendered(block) for tail in self._tails.values() for block in tail)
        rows = max(3, get_terminal_size().lines - 6)
        kept = text.rstrip("\n").split("\n")[-rows:]
        self._above = to_formatted_text(ANSI("\n".join(kept) + "\n")) if text else []
        self._session.app.invalidate()

    def _typing(self, buffer: Buffer) -> None:
        self._leaving = False
        if buffer.text:
            self._touched()

    def _message(self) -> StyleAndTextTuples:
        hint: StyleAndTextTuples = [("class:hint", f"{LEAVE}\n")] if self._leaving else []
        return [*self._above, *hint, ("bold", PROMPT)]

    def _rendered(self, block: Block) -> str:
        if len(block.text) > TOO_MUCH:
            return f"{safe(block.text)}\n\n"
        out = StringIO()
        console = Console(file=out, force_terminal=True, width=max(20, get_terminal_size().columns))
        console.print(_renderable(block), highlight=False)
        # Rich pads paragraphs to the whole width, which a narrower window would break into empty lines.
        text = "\n".join(line.rstrip(" ") for line in out.getvalue().split("\n"))
        # It also puts empty lines around lists and tables, which would add to the one between two pieces.
        return f"{text.strip(NEWLINE)}\n\n" if block.kind == "markdown" else text

    def _write(self, text: str) -> None:
        self._session.app.output.write_raw(text)
        self._session.app.output.flush()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            buffer = event.app.current_buffer
            if self._interrupted():
                self._leaving = False
            elif buffer.text:
                buffer.reset()
            elif self._leaving:
                event.app.exit(exception=EOFError)
            else:
                self._leaving = True

        @keys.add("escape", "enter")
        def _(event: KeyPressEvent) -> None:
            event.app.current_buffer.insert_text("\n")

        return keys


class _Code(CodeBlock):
    """Code without the empty lines that Rich puts around it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Syntax(str(self.text).rstrip(), self.lexer_name, theme=self.theme, word_wrap=True, padding=(0, 2))


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "fence": _Code, "code_block": _Code}


def _renderable(block: Block) -> RenderableType:
    text = safe(block.text)
    if block.kind == "markdown":
        return _Markdown(text, hyperlinks=False, code_theme="ansi_dark")
    return Text(text, style="dim" if block.kind == "dim" else "cyan")


def _history(path: Path | None) -> History:
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError:  # a home that cannot be written to is no reason not to chat
        return InMemoryHistory()
    return FileHistory(path)

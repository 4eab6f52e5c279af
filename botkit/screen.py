"""Compares what should be on the screen with what is there, and names the next message to post or edit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from botkit import asks, texts
from botkit.display import Display
from botkit.events import FileOffered
from botkit.markdown import code, plain, split
from botkit.model import MessageRef, Outgoing, ReplyState
from botkit.pacing import Act
from botkit.protocols import Messenger
from botkit.seal import Seal
from botkit.view import Request, View

_MEMO = 500
_LAST_REFUSAL = 5
_FILE_TRIES = 3


@dataclass(slots=True, eq=False)
class Post:
    """One message of a reply."""

    nonce: str
    ref: MessageRef | None = None
    shown: Outgoing | None = None
    """What the platform holds; None: not known."""
    attempted: Outgoing | None = None
    """What was sent when no answer came."""
    doubtful: bool = False
    """It may be there although no answer said so: look for it before sending it again."""
    gone: bool = False
    over: bool = False
    """A request that shows how it ended, or a file that is there."""
    only_found: bool = False
    """An earlier process may have posted it; if it did not, nobody will."""
    refusals: int = 0
    since: float = 0.0
    """When it began to grow, by whoever posts it."""

    @property
    def live(self) -> bool:
        return self.ref is not None and self.shown is not None and self.shown.live


@dataclass(frozen=True, slots=True)
class Want:
    """The next thing to do. `ask`: about an approval, a question or a file, not the answer."""

    post: Post
    outgoing: Outgoing
    ask: bool = False
    over: bool = False
    """It shows how a request ended, or a file."""
    file: FileOffered | None = None
    text: str = ""
    """Claude's text as the answer shows it then."""

    @property
    def act(self) -> Literal["post", "edit"]:
        return "edit" if self.post.ref else "post"

    @property
    def pace(self) -> Act:
        """The same, told apart for budgets."""
        if self.outgoing.live:
            return "grow" if self.post.ref else "start"
        return "end" if self.post.live else self.act


class Screen:
    """The messages of one reply: the answer in one or more parts, and one for each request and each file."""

    def __init__(
        self, messenger: Messenger, view: View, display: Display, nonce: str, resume: ReplyState | None
    ) -> None:
        self._messenger, self._view, self._display, self._nonce = messenger, view, display, nonce
        self._able = messenger.capabilities
        past = resume or ReplyState()
        self._parts = [Post(f"{nonce}.{number}", ref) for number, ref in enumerate(past.refs)]
        self._asks: dict[str, Post] = {}
        self._stale = [Post("", ref) for ref in past.asks]
        self._stale += [Post(f"{nonce}.ask.{id}", doubtful=True, only_found=True) for id in past.requests]
        self._files = {
            file.id: Post(f"{nonce}.file.{file.id}", doubtful=True, over=file.id in past.sent) for file in past.files
        }
        # The earlier process may have died between posting messages and noting that it did.
        self._doubt = resume is not None
        self._text = past.text
        self._refusals, self._plain, self._limit = 0, False, self._able.max_chars
        self._sizes: dict[str, int] = {}
        self._deleted = False
        self._seal = Seal()

    @property
    def state(self) -> ReplyState:
        asked = [post.ref for post in (*self._asks.values(), *self._stale) if post.ref and not (post.over or post.gone)]
        refs = [post.ref for post in self._parts if post.ref and not post.gone]
        sent = tuple(id for id, post in self._files.items() if post.over or post.gone)
        return ReplyState(tuple(refs), tuple(asked), self._text, sent=sent)

    def want(self, *, final: bool) -> Want | None:
        """The first difference, requests and files before the answer; None when the screen is right."""
        wants = chain(self._ask_wants(final), self._file_wants(), self._part_wants(final))
        return next(wants, None)

    def did(self, want: Want) -> None:
        """It is on the platform now."""
        want.post.over = want.over
        if not want.ask:
            self._text = want.text

    @property
    def growing(self) -> Post | None:
        """The message that is live on the platform now."""
        return next((post for post in self._parts if post.live), None)

    def seal(self) -> None:
        """The message that grows takes no more."""
        live = self.growing
        if live is not None and live.shown is not None:
            self._seal = self._seal.after(self._view.said(self._display), live.shown)

    def not_found(self, post: Post) -> None:
        """An earlier process did not post it. If it is a part of the answer, those after it are not there either."""
        if post in self._parts:
            self._doubt = False

    def missing(self, want: Want) -> None:
        """An edit found no message. The answer's final text goes into a new one, once."""
        want.post.gone = True
        self._deleted = self._deleted or not want.ask

    def tired(self, want: Want) -> bool:
        """A file did not get through. True when it was tried often enough: the answer must not wait for it for ever."""
        want.post.refusals += 1
        return want.post.refusals >= _FILE_TRIES

    def unsent(self, want: Want) -> None:
        """The platform does not take a file."""
        want.post.gone = True

    def refused(self, want: Want) -> bool:
        """The platform found a text too long or badly formatted. False: there is nothing plainer left to try."""
        if want.ask:
            want.post.refusals += 1
            want.post.gone = want.post.refusals >= _LAST_REFUSAL
            return not want.post.gone
        if not want.outgoing.live:
            self._seal = Seal()
        long = self._size(want.outgoing.text) > self._limit // 2
        self._refusals += 1
        # Which of the two it was, the error does not say: try the likelier first, then both.
        self._plain = self._plain or self._refusals > 1 or not long
        if long or self._refusals > 1:
            self._limit = max(1, self._limit // 2)
        return self._refusals < _LAST_REFUSAL

    def _part_wants(self, final: bool) -> Iterator[Want]:
        if not final and (self._deleted or not self._able.edits or self._display.level == "quiet"):
            return
        texts_wanted = self._texts(final)
        for number, text in enumerate(texts_wanted):
            post = self._part(number, final)
            last = number == len(texts_wanted) - 1 and number >= len(self._seal.parts)
            outgoing = self._part_outgoing(post, text, last=last, final=final)
            if post.ref is None:
                yield Want(post, post.attempted or outgoing, text=self._view.text)
            elif post.shown != outgoing and not post.gone and self._able.edits:
                yield Want(post, outgoing, text=self._view.text)
        for post in self._parts[len(texts_wanted) :] if texts_wanted and self._able.edits else ():
            outgoing = Outgoing(texts.SUPERSEDED, nonce=post.nonce)
            if post.attempted and not post.ref:
                yield Want(post, post.attempted, text=self._view.text)
            elif post.ref and post.shown != outgoing and not post.gone:
                yield Want(post, outgoing, text=self._view.text)

    def _part_outgoing(self, post: Post, text: str, *, last: bool, final: bool) -> Outgoing:
        plain = Outgoing(text, nonce=post.nonce, live=self._able.live and last and not final)
        if not self._able.steps:
            return plain
        if last and not (final and (post.shown is None or not (post.shown.live or post.shown.steps))):
            steps = self._seal.fresh(self._view.steps(self._display))
            status = "" if final else self._view.status
            return replace(plain, steps=steps, todos=self._view.todos(self._display), status=status)
        return replace(plain, steps=post.shown.steps, todos=post.shown.todos) if post.shown else plain

    def _texts(self, final: bool) -> list[str]:
        if self._able.steps and not final:
            return self._growing_texts()
        if len(self._parts) <= len(self._seal.parts):
            self._seal = Seal()  # nothing stands below: the end can go into the last message
        if self._able.steps and not self._plain:
            return self._cut(self._view.body(self._display, final=True), final=True)
        body = self._view.body(self._display, final=final)
        if not body and self._parts:
            body = texts.WORKING
        return split(plain(body) if self._plain else body, self._fits)

    def _growing_texts(self) -> list[str]:
        body = self._view.said(self._display)
        wanted = self._cut(body, final=False)
        if wanted and len(wanted) > len(self._seal.parts):
            # What follows must not begin with a space, so this does not end without it.
            wanted[-1] += body[len(body.rstrip("\n")) :]
            return wanted
        steps, todos = self._view.steps(self._display), self._view.todos(self._display)
        begin = self._seal.news(steps, todos) or (not wanted and (self._view.status or self._parts))
        return [*wanted, ""] if begin else wanted

    def _cut(self, body: str, *, final: bool) -> list[str]:
        """The messages of a body. One that grows never has to give back what it shows."""
        rest = self._seal.rest(body)
        if rest is None:
            return split(body, self._fits)
        parts, live = split(rest, self._fits), self.growing
        if len(parts) > 1 and live and live.shown and not parts[0].startswith(live.shown.text.rstrip("\n")):
            sealed = self._seal.after(body, live.shown)
            if sealed is not self._seal:
                self._seal = sealed
                return self._cut(body, final=final)
        if len(parts) > 1 and not final:
            self._seal, parts = self._seal.before(body, parts), parts[-1:]
        return [*self._seal.parts, *parts]

    def _part(self, number: int, final: bool) -> Post:
        if number == len(self._parts):
            self._parts.append(Post(f"{self._nonce}.{number}", doubtful=self._doubt))
        post = self._parts[number]
        if post.gone and final and not post.nonce.endswith(".again"):
            post = self._parts[number] = Post(f"{post.nonce}.again")
        return post

    def _ask_wants(self, final: bool) -> Iterator[Want]:
        for post in self._stale:
            outgoing = Outgoing(texts.CLOSED_BY_RESTART)
            if self._able.edits and not (post.over or post.gone):
                yield Want(post, outgoing, ask=True, over=post.ref is not None)
        for id, request in self._view.requests.items():
            if id not in self._asks and not (final or request.closed):
                self._asks[id] = Post(f"{self._nonce}.ask.{id}")
            asked = self._asks.get(id)
            want = None if asked is None or asked.gone else self._ask_want(asked, request, final)
            if want is not None:
                yield want

    def _file_wants(self) -> Iterator[Want]:
        for id, file in self._view.files.items():
            post = self._files.setdefault(id, Post(f"{self._nonce}.file.{id}"))
            if not (post.over or post.gone):
                yield Want(post, self._shared(file, post.nonce), ask=True, over=True, file=file)

    def _shared(self, file: FileOffered, nonce: str) -> Outgoing:
        if self._able.files:
            return Outgoing(file.caption, files=(file.copy,), names=(file.name,), nonce=nonce)
        return Outgoing(texts.file_lies(code(file.name), code(str(file.path)), file.caption), nonce=nonce)

    def _ask_want(self, post: Post, request: Request, final: bool) -> Want | None:
        def fits(text: str) -> bool:
            return self._size(text) <= self._able.max_chars >> post.refusals

        over = final or request.closed is not None
        answered = post.nonce.endswith(".closed")
        if over and not self._able.edits and post.ref and not answered:
            # Nothing can be changed here, so how it ended is a message of its own.
            post, answered = Post(f"{post.nonce}.closed"), True
            self._asks[request.asked.id] = post
        elif over and not post.ref and not post.doubtful and not answered:
            return None
        over = over and (post.ref is not None or answered)
        if over:
            outgoing = asks.closed(request.asked, request.closed, fits)
        else:
            outgoing = post.attempted or asks.opened(request.asked, self._able, fits)
        if post.refusals:
            outgoing = replace(outgoing, text=plain(outgoing.text))
        outgoing = replace(outgoing, nonce=post.nonce)
        return None if post.shown == outgoing else Want(post, outgoing, ask=True, over=over)

    def _fits(self, text: str) -> bool:
        return self._size(text) <= self._limit

    def _size(self, text: str) -> int:
        size = self._sizes.get(text)
        if size is None:
            if len(self._sizes) >= _MEMO:
                self._sizes.clear()
            size = self._sizes[text] = self._messenger.size(self._messenger.render(text))
        return size

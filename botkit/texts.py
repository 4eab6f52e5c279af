"""All words shown to people, in one place. Markdown; standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botkit.commands import Command
from botkit.display import Level
from botkit.events import Answer, ApprovalAsked, Decision, Deny, FailureReason, QuestionAsked, TurnFailed, Usage
from botkit.model import Session, User

# Replies

WORKING = "_Working…_"
THOUGHT = "Thought"
DETAILS = "details.md"
COMPACTING = "_Shortening its memory…_"
ASKED = "_Waiting for the answer to a question below._"
INTERRUPTED = "⚠️ _Interrupted before it was finished. What is above may be incomplete._"
RESUMED = "⚠️ _Interrupted here by a restart; it goes on below._"
CUT = "⚠️ _The answer above is incomplete._"
NO_TEXT = "_Finished without a text answer._"
SUPERSEDED = "_(The answer ends above.)_"
CLOSED_WITH_TURN = "The turn is over."
CLOSED_BY_RESTART = "Closed by a restart: this can no longer be decided. If it is still needed, Claude asks again."

FAILURES: Mapping[FailureReason, str] = {
    "stopped": "⏹️ **Stopped.** Send a message to go on.",
    "crashed": "❌ **Claude Code ended unexpectedly.** Send your message again; the session is kept.",
    "silent": "❌ **Claude Code gave no sign of life and was ended.** Send your message again; the session is kept.",
    "timeout": "❌ **This took too long and was ended.** Ask for a smaller step, or send “continue”.",
    "api": "❌ **The model's API refused or was overloaded.** Wait a little and send your message again.",
    "login": "❌ **Claude Code is not logged in.** An operator must give it valid credentials (`botkit doctor` helps).",
    "budget": "❌ **The budget is spent.** Start anew with a smaller task, or ask an operator to raise the limit.",
    "missing": "❌ **Claude Code cannot be started.** An operator must install it (`botkit doctor` says more).",
    "protocol": "❌ **Claude Code said something that botkit does not understand.** Send your message again; if it "
    "happens twice, tell an operator.",
    "interrupted": "⚠️ **Interrupted by a restart.** If it does not go on by itself, send your message again.",
    "gave_up": "❌ **Given up: this was cut off too many times.** Ask for a smaller step.",
    "schema": "❌ **The answer is not in the form it was asked for.** Ask again, or differently.",
    "error": "❌ **Something went wrong.** Send your message again; if it happens twice, tell an operator.",
}


def failure(outcome: TurnFailed, detail: str) -> str:
    """Why a turn failed and what to do; `detail` is Markdown, '' when there is nothing to add."""
    return f"{FAILURES[outcome.reason]}\n{detail}" if detail else FAILURES[outcome.reason]


def waiting(ahead: int, behind: int = 0) -> str:
    more = f" {behind} more {'message waits' if behind == 1 else 'messages wait'} behind this one." if behind else ""
    return f"_Waiting: {ahead} other {'turn goes' if ahead == 1 else 'turns go'} first.{more}_"


def retrying(attempt: int, delay: float, status: int) -> str:
    why = f"answered {status}" if status else "did not answer"
    return f"_The model's API {why}; attempt {attempt} in {delay:.0f} s._"


def working(seconds: float) -> str:
    """That more is coming; from ten seconds on also for how long already."""
    return WORKING if seconds < 10 else f"_Working… {brief(seconds)}_"


def more_lines(count: int) -> str:
    """What an excerpt leaves out; 0: the rest of a line."""
    return f"… {count} more line{'s' * (count != 1)}" if count else "…"


def earlier_tools(count: int) -> str:
    return f"_… {count} earlier_"


def denied(tools: Sequence[str]) -> str:
    """`tools` are Markdown."""
    return f"🚫 Not allowed: {', '.join(tools)}"


def footer(usage: Usage) -> str:
    """The small last line of a finished answer."""
    parts = [duration(usage.seconds)] if usage.seconds else []
    if usage.cost:
        parts.append(f"${usage.cost:.2f}" if usage.cost >= 0.01 else f"${usage.cost:.4f}")
    if usage.tools:
        parts.append(f"{usage.tools} {'tool' if usage.tools == 1 else 'tools'}")
    return f"_{' · '.join(parts)}_" if parts else ""


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def brief(seconds: float) -> str:
    """Seconds of something that goes on, as a person says them."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


# Approvals and questions

ALLOW = "Allow"
ALLOW_FOR_SESSION = "Allow for this session"
DENY = "Deny"
STOP = "Stop"


def approval_title(tool: str, summary: str) -> str:
    """`summary` is Markdown, '' when the tool says it all."""
    return f"🔐 **Claude asks to use {tool}:** {summary}" if summary else f"🔐 **Claude asks to use {tool}.**"


def not_shown(characters: int) -> str:
    return f"⚠️ {characters} more characters are not shown here."


def rules(granted: Sequence[str]) -> str:
    """`granted` are Markdown."""
    return f"“{ALLOW_FOR_SESSION}” grants: {', '.join(granted)}"


def type_approval(prefix: str, id: str, *, session: bool) -> str:
    kept = f", `{prefix}allow {id} session`" if session else ""
    return f"Type `{prefix}allow {id}`{kept} or `{prefix}deny {id} reason`."


def question_title(header: str, text: str) -> str:
    return f"❓ **{header}:** {text}" if header else f"❓ {text}"


def type_answer(prefix: str, id: str, *, several: bool, count: int) -> str:
    turns = ", one question at a time and in order" if count > 1 else ""
    many = "; where more than one may be taken, separate them by commas" if several else ""
    return f"Type `{prefix}answer {id}` and the answer{turns}{many}."


def type_choice(prefix: str, command: str) -> str:
    return f"`{prefix}{command}`"


def closed(*, allowed: bool, text: str) -> str:
    return f"{'✅' if allowed else '🚫'} {text}"


# Policy and commands

NO_SESSION = "This cannot be answered without a session."
NOTHING_SAID = "There was nothing to answer. Write what you want to know or have done."
WITHDRAWN = "the message was deleted"
EDITED_LATE = "_The message was edited after this answer had begun: it answers what stood there before._"
STORE_DOWN = "botkit's store did not answer, so the turn was not begun"
UPLOADS_LINKED = "Files cannot come or go here: the upload folder is a link to somewhere else."
NOBODY_TO_ASK = "Nobody can be asked during this call, so this was denied. Go on without it, or say what is missing."
NO_REQUEST = "This is no longer open: it was decided, it timed out, or its turn is over."
NOT_YOURS_TO_DECIDE = "Only the person who asked, or an approver, may decide this."
REQUEST_OVER = "closed: its turn is over"
TIMED_OUT_FOR_CLAUDE = "Nobody decided in time."
NO_SESSION_YET = "There is no session here yet. Write a message first."
SESSION_BUSY = "That session is answering somewhere else right now. Try again when it has finished."
UNMUTED = "I follow this thread again."
ASK_TO_CONTINUE = "write “continue” to go on with it"


# `prefix` is what a typed command starts with on the platform.


def not_a_question(prefix: str) -> str:
    return f"This asks for permission: `{prefix}allow` or `{prefix}deny` it."


def answer_instead(prefix: str) -> str:
    return f"This is a question: `{prefix}answer` it, or `{prefix}deny` to leave it unanswered."


def new_session(prefix: str) -> str:
    return f"A new session begins with your next message. The old one is under `{prefix}sessions`."


def resume_which(prefix: str) -> str:
    return f"Which one? `{prefix}sessions` lists them; then `{prefix}resume N`."


def muted(prefix: str) -> str:
    return f"I stay silent in this thread until I am mentioned. `{prefix}unmute` ends that."


def queue_full(prefix: str, limit: int) -> str:
    return f"{limit} messages already wait here. Try again when some are answered, or `{prefix}stop all`."


def not_taken(refusal: str, count: int) -> str:
    """A refusal that stands for several messages."""
    return f"{refusal}\n\n{count} messages were not taken."


def limited(scope: str, retry_after: float) -> str:
    whose = {
        "user": "You have reached your limit",
        "conversation": "This conversation has reached its limit",
        "bot": "This bot has reached its limit",
        "total": "botkit has reached its limit",
    }[scope]
    return f"{whose}. Try again in {duration(max(1.0, retry_after))}."


def stranger(user: str) -> str:
    return f"I may not answer you. Whoever runs this bot can allow your id: `{user}`."


def not_your_role(role: str) -> str:
    return f"Only {'an admin' if role == 'admin' else 'an approver'} may do this."


def several_requests(ids: Sequence[str]) -> str:
    return "Several requests are open here; name one: " + ", ".join(f"`{id}`" for id in ids)


def timed_out(seconds: float) -> str:
    return f"denied: nobody decided within {duration(seconds)}"


def decided(decision: Decision, asked: ApprovalAsked | QuestionAsked, by: User) -> str:
    """How a request was decided, in the words its message shows."""
    who = by.name or by.id
    if isinstance(decision, Answer):
        return f"answered by {who}: " + "; ".join(", ".join(labels) for labels in decision.labels)
    if isinstance(decision, Deny):
        return f"denied by {who}" + (f": {decision.reason}" if decision.reason else "")
    if decision.for_session and isinstance(asked, ApprovalAsked) and asked.rules:
        return f"allowed by {who} for this session: " + ", ".join(f"`{rule}`" for rule in asked.rules)
    return f"allowed by {who}"


def gave_up(attempts: int) -> str:
    return f"it was cut off {attempts} times"


def interrupted_prompt(prompt: str, tools: Sequence[str]) -> str:
    """What Claude is told when a turn goes on after a crash: never the bare prompt again."""
    done = "\n".join(f"- {tool}" for tool in tools)
    ran = (
        f"\n\nThese tools had been started before the interruption, and may have taken effect:\n{done}" if done else ""
    )
    return (
        "[botkit: answering the message below was interrupted by a restart. Check what is already done, "
        "do not repeat what took effect, and finish the answer.]"
        f"{ran}\n\nThe message:\n\n{prompt}"
    )


def earlier_in_thread(context: str) -> str:
    return f"Earlier in this thread, before you were mentioned:\n\n{context}\n\n---"


def written_by(name: str, text: str) -> str:
    return f"{name} writes:\n\n{text}" if text else f"{name} sent this:"


def too_many_files(limit: int) -> str:
    return f"Only the first {limit} files were taken."


def file_too_large(name: str, limit: int) -> str:
    most = f"{limit // 1024**2} MB" if limit >= 1024**2 else f"{limit} bytes"
    return f"The file “{name}” is too large (at most {most}) and was left out."


def file_failed(name: str, problem: str) -> str:
    return f"The file “{name}” could not be fetched and was left out: {problem}"


def file_is_login_page(name: str) -> str:
    return f"The platform sent a login page in place of “{name}”. The bot may lack the permission to read files."


def file_lies(name: str, path: str, caption: str) -> str:
    return "\n\n".join(part for part in (caption, f"📎 {name}: {path}") if part)


def file_not_sent(name: str, problem: str) -> str:
    return f"⚠️ The file {name} could not be sent: {problem}"


def help_text(prefix: str, commands: Sequence[Command]) -> str:
    lines = [f"- `{' '.join(filter(None, (prefix + each.name, each.usage)))}`: {each.about}" for each in commands]
    return "Write to me, and I answer in this thread. Commands:\n\n" + "\n".join(lines)


def stopped(*, stopped: bool, running: bool, cleared: int) -> str:
    """What `/stop` says; that it stopped only when it is true."""
    queue = f" {cleared} waiting message{' was' if cleared == 1 else 's were'} dropped." if cleared else ""
    if stopped:
        return f"Stopped.{queue}"
    if running:
        return f"It could not be stopped. Whoever runs this bot finds the reason in the log.{queue}"
    return f"Nothing is running here.{queue}"


def status(session: Session | None, *, running: bool, waiting: int, uptime: float) -> str:
    state = "answering" if running else "ready"
    lines = [f"- state: {state}" + (f", {waiting} waiting" if waiting else "")]
    if session is None:
        lines.append("- session: none yet")
    else:
        lines += [
            f"- session: `{session.id[:8]}` {session.title}",
            f"- model: {session.model or 'default'}",
            f"- turns: {session.turns}, cost: ${session.cost:.4f}",
        ]
        if session.rules:
            lines.append("- allowed for this session: " + ", ".join(f"`{rule}`" for rule in session.rules))
    lines.append(f"- botkit has been up for {duration(uptime)}")
    return "\n".join(lines)


def sessions(prefix: str, found: Sequence[Session], *, here: str, now: float) -> str:
    if not found:
        return "You have no sessions yet."
    lines = [
        f"{number}. `{session.id[:8]}` {session.title or '(no title)'} · {_turns(session)}, "
        f"{duration(now - session.used)} ago{' · here' if session.conversation == here else ''}"
        for number, session in enumerate(found, start=1)
    ]
    return "Your sessions:\n\n" + "\n".join(lines) + f"\n\n`{prefix}resume N` goes on with one of them here."


def _turns(session: Session) -> str:
    return f"{session.turns} turn{'s' * (session.turns != 1)}"


def session_unknown(prefix: str, wanted: str) -> str:
    return f"You have no session `{wanted[:40]}`. `{prefix}sessions` lists yours."


def resumed(session: Session) -> str:
    return f"Going on with `{session.id[:8]}` {session.title}."


def model_now(prefix: str, model: str, offered: Sequence[str]) -> str:
    command = f"`{prefix}model NAME`"
    known = f" Choose with {command}: {', '.join(offered)}." if offered else f" Choose another with {command}."
    return f"The model here is {model or 'the default'}.{known}"


def model_unknown(wanted: str, offered: Sequence[str]) -> str:
    known = f" There are: {', '.join(offered)}." if offered else ""
    return f"There is no model `{wanted[:60]}`.{known}"


_SHOWN: Mapping[Level, str] = {
    "quiet": "the answer alone, once it is there",
    "normal": "the answer as it grows, with tools, the task list and the time it takes",
    "full": "all of that, and what Claude thinks and what its tools answer",
}


def display_now(prefix: str, level: Level) -> str:
    choices = "\n".join(f"- `{prefix}display {each}`: {about}" for each, about in _SHOWN.items())
    return f"The display here is {level}.\n\n{choices}"


def display_unknown(wanted: str) -> str:
    return f"There is no display `{wanted[:60]}`. There are: {', '.join(_SHOWN)}."


def display_changed(level: Level) -> str:
    return f"From the next message on you see {_SHOWN[level]}."


def model_changed(model: str) -> str:
    return f"From the next message on this session uses {model}."

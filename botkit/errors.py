"""botkit's errors. Each says what went wrong in its attributes; nobody has to match on text.

BotkitError
├── ConfigError(file, key)
├── AdapterError
│   ├── RateLimited(retry_after)   try again after so many seconds
│   ├── Gone                       the message or channel is no longer there
│   ├── TooLong                    too long or badly formatted for the platform
│   ├── NotAllowed                 permanent: missing scope, not in the channel, token revoked
│   └── Unreachable                no answer; `acted` says whether the platform may have done it all the same
├── RunnerError
│   ├── ClaudeMissing  ClaudeCrashed(exit_code, stderr)  ProtocolError(line)  InsideClaude
├── StoreError
└── Refused(text, code, retry_after)   `text` is safe to show to the sender
"""

from __future__ import annotations


class BotkitError(Exception):
    """Anything botkit raises on purpose."""


class ConfigError(BotkitError):
    """The configuration is wrong; `key` is its dotted path, '' when it is the file itself."""

    def __init__(self, problem: str, *, file: str = "", key: str = "") -> None:
        self.file, self.key, self.problem = file, key, problem
        super().__init__(": ".join(part for part in (file, key, problem) if part))


class AdapterError(BotkitError):
    """A platform refused or failed. `code` is the platform's own word for it."""

    def __init__(self, problem: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(problem)


class RateLimited(AdapterError):
    """`retry_after` is in seconds, as the platform said, or the adapter's own guess where it did not."""

    def __init__(self, problem: str, *, retry_after: float, code: str = "") -> None:
        self.retry_after = retry_after
        super().__init__(problem, code=code)


class Gone(AdapterError):
    """The message, thread or channel no longer exists or takes no more posts."""


class NotAllowed(AdapterError):
    """Permanent until a person changes something: missing scope, not a member, token revoked."""


class TooLong(AdapterError):
    """The platform refused the text for its size or its formatting; a plainer, shorter one may pass."""


class Unreachable(AdapterError):
    """No usable answer. `acted`: the request may have been carried out all the same."""

    def __init__(self, problem: str, *, acted: bool, code: str = "") -> None:
        self.acted = acted
        super().__init__(problem, code=code)


class RunnerError(BotkitError):
    """Claude could not be run."""


class ClaudeMissing(RunnerError):
    """No CLI was found, or it cannot be started."""


class InsideClaude(RunnerError):
    """botkit was started by Claude Code itself."""


class ClaudeCrashed(RunnerError):
    """The CLI ended in the middle of something; `stderr` holds its last lines."""

    def __init__(self, problem: str, *, exit_code: int | None, stderr: str) -> None:
        self.exit_code, self.stderr = exit_code, stderr
        super().__init__(problem)


class ProtocolError(RunnerError):
    """A line of the CLI that breaks the protocol, cut to 200 characters."""

    def __init__(self, problem: str, *, line: str) -> None:
        self.line = line[:200]
        super().__init__(problem)


class StoreError(BotkitError):
    """The store did not answer in time, or refused."""


class Refused(BotkitError):
    """A request that policy turns down; `text` is Markdown for the sender.

    `code` is one word for programs; `retry_after` the seconds until it would pass, 0 where waiting does not help.
    """

    def __init__(self, text: str, *, code: str = "refused", retry_after: float = 0.0) -> None:
        self.text, self.code, self.retry_after = text, code, retry_after
        super().__init__(text)

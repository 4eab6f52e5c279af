"""Where files that come and go lie: `.botkit/uploads/<session>` in a workdir, never reached through a link."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from botkit import texts
from botkit.errors import Refused

FOLDER = ".botkit"
"""Below the bot's workdir, ignored by git; holds `uploads/<session>/`."""
UPLOADS = "uploads"
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def upload_folder(workdir: Path, session: str) -> Path:
    """A session's own folder, where Claude may read. Raises Refused."""
    here = os.open(workdir, _STEP)
    try:
        for part in (FOLDER, UPLOADS, folder_name(session)):
            below = _made(part, here)
            os.close(here)
            here = below
            if part == FOLDER:
                _ignored(here)
    finally:
        os.close(here)
    return workdir / FOLDER / UPLOADS / folder_name(session)


def _made(name: str, folder: int) -> int:
    """The descriptor of a folder in a folder. What runs there may put a link in its place at any time."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    try:
        return os.open(name, _STEP | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as problem:
        if problem.errno in (errno.ENOTDIR, errno.ELOOP):
            raise Refused(texts.UPLOADS_LINKED) from None
        raise


def _ignored(folder: int) -> None:
    with suppress(FileExistsError):
        file = os.open(".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write("*\n")


def folder_name(session: str) -> str:
    return re.sub(r"[^\w-]", "_", session)

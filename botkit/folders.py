"""Where files that come and go lie: `.botkit/uploads/<session>` in a workdir, never reached through a link."""

from __future__ import annotations

import re
from pathlib import Path

from botkit import texts
from botkit.errors import Refused

FOLDER = ".botkit"
"""Below the bot's workdir, ignored by git; holds `uploads/<session>/`."""
UPLOADS = "uploads"


def upload_folder(workdir: Path, session: str) -> Path:
    """A session's own folder, where Claude may read. Raises Refused."""
    root = workdir / FOLDER
    folder = root / UPLOADS / folder_name(session)
    for part in (root, root / UPLOADS, folder):
        if part.is_symlink():
            raise Refused(texts.UPLOADS_LINKED)
        part.mkdir(mode=0o700, exist_ok=True)
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


def folder_name(session: str) -> str:
    return re.sub(r"[^\w-]", "_", session)

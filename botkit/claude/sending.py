"""Takes the file that Claude wants to send: only what lies where Claude may work, copied as it is at that moment."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from msgspec import Struct

from botkit.errors import Refused
from botkit.events import FileOffered
from botkit.folders import FOLDER, UPLOADS, folder_name, upload_folder

CAPTION = 1000
"""Most characters of a caption."""
NAME = 120
"""Most characters of a name."""
CHUNK = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
MEGABYTE = 1024 * 1024


class Given(Struct):
    """The arguments of the tool."""

    path: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker may send files from."""

    workdir: Path
    add_dirs: tuple[Path, ...]
    session: str
    limit: int
    """Bytes."""


def take(given: Given, place: Place) -> FileOffered:
    """Check the file and copy it into the session's folder. Blocks.

    Raises Refused with words for Claude, OSError, and ValueError for a path that cannot be one.
    """
    wanted = place.workdir / given.path
    real = _real(wanted, given.path)
    root = next((root for each in (place.workdir, *place.add_dirs) if real.is_relative_to(root := _root(each))), None)
    if root is None:
        raise Refused(
            f"{given.path} is outside the working directory and the additional directories. Only files inside them "
            "can be sent; copy it there first if the people may have it."
        )
    _refuse_private(real.relative_to(root), place)
    name = "".join(character for character in wanted.name if character.isprintable())[-NAME:] or real.name
    with _opened(root, real.relative_to(root), given.path) as source:
        copy, digest, size = _copied(source, name, given.path, place)
    return FileOffered(real, name, given.caption.strip()[:CAPTION], copy, digest, size)


def _real(wanted: Path, given: str) -> Path:
    try:
        return Path(os.path.realpath(wanted, strict=True))
    except FileNotFoundError:
        raise Refused(f"{given} does not exist.") from None


def _root(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


def _refuse_private(way: Path, place: Place) -> None:
    """What other people's sessions were sent is theirs."""
    own = FOLDER, UPLOADS, folder_name(place.session)
    parts = way.parts
    for at in (at for at, part in enumerate(parts) if part == FOLDER):
        if parts[at : at + 3] != own:
            raise Refused(f"{way.name} belongs to another session and cannot be sent.")


def _opened(root: Path, way: Path, given: str) -> BinaryIO:
    """Opened step by step, so that a link put in the way since the check leads nowhere."""
    folder = os.open(root, _OPEN | os.O_DIRECTORY)
    try:
        for part in way.parts[:-1]:
            inner = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        if not way.parts or not stat.S_ISREG(os.stat(way.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise Refused(f"{given} is not a regular file. To send a folder, pack it into an archive first.")
        # Not blocking: a pipe put in its place since then would wait for a writer.
        source = os.fdopen(os.open(way.name, _OPEN | os.O_NONBLOCK, dir_fd=folder), "rb")
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source.close()
        raise Refused(f"{given} is not a regular file.")
    return source


def _copied(source: BinaryIO, name: str, given: str, place: Place) -> tuple[Path, str, int]:
    """The copy, the id that name and content make, and its bytes."""
    folder = upload_folder(place.workdir, place.session)
    digest, size = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0"), 0
    with NamedTemporaryFile(dir=folder, prefix="sending-", delete=False) as target:
        try:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > place.limit:
                    raise Refused(f"{given} is larger than {_said(place.limit)}, the most that can be sent.")
                digest.update(chunk)
                target.write(chunk)
            if not size:
                raise Refused(f"{given} is empty; there is nothing to send.")
            target.flush()
            id = digest.hexdigest()[:16]
            copy = folder / f"sent-{id}"
            Path(target.name).replace(copy)
        except BaseException:
            Path(target.name).unlink(missing_ok=True)
            raise
    return copy, id, size


def _said(size: int) -> str:
    return f"{size // MEGABYTE} MB" if size >= MEGABYTE else f"{size} bytes"

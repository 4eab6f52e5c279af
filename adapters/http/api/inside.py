"""Opens files of a folder and none outside, whatever links there are and whoever changes them meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from adapters.http.errors import HttpError, invalid, not_found

MOST = 10 * 1024 * 1024
"""Bytes of a file that is read or written."""
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Inside:
    """A folder. Paths are relative to it, or absolute and in it; `field` is where the program named one."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def resolve(self, given: str, *, field: str = "path") -> Path:
        """The path relative to the folder, all links followed. Raises HttpError: 400 for what is no path, 404 for
        what is outside, as for what is not there."""
        if "\0" in given or len(os.fsencode(_plain(given, field))) > 4096:
            raise invalid(field, "is no path")
        try:
            found = Path(os.path.realpath(self.root / given))
            return found.relative_to(self.root)
        except (ValueError, OSError):
            raise not_found("file in the session's folder", field=field) from None

    def read(self, path: Path, *, most: int = MOST, field: str = "path") -> bytes:
        """A file's bytes. Raises HttpError 404, 400 for what is no file, 413."""
        file = self._open(path, os.O_RDONLY | os.O_NONBLOCK, field)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise invalid(field, "is no file")
        with os.fdopen(file, "rb") as opened:
            data = opened.read(most + 1)
        if len(data) > most:
            raise HttpError(413, "file_too_large", f"the file has more than {most} bytes", field=field)
        return data

    def write(self, path: Path, data: bytes, *, field: str = "path") -> bool:
        """Write a file, all or nothing, making its folders. True: it is new. Raises HttpError."""
        if not path.name:
            raise invalid(field, "is no file")
        folder = self._folder(path.parent, field, make=True)
        temporary = f".{path.name[:100]}.{uuid4().hex[:8]}"
        try:
            mode = self._mode(folder, path.name, field)
            file = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode or 0o644, dir_fd=folder
            )
            with os.fdopen(file, "wb") as opened:
                opened.write(data)
            os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            return mode is None
        except OSError as problem:
            raise _failed(problem, field) from None
        finally:
            os.close(folder)

    def add(self, path: Path, data: bytes) -> None:
        """Write a new file into a folder that is there. Raises FileExistsError, another OSError, HttpError."""
        folder = self._folder(path.parent, "path")
        try:
            file = os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
            try:
                with os.fdopen(file, "wb") as opened:
                    opened.write(data)
            except OSError:
                os.unlink(path.name, dir_fd=folder)
                raise
        finally:
            os.close(folder)

    def files(self, path: Path) -> list[tuple[str, os.stat_result]]:
        """The files of a folder, by name; none where it is not there."""
        try:
            folder = self._folder(path, "path")
        except HttpError:
            return []
        found: list[tuple[str, os.stat_result]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # Claude may delete it meanwhile
                        if entry.is_file(follow_symlinks=False):
                            found.append((entry.name, entry.stat(follow_symlinks=False)))
        finally:
            os.close(folder)
        return sorted(found)

    def _mode(self, folder: int, name: str, field: str) -> int | None:
        """The mode of a file that is there; None: there is none. Raises HttpError for what is no file."""
        try:
            known = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(known.st_mode):
            raise invalid(field, "is no file")
        return stat.S_IMODE(known.st_mode)

    def _open(self, path: Path, flags: int, field: str) -> int:
        if not path.name:
            raise invalid(field, "is no file")
        folder = self._folder(path.parent, field)
        try:
            return os.open(path.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as problem:
            raise _failed(problem, field) from None
        finally:
            os.close(folder)

    def _folder(self, path: Path, field: str, *, make: bool = False) -> int:
        """The folder's descriptor, reached part by part: a part that has become a link since is refused."""
        try:
            folder = os.open(self.root, _STEP)
        except OSError as problem:
            raise _failed(problem, field) from None
        for part in path.parts:
            try:
                if make:
                    _make(part, folder)
                deeper = os.open(part, _STEP, dir_fd=folder)
            except OSError as problem:
                raise _failed(problem, field) from None
            finally:
                os.close(folder)
            folder = deeper
        return folder


def _make(name: str, folder: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)


def _plain(given: str, field: str) -> str:
    try:
        given.encode()
    except UnicodeEncodeError:
        raise invalid(field, "is no path") from None
    return given


def _failed(problem: OSError, field: str) -> HttpError:
    match problem.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ELOOP | errno.ENAMETOOLONG | errno.EXDEV:
            return not_found("file in the session's folder", field=field)
        case errno.EISDIR:
            return invalid(field, "is no file")
        case _:
            return HttpError(
                409, "file_unusable", f"the file cannot be used: {os.strerror(problem.errno or 0)}", field=field
            )

"""The two parts of lark-oapi that botkit uses: the long connection's protobuf frame, and the decryption of events.

`import lark_oapi`, or any part of it, imports all of it through the `__init__`s above: 11,000 modules, 1.2 to 2.4 s
and 161 MB. These parts need none of that, so they are loaded under parents that exist only meanwhile: 0.1 s and 10 MB.
A real `import lark_oapi` by somebody else works before and after.

The rest is not used. Its clients fetch tokens with blocking HTTP on the event loop, open a connection for each call and
wait without a deadline; its long connection keeps its loop in a global, so two apps cannot share a process, and leaves
card presses unanswered; its dispatcher takes a signature of any age and answers 500 to events it does not know; its
`FeishuChannel` loses text ("}" and "}" become one). Its models would cost more than the fields that are read here.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Protocol

_PARENTS = ("lark_oapi", "lark_oapi.ws", "lark_oapi.core", "lark_oapi.core.utils")


class Header(Protocol):
    key: str
    value: str


class Headers(Iterable[Header], Protocol):
    def add(self) -> Header: ...


class Frame(Protocol):
    """One message of the long connection, https://github.com/larksuite/oapi-sdk-go/tree/v3_main/ws."""

    SeqID: int
    LogID: int
    service: int
    method: int
    """0: control (ping, pong), 1: data."""
    payload: bytes

    @property
    def headers(self) -> Headers: ...

    def SerializeToString(self) -> bytes: ...

    def ParseFromString(self, data: bytes) -> int:
        """Raises one of NO_FRAME for what is no frame."""
        ...


class _Cipher(Protocol):
    def decrypt_str(self, enc: str) -> str: ...


def frame() -> Frame:
    """An empty frame."""
    made: Frame = _FRAME()
    return made


def decrypt(key: str, encrypted: str) -> str:
    """The JSON text of an encrypted event (AES-256-CBC under SHA-256 of the key). Raises ValueError."""
    cipher: _Cipher = _CIPHER(key)
    return cipher.decrypt_str(encrypted)


@contextmanager
def _childless_parents() -> Generator[None]:
    """Packages that know where their files are and have run none of them."""
    missing = [name for name in _PARENTS if name not in sys.modules]
    spec = find_spec("lark_oapi") if missing else None
    if missing and (spec is None or not spec.submodule_search_locations):
        raise ModuleNotFoundError("No module named 'lark_oapi'", name="lark_oapi")
    for name in missing:
        module = ModuleType(name)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        root = Path(next(iter(spec.submodule_search_locations)))
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


with _childless_parents():
    _FRAME = import_module("lark_oapi.ws.pb.pbbp2_pb2").Frame
    _CIPHER = import_module("lark_oapi.core.utils.decryptor").AESCipher
    _DECODE_ERROR: type[Exception] = import_module("lark_oapi.ws.pb.google.protobuf.message").DecodeError

NO_FRAME = (_DECODE_ERROR, ValueError, IndexError, TypeError, KeyError)
"""What `Frame.ParseFromString` raises for bytes that are none; its pure Python lets through what it stumbles over."""

"""The long connection's frames: pings, deliveries in pieces, and what is answered to them. Pure.

https://github.com/larksuite/oapi-sdk-go/tree/v3_main/ws, the only description there is.
"""

from __future__ import annotations

import base64
from collections import OrderedDict

import msgspec

from adapters.feishu.sdk import NO_FRAME, Frame, frame
from adapters.feishu.wire import Json

CONTROL, DATA = 0, 1
MOST_PIECES = 128
MOST_OPEN = 64
"""Deliveries of which not all pieces have come; the oldest is forgotten, Feishu sends it again."""


def parse(data: bytes) -> Frame | None:
    """The frame in a binary message; None for what is none."""
    read = frame()
    try:
        read.ParseFromString(data)
    except NO_FRAME:
        return None
    return read


def header(read: Frame, key: str) -> str:
    return next((each.value for each in read.headers if each.key == key), "")


def ping(service: int) -> bytes:
    made = frame()
    made.SeqID, made.LogID, made.service, made.method = 0, 0, service, CONTROL
    added = made.headers.add()
    added.key, added.value = "type", "ping"
    return made.SerializeToString()


def answer(to: Frame, *, code: int, data: Json, milliseconds: int) -> bytes:
    """The frame itself with how it went: code 200, or 500 for what is to be delivered again."""
    body: Json = {"code": code}
    if data:
        body["data"] = base64.b64encode(msgspec.json.encode(data)).decode()
    added = to.headers.add()
    added.key, added.value = "biz_rt", str(milliseconds)
    to.payload = msgspec.json.encode(body)
    return to.SerializeToString()


class Pieces:
    """Puts deliveries together that came in several frames."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, list[bytes | None]] = OrderedDict()

    def add(self, read: Frame) -> bytes | None:
        """The whole payload, once its last piece is here."""
        total, number = _number(header(read, "sum"), 1), _number(header(read, "seq"), 0)
        if total <= 1:
            return read.payload
        if total > MOST_PIECES or not 0 <= number < total:
            return None
        id = header(read, "message_id")
        pieces = self._open.setdefault(id, [None] * total)
        if len(pieces) != total:
            return None
        pieces[number] = read.payload
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        whole = [piece for piece in pieces if piece is not None]
        if len(whole) < total:
            return None
        del self._open[id]
        return b"".join(whole)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise

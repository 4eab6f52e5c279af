"""The frames of the long connection: one protobuf message, small enough to read and write by hand.

Without generated code, so that the server does not need the SDK it is used to test. `pbbp2.proto` in the official
SDKs: Frame{1 SeqID, 2 LogID, 3 service, 4 method, 5 headers{1 key, 2 value}, 6 payload_encoding, 7 payload_type,
8 payload, 9 LogIDNew}; the first four are required.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

CONTROL, DATA = 0, 1
_VARINT, _BYTES = 0, 2


@dataclass(slots=True)
class Frame:
    """`method` is CONTROL or DATA; `headers` say type, message_id, sum, seq and more."""

    method: int
    service: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    payload: bytes = b""
    sequence: int = 0
    log: int = 0

    def encode(self) -> bytes:
        numbers = ((1, self.sequence), (2, self.log), (3, self.service), (4, self.method))
        parts = [_key(number, _VARINT) + _varint(value) for number, value in numbers]
        for key, value in self.headers.items():
            header = _text(1, key.encode()) + _text(2, value.encode())
            parts.append(_text(5, header))
        parts.append(_text(8, self.payload))
        return b"".join(parts)


def decode_frame(raw: bytes) -> Frame:
    """Raises ValueError for what is no frame, or misses a required field."""
    numbers: dict[int, int] = {}
    frame = Frame(DATA)
    for number, value in _fields(raw):
        if isinstance(value, int):
            numbers[number] = value
        elif number == 5:
            header = {inner: text for inner, text in _fields(value) if isinstance(text, bytes)}
            frame.headers[header.get(1, b"").decode()] = header.get(2, b"").decode()
        elif number == 8:
            frame.payload = value
    if not {1, 2, 3, 4} <= numbers.keys():
        raise ValueError("a required field is missing")
    frame.sequence, frame.log, frame.service, frame.method = (numbers[number] for number in (1, 2, 3, 4))
    return frame


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _read(raw, at)
        value, at = _read(raw, at)
        match key & 7:
            case 0:
                yield key >> 3, value
            case 2:
                if at + value > len(raw):
                    raise ValueError("cut short")
                yield key >> 3, raw[at : at + value]
                at += value
            case kind:
                raise ValueError(f"unexpected wire type {kind}")


def _read(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ValueError("cut short")
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _text(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(value)) + value

"""How Feishu encrypts and signs what it posts to a request URL.

https://open.feishu.cn/document/event-subscription-guide/event-subscriptions/event-subscription-configure-/encrypt-key-encryption-configuration-case
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from Crypto.Cipher import AES

BLOCK = 16


def encrypted(text: bytes, encrypt_key: str, iv: bytes | None = None) -> str:
    """AES-256-CBC with the key's SHA-256, PKCS#7 padding, the 16 bytes of IV in front, all in base64."""
    iv = iv or secrets.token_bytes(BLOCK)
    padding = BLOCK - len(text) % BLOCK
    cipher = AES.new(hashlib.sha256(encrypt_key.encode()).digest(), AES.MODE_CBC, iv)
    return base64.b64encode(iv + cipher.encrypt(text + bytes([padding]) * padding)).decode()


def signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """`X-Lark-Signature`: the SHA-256, in hex, of all of it in that order; no HMAC."""
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode() + body).hexdigest()


def signed(body: bytes, encrypt_key: str, timestamp: str, nonce: str) -> dict[str, str]:
    """The headers of a signed request."""
    return {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": signature(timestamp, nonce, encrypt_key, body),
    }

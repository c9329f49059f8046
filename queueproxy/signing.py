"""Signs what crosses the wire, so that who can write to the broker can't make up a request.

Each signature is an HMAC-SHA256 (RFC 2104) over body, head, lengths and version. Requests, replies
and routes are signed with different keys, so that none passes for another, and those of each
namespace with keys of its own.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable

from .exceptions import BadSignature

WIRE_VERSION = "3"  # of envelopes.py
DIGEST_OVER = 64 * 1024  # bytes

_tail = struct.Struct(">QQ").pack


def digest_of(body: bytes) -> bytes:
    """Return what stands for a body in the signature: itself, or its SHA-256 where it is large.

    So a large body is signed as it streams by and never copied once more.
    """
    return body if len(body) <= DIGEST_OVER else hashlib.sha256(body).digest()


class Signer:
    """Signs with the first key, unless told, and accepts any of them (key rotation).

    Args:
        secrets: project secrets, the current one first; none at all switches signing off.
        namespace: the setting ``NAMESPACE``: what is signed for one counts in no other.
        purpose: which key is derived, e.g. ``"request"`` or ``"reply"``.
    """

    def __init__(self, secrets: Iterable[str | bytes], namespace: str, purpose: str):
        # Copied for each signature: a new one is as much work again as to sign a small head.
        self._blanks = [
            hmac.new(_derive(secret, namespace, purpose), digestmod="sha256") for secret in secrets
        ]

    @property
    def signs(self) -> bool:
        """Whether signing is on."""
        return bool(self._blanks)

    def digest_of(self, body: bytes) -> bytes:
        """Return the `digest_of` a body; nothing, and no byte is hashed, where signing is off."""
        return digest_of(body) if self._blanks else b""

    def sign(self, head: bytes, digest: bytes, size: int, secret_index: int = 0) -> bytes:
        """Return the signature, 32 bytes; empty where signing is off.

        Args:
            head: the encoded head.
            digest: `digest_of` the body.
            size: length of the body itself, which keeps a digest apart from a body alike.
            secret_index: that of the secret to sign with.
        """
        if not self._blanks:
            return b""
        return _signature(self._blanks[secret_index], _signed_text(head, digest, size))

    def verify(self, head: bytes, digest: bytes, size: int, signature: bytes) -> int:
        """Return the number of the secret that it is signed with; 0 where signing is off.

        Raises:
            BadSignature: it is signed with none of them.
        """
        if not self._blanks:
            return 0
        text = _signed_text(head, digest, size)
        for number, blank in enumerate(self._blanks):
            if hmac.compare_digest(_signature(blank, text), signature):
                return number
        raise BadSignature("The signature does not hold.")


def _derive(secret: str | bytes, namespace: str, purpose: str) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    label = f"queueproxy/{WIRE_VERSION}/{purpose}/{namespace}"
    return hmac.digest(raw, label.encode(), "sha256")


def _signature(blank: hmac.HMAC, text: bytes) -> bytes:
    signed = blank.copy()
    signed.update(text)
    return signed.digest()


def _signed_text(head: bytes, digest: bytes, size: int) -> bytes:
    return b"".join((digest, head, _tail(size, len(head)), WIRE_VERSION.encode()))

"""Slack's signature over the raw bytes of a request, checked in constant time before anything reads them."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FRESH_S = 300
"""How far the time of a request may be from ours, either way."""
LONGEST_STAMP = 12
"""Digits of a timestamp; more would only be there to make a number that takes long to read."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Knows the secrets that Slack may sign with: one, and while it is rotated the one before it."""

    secrets: Sequence[str]
    now: Callable[[], float]
    """Seconds of the epoch."""

    def vouch_for(self, timestamp: str, signature: str, body: bytes) -> bool:
        """Whether Slack signed these bytes within the last five minutes."""
        # bolt raises on a timestamp that is not a number, and answers 500
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_STAMP):
            return False
        if abs(self.now() - int(timestamp)) > FRESH_S:
            return False
        # bytes of a header that are no UTF-8 come as surrogates
        given = signature.encode(errors="replace")
        # each secret is tried, so that the time it takes says nothing about which one fits
        fits = [hmac.compare_digest(_sign(secret, timestamp, body), given) for secret in self.secrets]
        return True in fits


def _sign(secret: str, timestamp: str, body: bytes) -> bytes:
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return b"v0=" + digest.hexdigest().encode()

"""One id for all that follows from one request, on every log line, in the run and in what is posted.

It has the form of a W3C trace id, and traces use it as theirs.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Iterator

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

KEY = "correlation"


def correlation() -> str:
    """The id that is in force here; empty outside of any request."""
    return str(get_contextvars().get(KEY, ""))


def correlation_for(request_key: str) -> str:
    """The id of a request: the same for each delivery of it. Without a key, one of its own."""
    if not request_key:
        return secrets.token_hex(16)
    return hashlib.blake2b(request_key.encode(), digest_size=16).hexdigest()


def correlate(known_as: str) -> None:
    """Go on under another id, until the end of the `correlated` around this."""
    bind_contextvars(**{KEY: known_as})


@contextlib.contextmanager
def correlated(known_as: str, **facts: str) -> Iterator[None]:
    """Do something under an id, with more facts on its log lines."""
    with bound_contextvars(**{KEY: known_as, **facts}):
        yield

"""The way to Chroma: a folder, or a server that is left alone once it keeps silent."""

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

KNOCK_S = 2.0
"""Longest time until a server says that it is there."""
REPLY_S = 10.0
"""Longest silence within a request: a thousand vectors are taken in well under a second."""
HEARTBEAT = "/api/v2/heartbeat"


def open_client(location: str | Path) -> Any:
    """A client of the folder, or of the server at a URL. Raises whatever Chroma raises."""
    # the import takes over a second, which the process that acknowledges events must not pay
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if isinstance(location, Path):
        return chromadb.PersistentClient(path=str(location), settings=settings)
    # a new client asks the server several things, and waits for the answers for ever
    knock(location)
    url = urlsplit(location)
    client = chromadb.HttpClient(
        host=url.hostname or "localhost", port=_port(url), ssl=_is_tls(url), settings=settings
    )
    client._server._session.timeout = REPLY_S  # type: ignore[attr-defined]
    return client


def knock(location: str) -> None:
    """Have the server at this URL answer. Raises OSError or HTTPException when it does not in time."""
    url = urlsplit(location)
    kind = http.client.HTTPSConnection if _is_tls(url) else http.client.HTTPConnection
    line = kind(url.hostname or "localhost", _port(url), timeout=KNOCK_S)
    try:
        line.request("GET", HEARTBEAT)
        status = line.getresponse().status
    finally:
        line.close()
    if status != http.client.OK:
        raise http.client.HTTPException(status)


def _is_tls(url: SplitResult) -> bool:
    return url.scheme == "https"


def _port(url: SplitResult) -> int:
    return url.port or (443 if _is_tls(url) else 8000)

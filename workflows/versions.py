"""What tells one content from another, and a part of a text as it stayed, came or went."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from workflows.run import Json


def content_hash(content: Json) -> str:
    """SHA-256 in hex over the content in canonical form.

    Text: line ends, spaces at line ends and a last newline do not count. Values: the order of keys does not.
    """
    if isinstance(content, str):
        canonical = "\n".join(line.rstrip() for line in content.strip().splitlines())
    else:
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str

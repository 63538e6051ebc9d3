"""Addresses as they are shown: without the passwords and keys that stand in them."""

import re

_SECRET_PART = re.compile(r"(?i)([?&;][^=&;#\s]*(?:pass|pwd|token|secret|key)[^=&;#\s]*=)[^&;#\s]*")
_WITH_PASSWORD = re.compile(r"://([^:/@\s]*):\S*@")
_NAME_ALONE = re.compile(r"://[^:/?#@\s]+@")


def without_secrets(words: str) -> str:
    """The same text; in each address of it, `***` for a password, and for a name that stands alone: a key."""
    shown = _SECRET_PART.sub(r"\1***", words)
    return _NAME_ALONE.sub("://***@", _WITH_PASSWORD.sub(r"://\1:***@", shown))

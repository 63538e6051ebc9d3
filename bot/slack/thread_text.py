"""What is said of a thread that was not taken whole. For models and for people."""

EARLIER_LEFT_OUT = "(Earlier messages of this thread are left out: it is too long.)"
LATER_LEFT_OUT = "(Later messages of this thread are left out: it is too long.)"
"""Its first or its last line."""


def thread_used(thread: str) -> str:
    """Below the beginning of a thread in a form."""
    if not thread.startswith(EARLIER_LEFT_OUT) and not thread.endswith(LATER_LEFT_OUT):
        return "_All of it will be used._"
    return ":scissors: _It is too long to be used whole: a line in it says which end is left out._"

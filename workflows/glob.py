"""Patterns of `*` (any text) and `?` (any one character): one pass over the text, whatever the pattern."""

MAX_PATTERN = 1000


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern, whatever the case.

    Every place in the pattern that the text so far may have led to is one bit of a number, so a character
    costs one step whatever came before; nothing is ever tried twice.
    """
    parts = [part for part in pattern.casefold() if part != "*"]
    anything, stays = 0, 0
    accepts: dict[str, int] = {}
    place = 0
    for part in pattern.casefold():
        if part == "*":
            stays |= 1 << place
            continue
        if part == "?":
            anything |= 1 << place
        else:
            accepts[part] = accepts.get(part, 0) | 1 << place
        place += 1
    reached = 1
    for character in text.casefold():
        moved = (reached & (accepts.get(character, 0) | anything)) << 1
        reached = moved | (reached & stays)
        if not reached:
            return False
    return bool(reached >> len(parts) & 1)

"""The words of a text that carry meaning, as stems that meet across endings."""

import re

WORD = re.compile(r"[^\W_]+")
"""One word, in any script."""
STOP_WORDS = frozenset(
    WORD.findall(
        """a about am an and any are as at be been but by can could did do does for from had has have he
        her his how i if in into is it its me my no not of on or our she should so some such
        than that the their them then there these they this to was we were what when where
        which who whom whose why will with would you your"""
    )
)
_ENDINGS = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ied", "y"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("ly", ""),
    ("ers", "er"),
    ("es", "e"),
    ("s", ""),
)


def stem(word: str) -> str:
    """Cut common English endings, so that `claims`, `claimed` and `claiming` meet."""
    if len(word) <= 3 or not word.isascii():
        return word
    for ending, instead in _ENDINGS:
        long_enough = len(word) - len(ending) >= 3
        if word.endswith(ending) and long_enough and not (ending == "s" and word.endswith("ss")):
            word = word[: len(word) - len(ending)] + instead
            break
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" else word


def content_words(text: str) -> list[str]:
    """Lower-case stems without the words every text has."""
    return [stem(word) for word in WORD.findall(text.lower()) if word not in STOP_WORDS]

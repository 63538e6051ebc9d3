"""What people read of the queue: places, guesses and refusals."""

import pytest

from bot.slack import text
from bot.slack.refusals import sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "a few seconds"),
        (8, "about 10 seconds"),
        (41, "about 40 seconds"),
        (60, "about a minute"),
        (100, "about 2 minutes"),
        (1800, "about 30 minutes"),
        (7200, "about 2 hours"),
    ],
)
def test_a_guess_is_no_finer_than_guesses_are(seconds: float, words: str) -> None:
    assert text.about(seconds) == words


def test_the_notice_says_what_is_before_it_only_when_that_holds_it_up() -> None:
    assert "3 before it in the queue, so it starts in about 40 seconds." in text.working(
        "Ask", "Here.", 4, 41
    )
    assert "1,199 before it in the queue." in text.working("Ask", "Here.", 1200, None)
    for position, wait_s in ((1, None), (1, 30.0), (4, 0.0)):
        assert "before it" not in text.working("Ask", "Here.", position, wait_s)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"why": "person", "waiting": "50", "after_s": "100"},
            "50 of your requests wait already, which is the most one person may have. "
            "Try again in about 2 minutes, or stop one",
        ),
        ({"why": "queue", "waiting": "2000", "after_s": ""}, "2,000 requests of everybody wait already"),
        (
            {"why": "wait", "waiting": "70", "after_s": "280", "wait_s": "1900"},
            "70 requests wait, so that yours would start only in about 32 minutes. "
            "Try again in about 5 minutes.",
        ),
    ],
)
def test_a_refusal_says_what_waits_and_when_to_come_back(facts: dict[str, str], words: str) -> None:
    assert words in sentence("QueueFull", facts)

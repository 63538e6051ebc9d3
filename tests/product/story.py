"""Telling a story on the stage: people who ask, and the answers they get."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from product_stage import ProductStage
from structlog.testing import capture_logs

from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from tests.slack.slack_checks import shown

PATIENCE_S = 90.0
"""Longest wait for an answer: two processors may be shared with other tests."""

ENDED = ("AI-generated", ":warning:", "Cancelled after")
"""What stands in a run's message once it has ended."""


def told(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test whose story happens on the stage's own loop."""

    @functools.wraps(story)
    def test(stage: ProductStage, **given: Any) -> None:
        # a log line that nobody takes is drawn in full with every local variable, for seconds
        with capture_logs():
            stage.wait(story(stage, **given))

    return test


def person(stage: ProductStage, user_id: str) -> Person:
    """Somebody of the demo."""
    return Person(stage.demo.workspace, user_id)


def words(message: Any) -> str:
    """All that a person reads of a message or view."""
    return shown(message.blocks)


def said_by_bot(who: Person, channel: str, thread_ts: str = "") -> list[Message]:
    """What the bot said there, oldest first."""
    return [message for message in who.messages(channel, thread_ts) if message.bot_id]


async def ended(who: Person, about: str, channel: str = "", thread_ts: str = "", after: str = "") -> Message:
    """The newest run's message there that names `about`, is younger than `after`, and has ended."""

    def look() -> Message | None:
        found = [
            message
            for message in said_by_bot(who, channel or who.dm, thread_ts)
            if about in words(message)
            and message.ts > after
            and any(mark in words(message) for mark in ENDED)
        ]
        return found[-1] if found else None

    return await who.wait_for(look, PATIENCE_S)


async def put_away(who: Person) -> None:
    """Close every form."""
    for view in reversed(who.views()):
        await who.close(view)


async def whispered(who: Person, channel: str, about: str) -> Message:
    """What only this person sees there and names `about`."""
    return await who.wait_for(
        lambda: next((note for note in who.ephemerals(channel) if about in words(note)), None), PATIENCE_S
    )

"""Errors that pass by themselves: the same request, dealt with a little later, can succeed."""

from bot.adapters.store.store_down import StoreDown
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.identities import PersonUnknown


class NotInTime(Exception):
    """A request could not be dealt with while Slack waits: nothing was stored."""


def passes(error: Exception) -> bool:
    """Whether the request that met it should be tried again rather than refused."""
    if isinstance(error, PersonUnknown):
        why = error.__cause__
        # whom Slack refuses to name, or cannot know, it will not name later
        return why is not None and not isinstance(why, SlackRefused)
    return isinstance(error, (NotInTime, SlackBusy, SlackUncertain, StoreDown))

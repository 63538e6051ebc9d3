"""What happened in the workspace, told to whoever listens: the page, the app's events, waiting tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened."""

    kind: str
    channel: str = ""
    person: str = ""
    """When set, only this person may see it."""
    subject: Any = None
    """The message, view or text it is about."""
    before: Any = None
    """What the subject was, for changes."""


class Noticeboard:
    """Calls every reader, in order of subscription, before `publish` returns."""

    def __init__(self) -> None:
        self._readers: list[Callable[[Notice], None]] = []

    def subscribe(self, reader: Callable[[Notice], None]) -> Callable[[], None]:
        """Call the reader for every notice from now on; the result ends that."""
        self._readers.append(reader)
        return lambda: self._readers.remove(reader)

    def publish(self, notice: Notice) -> None:
        """Tell all readers."""
        for reader in tuple(self._readers):
            reader(notice)

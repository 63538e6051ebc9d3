"""What a process that only takes requests leaves to a worker: everything that needs models or vectors."""

from collections.abc import Sequence
from typing import Any, NoReturn


class WorkersTask(Exception):
    """This process cannot do it and a worker can; fact `task` names what. Nothing was written."""

    def __init__(self, task: str) -> None:
        super().__init__(task)
        self.facts = {"task": task}


def encode_elsewhere(_texts: Sequence[str]) -> Any:
    """Stands for the encoder. Raises WorkersTask."""
    raise WorkersTask("encode")


class HoldingsElsewhere:
    """Stands for the knowledge where there is neither an index nor an encoder."""

    async def prepare_text(self, *_: Any, **__: Any) -> NoReturn:
        """Raises WorkersTask."""
        raise WorkersTask("prepare a document")

    async def close(self) -> None:
        """There is nothing to let go of."""


class ReplaysElsewhere:
    """Stands for replays, which search and ask models."""

    async def replay(self, *_: Any) -> NoReturn:
        """Raises WorkersTask."""
        raise WorkersTask("replay")

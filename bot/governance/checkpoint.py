"""A checkpoint of the audit chain as text: what is signed, and how it is read again. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

TITLE = "spanwise audit checkpoint 1"
_FIELDS = ("slot", "events", "head", "at")
_LINE = re.compile(r"^\s*(slot|events|head|at|key|signature)[: ]\s*(\S+)\s*$", re.MULTILINE)


class UnreadableCheckpoint(Exception):
    """A text that holds no whole checkpoint; fact `missing` names what it lacks."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.facts = {"missing": missing}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The end of the chain at one moment."""

    slot: str
    """What it stands for, e.g. `2026-W47`."""
    events: int
    head: str
    """Hash of the last of them."""
    at: datetime

    def message(self) -> bytes:
        """What is signed."""
        values = (self.slot, str(self.events), self.head, self.at.isoformat())
        lines = [TITLE, *(f"{name}: {value}" for name, value in zip(_FIELDS, values, strict=True))]
        return "\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint, the public key, and the signature, both in hex."""

    checkpoint: Checkpoint
    key: str
    signature: str

    def text(self) -> str:
        """As it is posted and kept."""
        return f"{self.checkpoint.message().decode()}\nkey: {self.key}\nsignature: {self.signature}"


def read_checkpoint(text: str) -> SignedCheckpoint:
    """The checkpoint in a text, whatever stands around it. Raises UnreadableCheckpoint."""
    found = {name: value.strip("`*_") for name, value in _LINE.findall(text)}
    missing = [name for name in (*_FIELDS, "key", "signature") if name not in found]
    if missing:
        raise UnreadableCheckpoint(missing[0])
    try:
        events, at = int(found["events"]), datetime.fromisoformat(found["at"])
    except ValueError as error:
        raise UnreadableCheckpoint("events" if "int()" in str(error) else "at") from None
    if events < 0 or at.tzinfo is None:
        raise UnreadableCheckpoint("events" if events < 0 else "at")
    return SignedCheckpoint(
        Checkpoint(found["slot"], events, found["head"], at), found["key"], found["signature"]
    )


def slot_of(at: datetime) -> str:
    """The week a checkpoint stands for."""
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02d}"

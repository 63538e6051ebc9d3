"""One thing people can do, and what they need for it. The table of all of them is in matrix.py. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from bot.governance.roles import EVERYTHING, ROLES, Permission, Role

Surface = Literal["command", "sentence", "button", "modal", "shortcut", "home", "terminal"]
"""Ways in. A sentence is a mention, a direct message, a reply in a thread, or typed after `/spanwise`."""
SURFACES: tuple[Surface, ...] = get_args(Surface)

Reach = Literal["everything", "workflow", "collection", "own"]
"""What the right must be held over; `own`: any member, for what is theirs."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing people can do."""

    name: str
    any_of: tuple[Permission, ...]
    """One of them is enough; none: every member of the workspace."""
    reach: Reach
    entries: Mapping[Surface, tuple[str, ...]] = field(default_factory=dict)
    """Ways in: words after `/spanwise`, typed commands, action and callback ids, commands of the terminal."""
    note: str = ""

    def is_permitted_to(self, role: Role) -> bool:
        """Whether the role gives what it needs."""
        return not self.any_of or any(permission in ROLES[role] for permission in self.any_of)

    def scope(self, name: str = "") -> str:
        """The scope that a grant must cover."""
        return f"{self.reach}:{name}" if self.reach in ("workflow", "collection") else EVERYTHING

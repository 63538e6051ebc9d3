"""What can stand in the way of a change request: one small class each, with the facts of its sentence."""

from datetime import datetime

from bot.governance.changes import ChangeStatus, Target
from bot.governance.roles import Permission
from bot.services.access import NotAuthorized


class NothingChanged(Exception):
    """What is proposed is what stands there already."""

    def __init__(self, target: Target) -> None:
        super().__init__(str(target))
        self.facts = {"kind": target.kind, "name": target.name}


class AlreadyProposed(Exception):
    """Somebody has proposed the same, and it is not decided; fact `change` is its id."""

    def __init__(self, change_id: str, author: str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id, "author": author}


class TooLate(Exception):
    """The change request is not where it could be done; fact `status` says where it is."""

    def __init__(self, change_id: str, status: ChangeStatus | str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id, "status": ChangeStatus(status).value}


class RevisedMeanwhile(Exception):
    """What the person looked at is not what is proposed now."""

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id}


class AuthorDecides(Exception):
    """Who wrote a round of a change request does not decide about it."""

    def __init__(self, change_id: str, holders: tuple[str, ...]) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id, "holders": ",".join(holders)}


class NotAnApprover(NotAuthorized):
    """The person may not do it to this change request; fact `holders` lists who may."""

    def __init__(self, permission: Permission, scope: str, holders: tuple[str, ...]) -> None:
        super().__init__(permission, scope)
        self.facts |= {"holders": ",".join(holders)}


class NotItsAuthor(Exception):
    """Only who wrote it withdraws it; fact `author` says who did."""

    def __init__(self, change_id: str, author: str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id, "author": author}


class NeedsOverride(Exception):
    """A case that passes today fails with it: approving needs a reason, which is kept."""

    def __init__(self, change_id: str, cases: tuple[str, ...]) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id, "cases": ", ".join(cases)}


class ReasonMissing(Exception):
    """The decision needs a sentence that says why."""

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id}


class MovedSince(Exception):
    """The target has moved on: taking this back would take back what came after it too."""

    def __init__(self, target: Target, numbers: tuple[int, int], by: str, at: datetime | None) -> None:
        super().__init__(str(target))
        self.facts = {
            "kind": target.kind,
            "name": target.name,
            "from": str(numbers[0]),
            "to": str(numbers[1]),
            "by": by,
            "at": at.isoformat() if at else "",
        }


class NothingToRollBack(Exception):
    """There is no earlier version to go back to."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.facts = {"name": name}


class WouldBreak(Exception):
    """Going back would leave workflows without something they need; fact `workflows` names them."""

    def __init__(self, target: Target, workflows: tuple[str, ...]) -> None:
        super().__init__(str(target))
        self.facts = {"kind": target.kind, "name": target.name, "workflows": ", ".join(workflows)}

"""Modals and home views: who has which open, on which stack, in which state."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.workspace.block_state import state_values
from bot.workspace.block_walk import with_ids
from bot.workspace.blockkit import check_view
from bot.workspace.noticeboard import Json, Notice, Noticeboard
from bot.workspace.refusal import Refusal, invalid_arguments

STACK_LIMIT = 3
SIZE_LIMIT = 250_000
"""Bytes of JSON."""


@dataclass(slots=True)
class OpenView:
    """A view that somebody looks at, or a home."""

    id: str
    person: str
    body: Json
    hash: str
    root_id: str
    previous_id: str = ""
    facts: Json = field(default_factory=dict)
    """Team, app and bot, as every view object carries them."""
    values: Json = field(default_factory=dict)
    """What was filled in when it was last sent."""

    @property
    def blocks(self) -> list[Json]:
        """The blocks, with ids."""
        blocks: list[Json] = self.body["blocks"]
        return blocks

    def as_slack(self) -> Json:
        """The view object."""
        empty: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None}
        empty |= {"close": None, "submit": None, "clear_on_close": False, "notify_on_close": False}
        ids = {"id": self.id, "hash": self.hash, "root_view_id": self.root_id}
        state = {"values": self.values or state_values(self.blocks)}
        return (
            empty
            | self.body
            | self.facts
            | ids
            | {"previous_view_id": self.previous_id or None, "state": state}
        )


class ViewDesk:
    """Keeps the stacks (at most three views each) and the homes."""

    def __init__(self, noticeboard: Noticeboard, new_id: Callable[[str], str], facts: Json) -> None:
        self._noticeboard = noticeboard
        self._new_id = new_id
        self._facts = facts
        self._stacks: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}

    def stack(self, person: str) -> tuple[OpenView, ...]:
        """The views a person has open, the visible one last."""
        return tuple(self._stacks.get(person, ()))

    def find(self, view_id: str) -> OpenView | None:
        """An open view or a home, by id."""
        every = [*self.homes.values(), *(view for stack in self._stacks.values() for view in stack)]
        return next((view for view in every if view.id == view_id), None)

    def find_external(self, external_id: str) -> OpenView | None:
        """The open modal with an external id."""
        every = (view for stack in self._stacks.values() for view in stack)
        return next(
            (view for view in every if external_id and view.body.get("external_id") == external_id), None
        )

    def open(self, person: str, body: object) -> OpenView:
        """A new stack with this view; what was open goes."""
        view = self._new(person, body, "modal")
        self._stacks[person] = [view]
        self._tell("view_opened", view)
        return view

    def push(self, person: str, body: object) -> OpenView:
        """Another view on top of the person's stack."""
        stack = self._stacks.get(person, [])
        if len(stack) >= STACK_LIMIT:
            raise Refusal("push_limit_reached")
        view = self._new(person, body, "modal", below=stack[-1])
        stack.append(view)
        self._tell("view_pushed", view)
        return view

    def update(self, view: OpenView, body: object, expected_hash: str = "") -> OpenView:
        """Replace what a view shows."""
        if expected_hash and expected_hash != view.hash:
            raise Refusal("hash_conflict")
        kind = str(view.body["type"])
        view.body = self._checked(body, kind, allowed=view)
        view.hash = self._new_id("h")
        view.values = {}
        self._tell("view_updated" if kind == "modal" else "home", view)
        return view

    def publish(self, person: str, body: object, expected_hash: str = "") -> OpenView:
        """The person's App Home."""
        if person in self.homes:
            return self.update(self.homes[person], body, expected_hash)
        self.homes[person] = self._new(person, body, "home")
        self._tell("home", self.homes[person])
        return self.homes[person]

    def close(self, view: OpenView, *, whole_stack: bool = False) -> tuple[OpenView, ...]:
        """Take the view off its stack, or everything; answers what was closed."""
        stack = self._stacks.get(view.person, [])
        gone = list(stack) if whole_stack else [view]
        self._stacks[view.person] = [one for one in stack if one not in gone]
        for one in reversed(gone):
            self._tell("view_closed", one)
        return tuple(gone)

    def _tell(self, kind: str, view: OpenView) -> None:
        self._noticeboard.publish(Notice(kind, person=view.person, subject=view))

    def _new(self, person: str, body: object, kind: str, below: OpenView | None = None) -> OpenView:
        checked = self._checked(body, kind)
        view_id = self._new_id("V")
        root_id = below.root_id if below else view_id
        previous = below.id if below else ""
        return OpenView(view_id, person, checked, self._new_id("h"), root_id, previous, self._facts)

    def _checked(self, body: object, kind: str, allowed: OpenView | None = None) -> Json:
        if isinstance(body, dict) and len(json.dumps(body)) > SIZE_LIMIT:
            raise Refusal("view_too_large")
        problems = check_view(body)
        if problems:
            raise invalid_arguments(*(problem.sentence("/view") for problem in problems))
        if not isinstance(body, dict) or body["type"] != kind:
            raise invalid_arguments(f"must be a {kind} view [json-pointer:/view/type]")
        namesake = self.find_external(str(body.get("external_id") or ""))
        if namesake is not None and namesake is not allowed:
            raise Refusal("duplicate_external_id")
        return body | {"blocks": with_ids(body["blocks"], lambda: self._new_id("b"))}

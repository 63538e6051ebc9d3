"""The order of steps: which waits for which, and whose skipping skips it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflows.steps.base import StepDefinition, references


@dataclass(frozen=True, slots=True)
class Edges:
    """What one step waits for."""

    uses: frozenset[str]
    """Named in `needs` or read from: when these are skipped, so is the step (see `join`)."""
    after: frozenset[str]
    """Only order: the step before it in the file, and the check of what it reads."""

    @property
    def all(self) -> frozenset[str]:
        """Everything that must be finished first."""
        return self.uses | self.after


def edges(steps: Sequence[StepDefinition]) -> dict[str, Edges]:
    """For each step, what it waits for.

    Without `needs` a step waits for the one before it. Reading a step's output is needing it. A check may
    have the step it checks done again, so whoever else reads that step waits for the check.
    """
    known = {step.id for step in steps}
    found: dict[str, Edges] = {}
    before: str | None = None
    for step in steps:
        named = {str(name) for name in step.needs or ()}
        read = {reference[0] for _, reference in references(step)}
        after = {before} if step.needs is None and before else set()
        found[step.id] = Edges(frozenset((named | read) & known - {step.id}), frozenset(after))
        before = step.id
    return _guarded(steps, found)


def _guarded(steps: Sequence[StepDefinition], found: dict[str, Edges]) -> dict[str, Edges]:
    for check in steps:
        checked = getattr(check, "of", None)
        if checked is None:
            continue
        earlier = ancestors(check.id, found)
        for name, own in found.items():
            if checked in own.uses and name != check.id and name not in earlier:
                found[name] = Edges(own.uses, own.after | {check.id})
    return found


def ancestors(name: str, found: Mapping[str, Edges]) -> set[str]:
    """Every step that must be finished before this one."""
    seen: set[str] = set()
    open_ = [name]
    while open_:
        own = found.get(open_.pop())
        for each in own.all - seen if own else ():
            seen.add(each)
            open_.append(each)
    return seen


def cycle(found: Mapping[str, Edges]) -> tuple[str, ...]:
    """Steps that wait for each other, in a ring; empty when there are none."""
    for name in found:
        if name in ancestors(name, found):
            return _ring(name, found)
    return ()


def _ring(start: str, found: Mapping[str, Edges]) -> tuple[str, ...]:
    """The way from a step back to itself."""
    came_from: dict[str, str] = {}
    open_ = [start]
    while open_:
        here = open_.pop(0)
        for each in sorted(found[here].all):
            if each == start:
                ring = [here]
                while ring[-1] != start:
                    ring.append(came_from[ring[-1]])
                return tuple(reversed(ring))
            if each not in came_from:
                came_from[each] = here
                open_.append(each)
    return (start,)

"""The pieces of a command as they were said, and what they stand for among the names that exist. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from bot.governance.spoken import Spoken
from bot.governance.understanding import CHOICES, Choice, Lacking, Missing, NotOurs
from bot.governance.vocabulary import DocumentName, Vocabulary


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was said of one command."""

    kind: str
    slots: dict[str, str]
    """Replaced by the names they stand for as these are found."""
    vocabulary: Vocabulary
    spoken: Spoken
    is_asked: bool = False
    """It is known to be this command: what fits nothing is asked for, not taken for a question."""

    def said(self, field: str) -> str:
        """A piece as it was said, quotations put back; empty when it was not."""
        return self.spoken.restored(self.slots.get(field, ""))

    def bare(self, field: str) -> str:
        """As `said`, without the marks of a quotation that is all of it."""
        return self.spoken.unquoted(self.slots.get(field, ""))

    def ask(self, field: str, choices: Sequence[Choice] = (), *, why: str = "", said: str = "") -> NoReturn:
        """Ask for a piece. Raises Lacking."""
        kept = {name: self.spoken.with_quotes(value) for name, value in self.slots.items() if name != field}
        raise Lacking(Missing(self.kind, kept, field, tuple(choices[:CHOICES]), said, why))

    def refuse(self, field: str) -> NoReturn:
        """What was said is not of this command. Raises NotOurs."""
        raise NotOurs(self.slots.get(field, ""))

    def workflow(
        self,
        field: str = "workflow",
        among: Sequence[str] | None = None,
        find: Callable[[str], Sequence[str]] | None = None,
    ) -> str:
        """The workflow that a piece names. Raises Lacking, NotOurs."""
        known = tuple(self.vocabulary.workflows) if among is None else tuple(among)
        said = self.bare(field)
        if not said:
            return self.only(field, known)
        found = tuple(
            name for name in (find or self.vocabulary.workflow)(said) if among is None or name in known
        )
        retired = "" if found else self.vocabulary.retired_as(said)
        if retired:
            back = f"“{retired}” is retired. `/spanwise reopen {retired}` brings it back."
            self.ask(field, self.workflow_choices(known), said=said, why=back)
        return self.one(field, found, said, self.workflow_choices(known))

    def with_drafts(self) -> "Pieces":
        """With what was never released among the workflows."""
        return replace(self, vocabulary=self.vocabulary.with_drafts())

    def only(self, field: str, known: Sequence[str]) -> str:
        """The workflow when there is no choice. Raises Lacking, NotOurs."""
        if not known:
            self.refuse(field)
        if len(known) > 1:
            self.ask(field, self.workflow_choices(known))
        self.slots[field] = known[0]
        return known[0]

    def one(self, field: str, found: Sequence[str], said: str, otherwise: Sequence[Choice]) -> str:
        """The name when there is exactly one. Raises Lacking, NotOurs."""
        if len(found) == 1:
            self.slots[field] = found[0]
            return found[0]
        if found:
            labelled = {each.value: each for each in otherwise}
            several = [labelled.get(each, Choice(each)) for each in found]
            self.ask(field, several, said=said, why=f"“{said}” fits {len(found)} things.")
        if not self.is_asked:
            self.refuse(field)
        return self.ask(field, otherwise, said=said, why=f"There is no “{said}”.")

    def workflow_choices(self, names: Sequence[str]) -> tuple[Choice, ...]:
        """Workflows to choose from."""
        titles = {name: each.title for name, each in self.vocabulary.workflows.items()}
        return tuple(
            Choice(name, f"{titles[name]} ({name})" if titles[name] != name else name, f"workflow:{name}")
            for name in names
        )

    def collection_choices(self) -> tuple[Choice, ...]:
        """Collections to choose from."""
        return tuple(Choice(name, name, f"collection:{name}") for name in self.vocabulary.collections)


def document_choices(documents: Sequence[DocumentName]) -> tuple[Choice, ...]:
    """Documents to choose from."""
    return tuple(
        Choice(each.name, f"{each.title} ({each.path})", f"collection:{each.collection}")
        for each in documents
    )

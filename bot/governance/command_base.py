"""What every command of an admin has: how it is told, what right it takes, how it is worded. Pure."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.governance.roles import EVERYTHING, Permission

MAX_TEXT = 60_000
"""Characters of a prompt or a document given in chat."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
Line = Annotated[str, Field(min_length=1, max_length=2_000)]
Body = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Grantee = Annotated[str, Field(pattern=r"^(everyone|[UWS][A-Z0-9]{2,30})$")]
Scope = Annotated[str, Field(pattern=r"^(\*|(workflow|collection):[a-z][a-z0-9-]*)$")]
TargetWord = Literal["workflow", "prompt", "parameters", "rules", "models", "document", "grant"]
Topic = Literal["workflow", "prompt", "parameters", "rules", "models"]

TOPIC_WORDS: Mapping[str, str] = {
    "workflow": "the workflow",
    "prompt": "the prompt",
    "parameters": "the parameters",
    "rules": "the rules",
    "models": "the models",
    "document": "the document",
    "grant": "the roles",
}
"""What a target is called in a sentence."""


def workflow_scope(name: str) -> str:
    """What a right over a workflow must be held over."""
    return f"workflow:{name}" if name else ""


class AdminCommand(BaseModel):
    """What somebody with a right wants done, read from a sentence and checked. It never says who acts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: ClassVar[str]
    """Short, for lists."""
    about: ClassVar[str]
    """One plain sentence for people."""
    examples: ClassVar[tuple[str, ...]]
    """Sentences that are understood as this command without any model."""
    permissions: ClassVar[tuple[Permission, ...]] = ()
    """Any one of them is enough; none: everybody may."""
    questions: ClassVar[Mapping[str, str]] = {}
    """What is asked for a piece that the sentence left out."""
    wording: ClassVar[str] = ""
    """The command as it was understood, with its fields in braces; empty: its title says it."""

    @property
    def scope(self) -> str:
        """What the permission must be held over; empty when any scope will do."""
        return ""

    def effect(self) -> str:
        """What carrying it out does, in one plain sentence, where no difference of a content says it."""
        return ""

    def words(self) -> str:
        """The command as it was understood."""
        return self.wording.format_map(dict(self)) if self.wording else self.title


class WorkflowCommand(AdminCommand):
    """A command about one workflow, over which its right must be held."""

    workflow: Name

    @property
    def scope(self) -> str:
        """The workflow."""
        return workflow_scope(self.workflow)


class CollectionCommand(AdminCommand):
    """A command about one collection, over which its right must be held."""

    collection: Name

    @property
    def scope(self) -> str:
        """The collection."""
        return f"collection:{self.collection}"


def scope_of(kind: str, name: str) -> str:
    """What a right over a target must be held over; empty when any will do."""
    if kind == "models":
        return EVERYTHING
    if kind == "document":
        return f"collection:{name.partition('/')[0]}" if name else ""
    if kind == "grant" or not name:
        return ""
    return workflow_scope(name.partition("/")[0].partition(".")[0])


def scope_words(scope: str) -> str:
    """A scope as people say it."""
    kind, _, name = scope.partition(":")
    return "everything" if scope == EVERYTHING else f"the {kind} {name}"

"""Commands that are answered and change nothing. Pure."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.governance.command_base import TOPIC_WORDS, AdminCommand, TargetWord, Topic, scope_of, workflow_scope
from bot.governance.roles import EVERYTHING, Permission

_P = Permission


def _topic_words(kind: str, name: str) -> str:
    """`the rules of ask-policy`, `the workflow ask-policy`, `the models`."""
    of = " of " if kind in ("prompt", "parameters", "rules") else " "
    return f"{TOPIC_WORDS[kind]}{of}{name}" if name else TOPIC_WORDS[kind]


class _PastCommand(AdminCommand):
    """Asks about what was."""

    permissions: ClassVar = (_P.SEE_AUDIT, _P.PROPOSE, _P.APPROVE)
    questions: ClassVar = {"workflow": "Of which workflow?"}
    kind: TargetWord
    name: Annotated[str, Field(max_length=300)] = ""
    """As targets are named; empty for any of the kind."""

    @property
    def scope(self) -> str:
        """The workflow or collection it belongs to."""
        return scope_of(self.kind, self.name)


class WhoChanged(_PastCommand):
    """Ask who changed something last."""

    title: ClassVar = "Who changed it"
    about: ClassVar = "Says who changed something last, when, and in which change request."
    examples: ClassVar = ("who changed the prompt last?", "who changed the rules of ask-policy?")
    command: Literal["who_changed"] = "who_changed"

    def words(self) -> str:
        """What is asked about."""
        return f"Who changed {_topic_words(self.kind, self.name)} last"


class History(_PastCommand):
    """Ask for the versions of something."""

    title: ClassVar = "History"
    about: ClassVar = "Lists the versions of something: who made them, when, and which is live."
    examples: ClassVar = ("history of ask-policy", "show the history of the prompt of ask-policy")
    command: Literal["history"] = "history"

    def words(self) -> str:
        """What is asked about."""
        return f"History of {_topic_words(self.kind, self.name)}"


class ShowCommand(AdminCommand):
    """Look at what is live."""

    title: ClassVar = "Show"
    about: ClassVar = "Shows what is live: a workflow, its prompts, its parameters or its rules."
    examples: ClassVar = ("show the rules of ask-policy", "show the prompt of ask-policy", "show ask-policy")
    permissions: ClassVar = (_P.PROPOSE, _P.APPROVE, _P.SEE_AUDIT)
    questions: ClassVar = {"workflow": "Of which workflow?"}
    command: Literal["show"] = "show"
    topic: Topic
    workflow: Annotated[str, Field(max_length=200)] = ""

    @property
    def scope(self) -> str:
        """The workflow."""
        return workflow_scope(self.workflow) or EVERYTHING

    def words(self) -> str:
        """What is looked at."""
        return f"Show {_topic_words(self.topic, self.workflow)}"


class Changes(AdminCommand):
    """Ask for change requests."""

    title: ClassVar = "Change requests"
    about: ClassVar = "Lists the recent change requests and where each stands."
    examples: ClassVar = ("show the changes of ask-policy", "what is waiting for approval?")
    permissions: ClassVar = (_P.PROPOSE, _P.APPROVE, _P.SEE_AUDIT)
    command: Literal["changes"] = "changes"
    workflow: Annotated[str, Field(max_length=200)] = ""
    only_open: bool = False

    @property
    def scope(self) -> str:
        """The workflow, if one is named."""
        return workflow_scope(self.workflow)


class Help(AdminCommand):
    """Ask what may be said."""

    title: ClassVar = "Help"
    about: ClassVar = "Lists what you may say to me."
    examples: ClassVar = ("help", "what can I say?")
    command: Literal["help"] = "help"

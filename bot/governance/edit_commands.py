"""Commands that change what is live. Pure."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.governance.command_base import (
    MAX_TEXT,
    TOPIC_WORDS,
    AdminCommand,
    Body,
    CollectionCommand,
    Line,
    Name,
    WorkflowCommand,
)
from bot.governance.roles import EVERYTHING, Permission
from workflows.template import as_text

_P = Permission


class EditPrompt(WorkflowCommand):
    """Change what a model is told."""

    title: ClassVar = "Change a prompt"
    about: ClassVar = "Changes what a workflow tells its model: by an instruction, or with a whole new text."
    examples: ClassVar = (
        "make ask-policy friendlier and never promise a date",
        "tell ask-policy to answer in bullet points",
        "add to the prompt of ask-policy: Name the office a rule is about.",
        "replace the prompt of ask-policy with: Answer {{ question }} from {{ passages }}",
    )
    permissions: ClassVar = (_P.PROPOSE,)
    questions: ClassVar = {
        "workflow": "Which workflow's prompt should change?",
        "prompt": "Which of its prompts should change?",
        "instructions": "What should change in the prompt? Say it in your own words.",
        "text": "What should the prompt say? Send the whole new text.",
    }
    command: Literal["edit_prompt"] = "edit_prompt"
    prompt: Name
    instructions: Annotated[tuple[Line, ...], Field(max_length=20)] = ()
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""

    def words(self) -> str:
        """The prompt and what it shall say."""
        if self.text:
            return f"Replace the prompt {self.prompt} with a new text"
        return f"Change the prompt {self.prompt}: " + " ".join(self.instructions)


class SetParameter(WorkflowCommand):
    """Tune a value within its bounds."""

    title: ClassVar = "Set a parameter"
    about: ClassVar = "Sets a value of a workflow, within the bounds that the workflow declares."
    examples: ClassVar = (
        "set passages of ask-policy to 8",
        "raise min_support of ask-policy to 0.6",
        "ask-policy: set the number of passages to 8",
    )
    permissions: ClassVar = (_P.PROPOSE,)
    questions: ClassVar = {
        "workflow": "Of which workflow?",
        "parameter": "Which parameter should change?",
        "value": "To what value?",
    }
    command: Literal["set_parameter"] = "set_parameter"
    parameter: Name
    value: str | int | float | bool

    def words(self) -> str:
        """What is set, a whole number as one."""
        return f"Set {self.parameter} of {self.workflow} to {as_text(self.value)}"


class EditRule(WorkflowCommand):
    """Add a row to a decision table, or move its limit."""

    title: ClassVar = "Change a rule"
    about: ClassVar = (
        "Adds a rule to a workflow's decision table, before the others, or moves a limit it has already."
    )
    examples: ClassVar = (
        "when the amount is over 5000 send it to a manager",
        "in approve-spend, if inputs.amount >= 250 && inputs.urgent then manager_approval",
        "when the amount is at most 50 then automatic because small sums need nobody",
    )
    permissions: ClassVar = (_P.PROPOSE,)
    questions: ClassVar = {
        "workflow": "Which workflow should have this rule?",
        "step": "Which of its decision tables should have this rule?",
        "condition": "When should the rule apply? For example: the amount is over 5000.",
        "outcome": "What should happen then?",
    }
    wording: ClassVar = "In {workflow}, when {condition} then {outcome}"
    command: Literal["edit_rule"] = "edit_rule"
    step: Name
    condition: Annotated[str, Field(min_length=1, max_length=1_000)]
    """In CEL."""
    outcome: Name
    because: Annotated[str, Field(max_length=500)] = ""


class AddKnowledge(CollectionCommand):
    """Put a new document into a collection."""

    title: ClassVar = "Add knowledge"
    about: ClassVar = "Adds a document to a collection, once somebody who may has approved it."
    examples: ClassVar = (
        "add this to the people handbook: Dogs are welcome in the Lisbon office on Fridays.",
        "add “Dogs in the office” to the people handbook: Dogs are welcome in Lisbon on Fridays.",
    )
    permissions: ClassVar = (_P.EDIT_KNOWLEDGE,)
    questions: ClassVar = {
        "collection": "To which collection?",
        "text": "What should the document say? Send its text.",
    }
    wording: ClassVar = "Add “{heading}” to the collection {collection}"
    command: Literal["add_knowledge"] = "add_knowledge"
    heading: Annotated[str, Field(min_length=1, max_length=120)]
    text: Body


class ForgetKnowledge(CollectionCommand):
    """Take a document out of a collection."""

    title: ClassVar = "Forget knowledge"
    about: ClassVar = "Takes a document out of a collection; nothing is answered from it any more."
    examples: ClassVar = ("forget the 2023 travel policy", "remove travel/old-rates.md from people")
    permissions: ClassVar = (_P.EDIT_KNOWLEDGE,)
    questions: ClassVar = {"document": "Which document should be forgotten?"}
    wording: ClassVar = "Forget {document} of the collection {collection}"
    command: Literal["forget_knowledge"] = "forget_knowledge"
    document: Annotated[str, Field(min_length=1, max_length=500)]
    """Its path."""


class SwapModel(AdminCommand):
    """Say what a model alias is."""

    title: ClassVar = "Swap a model"
    about: ClassVar = "Says which model an alias stands for, for every workflow that names the alias."
    examples: ClassVar = ("swap the default model to openai/gpt-4o-mini", "use openai/gpt-4o-mini as default")
    permissions: ClassVar = (_P.PROPOSE,)
    questions: ClassVar = {
        "alias": "Which model alias should change?",
        "model": "Which model? Write it as provider/model, for example openai/gpt-4o-mini, or name an alias.",
    }
    wording: ClassVar = "Let the alias {alias} be the model {model}"
    command: Literal["swap_model"] = "swap_model"
    alias: Name
    model: Annotated[str, Field(pattern=r"^[\w.-]+(/\S+)?$", max_length=200)]

    @property
    def scope(self) -> str:
        """Every workflow."""
        return EVERYTHING


class Undo(AdminCommand):
    """Take back a change that was applied."""

    title: ClassVar = "Undo"
    about: ClassVar = "Takes back the change that was applied last in this thread or by you, or a named one."
    examples: ClassVar = ("undo that", "undo c_ab23cd45")
    permissions: ClassVar = (_P.ROLL_BACK, _P.PROPOSE, _P.EDIT_KNOWLEDGE, _P.GRANT, _P.APPROVE)
    command: Literal["undo"] = "undo"
    change: Annotated[str, Field(pattern=r"^(c_[a-z2-7]{8})?$")] = ""
    """Empty: the last one."""

    def words(self) -> str:
        """Which change."""
        return f"Undo the change {self.change}" if self.change else "Undo the last change"


class RollBack(WorkflowCommand):
    """Point production at an earlier version."""

    title: ClassVar = "Roll back"
    about: ClassVar = "Puts a workflow back to an earlier version at once, without approval."
    examples: ClassVar = ("roll back ask-policy", "roll back ask-policy to version 2")
    permissions: ClassVar = (_P.ROLL_BACK,)
    questions: ClassVar = {"workflow": "Which workflow should be rolled back?"}
    command: Literal["roll_back"] = "roll_back"
    kind: Literal["workflow", "prompt", "parameters", "rules"] = "workflow"
    to: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def words(self) -> str:
        """Which workflow and to what."""
        what = self.workflow if self.kind == "workflow" else f"{TOPIC_WORDS[self.kind]} of {self.workflow}"
        return f"Roll {what} back to " + (f"version {self.to}" if self.to else "the version before")

"""Commands about people, stages and cases. Pure."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.governance.command_base import AdminCommand, Grantee, Line, Scope, WorkflowCommand, scope_words
from bot.governance.roles import Permission, Role

_P = Permission


class _RoleCommand(AdminCommand):
    """What a person or user group may do."""

    permissions: ClassVar = (_P.GRANT,)
    questions: ClassVar = {
        "grantee": "Who? Mention the person or the user group.",
        "role": "Which role?",
        "scope": "Over what: which workflow or collection, or everything?",
    }
    verb: ClassVar[str]
    grantee: Grantee
    role: Role
    over: Scope

    @property
    def scope(self) -> str:
        """What the role is held over."""
        return self.over

    def words(self) -> str:
        """Role and scope; who it is for stands beside it as a mention."""
        return f"{self.verb} the role {self.role} over {scope_words(self.over)}"


class GiveRole(_RoleCommand):
    """Give a role."""

    title: ClassVar = "Give a role"
    about: ClassVar = "Lets a person or user group do more, over everything, one workflow or one collection."
    examples: ClassVar = (
        "let <@U0ANA> edit ask-policy",
        "make <@U0ANA> an approver of ask-policy",
        "give <!subteam^S0LEADS|@leads> the editor role on the people handbook",
    )
    verb: ClassVar = "Give"
    command: Literal["grant"] = "grant"


class TakeRole(_RoleCommand):
    """Take a role away."""

    title: ClassVar = "Take a role away"
    about: ClassVar = "Takes a role from a person or user group."
    examples: ClassVar = (
        "stop <@U0ANA> from editing ask-policy",
        "revoke approver from <@U0ANA> on ask-policy",
    )
    verb: ClassVar = "Take away"
    command: Literal["revoke"] = "revoke"


class _Staged(WorkflowCommand):
    """Moves a workflow between stages."""

    permissions: ClassVar = (_P.PROMOTE,)
    questions: ClassVar = {
        "workflow": "Which workflow?",
        "people": "With whom? Mention people or a user group, or give a share such as 20 %.",
    }


class Promote(_Staged):
    """Bring a workflow to everybody."""

    title: ClassVar = "Promote"
    about: ClassVar = "Asks for a workflow to go to production; its readiness card says what is missing."
    examples: ClassVar = ("promote ask-policy",)
    wording: ClassVar = "Promote {workflow}"
    command: Literal["promote"] = "promote"


class Pilot(_Staged):
    """Try a candidate out with a few."""

    title: ClassVar = "Pilot"
    about: ClassVar = "Gives the candidate of a workflow to some people, a user group or a share of runs."
    examples: ClassVar = ("pilot ask-policy with <@U0ANA> and <@U0BEN>", "pilot ask-policy with 20%")
    command: Literal["pilot"] = "pilot"
    people: Annotated[tuple[Grantee, ...], Field(max_length=50)] = ()
    share: Annotated[float, Field(ge=0, le=1)] = 0.0

    def words(self) -> str:
        """The workflow and for whom; people stand beside it as mentions."""
        return f"Pilot {self.workflow}" + (f" with {self._share}" if self.share else "")

    def effect(self) -> str:
        """Who gets what."""
        named = ["the people named above"] if self.people else []
        whom = " and ".join([*named, *([self._share] if self.share else [])])
        return (
            f"From the next run on, {whom} get the candidate of /{self.workflow}; "
            "everybody else keeps production."
        )

    @property
    def _share(self) -> str:
        return f"{self.share:.0%} of {'everybody else' if self.people else 'its people'}"


class Retire(_Staged):
    """Take a workflow away from everybody."""

    title: ClassVar = "Retire"
    about: ClassVar = "Takes a workflow out of use; its runs stay."
    examples: ClassVar = ("retire ask-policy",)
    wording: ClassVar = "Retire {workflow}"
    command: Literal["retire"] = "retire"

    def effect(self) -> str:
        """Who loses what."""
        return f"Nobody runs /{self.workflow} any more; its runs stay, and /spanwise reopen brings it back."


class Evaluate(WorkflowCommand):
    """Run the cases."""

    title: ClassVar = "Evaluate"
    about: ClassVar = "Runs the golden cases of a workflow and says which pass."
    examples: ClassVar = ("evaluate ask-policy", "run the cases of ask-policy")
    permissions: ClassVar = (_P.EVALUATE,)
    questions: ClassVar = {"workflow": "Which workflow should be evaluated?"}
    wording: ClassVar = "Run the golden cases of {workflow}"
    command: Literal["evaluate"] = "evaluate"


class AddCase(WorkflowCommand):
    """Keep a question with what its answer must be."""

    title: ClassVar = "Add a case"
    about: ClassVar = "Keeps a question with what its answer must hold, and tries it with every change."
    examples: ClassVar = (
        "add a case to ask-policy: “How many days can I carry over?” must contain “five days”",
        "add a case to ask-policy: “What is the weather?” must abstain",
    )
    permissions: ClassVar = (_P.EVALUATE,)
    questions: ClassVar = {
        "workflow": "To the cases of which workflow?",
        "question": "What question should the case ask?",
        "expectation": "What must be true of the answer? For example: must contain “five days”, must cite "
        "leave/annual-leave.md, or must abstain.",
    }
    command: Literal["add_case"] = "add_case"
    question: Annotated[str, Field(min_length=1, max_length=4_000)]
    contains: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    cites: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    abstains: bool = False
    outcome: Annotated[str, Field(max_length=80)] = ""

    def effect(self) -> str:
        """What it holds up."""
        return (
            f"Every change of /{self.workflow} is tried on this question too; "
            "one with which it newly fails takes an approver's reason."
        )

    def words(self) -> str:
        """Question and expectation."""
        wanted = [f"must contain “{each}”" for each in self.contains]
        wanted += [f"must cite {each}" for each in self.cites]
        wanted += ["must abstain"] if self.abstains else []
        wanted += [f"must end in {self.outcome}"] if self.outcome else []
        return f"Add a case to {self.workflow}: “{self.question}” {' and '.join(wanted)}"

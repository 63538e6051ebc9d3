"""`decide`: a decision table. The first rule that holds gives the outcome."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from workflows.file_model import FileModel, Name
from workflows.rules import Rule, decide
from workflows.run import Json
from workflows.steps.base import ConditionText, Kind, StepContext, StepDefinition, StepOutcome


class RuleRow(FileModel):
    """One row: `when`, `then`, `because`; or the last one: `otherwise`, `because`."""

    when: ConditionText | None = None
    then: Name | None = None
    otherwise: Name | None = None
    because: str = Field("", max_length=300)

    @model_validator(mode="after")
    def _one_form(self) -> "RuleRow":
        is_rule = self.when is not None and self.then is not None and self.otherwise is None
        is_last = self.otherwise is not None and self.when is None and self.then is None
        if not is_rule and not is_last:
            raise PydanticCustomError("rule", "must have `when` and `then`, or only `otherwise`")
        return self

    @property
    def rule(self) -> Rule:
        """As the table is decided with."""
        return Rule(self.when, self.then or self.otherwise or "", self.because)


class DecideStep(StepDefinition):
    """A decision table."""

    kind: Literal["decide"]
    rules: list[RuleRow] = Field(
        min_length=1, max_length=200, description="First match wins; the last is `otherwise`."
    )

    @field_validator("rules")
    @classmethod
    def _ends_with_otherwise(cls, rows: list[RuleRow]) -> list[RuleRow]:
        if [row.otherwise is not None for row in rows] != [False] * (len(rows) - 1) + [True]:
            raise PydanticCustomError("otherwise", "must end with one `otherwise`, and have it nowhere else")
        return rows

    def model_post_init(self, _: Any) -> None:
        """Build the table once."""
        self._table = tuple(row.rule for row in self.rules)

    _table: tuple[Rule, ...] = ()

    @property
    def table(self) -> tuple[Rule, ...]:
        """The rules, ready to decide with."""
        return self._table

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every outcome it can have, in the order of the table."""
        return tuple(dict.fromkeys(rule.then for rule in self._table))


async def perform(step: DecideStep, context: StepContext) -> StepOutcome:
    """Decide. Raises ConditionFailed."""
    found = decide(step.table, context.scope)
    output: dict[str, Json] = {"outcome": found.outcome, "because": found.because, "rule": found.rule}
    return StepOutcome(output, because=found.because)


def _sample(step: DecideStep) -> Mapping[str, Json]:
    return {"outcome": step.outcomes[0], "because": "text", "rule": 1}


def _words(step: DecideStep) -> str:
    return (
        f"Decides by a table of {len(step.rules)} rules, the first that holds: see the decision table below."
    )


KIND = Kind(DecideStep, perform, _sample, _words)

"""What every part of a workflow file has in common: strictness, and what a name is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name within a file: of a step, an input, a parameter, a field."""


class FileModel(BaseModel):
    """Anything read from a workflow file: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)

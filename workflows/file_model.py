"""What every part of a workflow file has in common: strictness, and what a name is."""

import dataclasses
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name within a file: of a step, an input, a parameter, a field."""


class FileModel(BaseModel):
    """Anything read from a workflow file: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


def checked(made: type) -> Any:
    """The annotation of a part that is a plain dataclass once it is read.

    Its fields' metadata are pydantic's bounds, aliases and descriptions: who only uses it loads no pydantic.
    """
    hints = get_type_hints(made)
    fields: dict[str, Any] = {
        each.name: (hints[each.name], Field(_default(each), **each.metadata))
        for each in dataclasses.fields(made)
    }
    model = create_model(made.__name__, __base__=FileModel, __doc__=made.__doc__, **fields)
    return Annotated[
        model, AfterValidator(lambda found: made(**{name: getattr(found, name) for name in fields}))
    ]


def _default(of: "dataclasses.Field[Any]") -> Any:
    return ... if of.default is dataclasses.MISSING else of.default

"""What people see of a workflow, read without its steps and all that they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from workflows import inputs as settings
from workflows.file_model import FileModel, Name
from workflows.inputs import Input
from workflows.reader import read_yaml
from workflows.run import Json


class FaceFile(FileModel):
    """The beginning of a workflow file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Also its slash command.")
    title: str = Field(min_length=1, max_length=120)
    purpose: str = Field(min_length=1, max_length=1000, description="What it is for, in plain words.")
    visibility: Literal["private", "channel"] = Field(
        "private", description="private: the answer goes to the person; channel: where it was asked."
    )
    examples: list[Annotated[str, Field(max_length=300)]] = Field([], max_length=20)
    inputs: dict[Name, Input] = Field({}, max_length=20)

    def seen(self) -> dict[str, Any]:
        """The fields of a face."""
        return {name: getattr(self, name) for name in FaceFile.model_fields} | {
            "examples": tuple(self.examples)
        }


@dataclass(frozen=True)
class Face:
    """A workflow as whoever asks for it knows it."""

    name: str
    title: str
    purpose: str
    visibility: Literal["private", "channel"]
    examples: tuple[str, ...]
    inputs: Mapping[str, Input]

    @cached_property
    def asked_inputs(self) -> Mapping[str, Input]:
        """The inputs that a person is asked for; the others come from the conversation."""
        return {name: each for name, each in self.inputs.items() if each.source != "earlier"}

    def read_inputs(self, raw: Mapping[str, str]) -> dict[str, Json]:
        """Typed values of every input. Raises InvalidInputs."""
        return settings.read_inputs(self.inputs, raw)


@lru_cache(maxsize=256)
def face_of(text: str) -> Face:
    """Of a file that was checked when it was released. Raises InvalidYaml, pydantic's ValidationError."""
    content = read_yaml(text).value
    known = content if isinstance(content, dict) else {}
    found = FaceFile.model_validate({key: known[key] for key in FaceFile.model_fields if key in known})
    return Face(**found.seen())

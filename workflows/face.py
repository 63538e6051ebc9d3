"""What people see of a workflow, read without its steps and all that they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from workflows import inputs as settings
from workflows.inputs import Input
from workflows.reader import read_yaml
from workflows.run import Json


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
    """Of a file that was checked when it was released. Raises InvalidYaml."""
    content: Any = read_yaml(text).value
    return Face(
        name=content["name"],
        title=content["title"],
        purpose=content["purpose"],
        visibility=content.get("visibility", "private"),
        examples=tuple(content.get("examples", ())),
        inputs={name: _input(each) for name, each in content.get("inputs", {}).items()},
    )


def _input(written: Mapping[str, Any]) -> Input:
    known = {"source" if key == "from" else key: value for key, value in written.items()}
    return Input(**{**known, "choices": tuple(known.get("choices", ()))})

"""What people see of a workflow, read without its steps."""

from dataclasses import fields
from pathlib import Path

import pytest

from workflows.definition import load_workflow
from workflows.face import Face, face_of

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
SHIPPED = sorted(path for path in LIBRARY.glob("*.yaml") if ".cases." not in path.name)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_face_is_the_beginning_of_its_workflow(path: Path) -> None:
    whole, face = load_workflow(path.read_text()), face_of(path.read_text())
    assert {each.name: getattr(face, each.name) for each in fields(Face)} == {
        each.name: getattr(whole, each.name) for each in fields(Face)
    }
    assert face.asked_inputs == whole.asked_inputs

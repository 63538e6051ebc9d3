"""The JSON Schema of workflow files, for editors; `python -m workflows.schema PATH` writes it."""

import json
import sys
from pathlib import Path

from workflows.workflow import WorkflowFile


def schema_text() -> str:
    """The schema as a JSON file."""
    schema = WorkflowFile.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Spanwise workflow"}
    return (
        json.dumps({**head, **{key: each for key, each in schema.items() if key != "title"}}, indent=2) + "\n"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")

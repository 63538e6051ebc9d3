"""Templates people may edit: `{{ name }}` is replaced, nothing else happens, and values are never read again.

Loops and conditions over data belong to `template` steps (workflows/steps/render.py).
"""

import difflib
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from workflows.reader import InvalidYaml, Problem, read_yaml
from workflows.run import Json

MAX_SOURCE = 64 * 1024
MAX_RENDERED = 400_000
"""Characters; a whole pasted thread and twenty passages fit in."""

Reference: TypeAlias = tuple[str, ...]
"""A dotted name taken apart: `inputs.question` is ("inputs", "question")."""

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)[ \t]*\Z")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


class InvalidTemplate(Exception):
    """The text between `{{` and `}}` is not a name."""

    def __init__(self, hole: str, offset: int) -> None:
        super().__init__(
            f"`{hole}` is not a plain name between double braces, like `{{{{ inputs.question }}}}`"
        )
        self.offset = offset
        self.facts = {"template": hole}


class InvalidPrompt(Exception):
    """A prompt file that cannot be used. Carries every problem found."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.facts = {"prompt": name, "problems": str(self)}


class RenderedTooLong(Exception):
    """The values put into a template made it longer than MAX_RENDERED."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"limit": str(MAX_RENDERED)}


@dataclass(frozen=True, slots=True)
class Template:
    """Text with holes, taken apart once."""

    source: str
    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The dotted names in it, in order."""
        return tuple(part for part in self.parts if not isinstance(part, str))

    def render(self, scope: Mapping[str, Json]) -> str:
        """Fill the holes. A name without a value is filled with nothing. Raises RenderedTooLong."""
        pieces = [part if isinstance(part, str) else as_text(look_up(scope, part)) for part in self.parts]
        if sum(map(len, pieces)) > MAX_RENDERED:
            raise RenderedTooLong
        return "".join(pieces)

    def value(self, scope: Mapping[str, Json]) -> Json:
        """The value itself, with its type, where the template is one hole; the rendered text otherwise."""
        if len(self.parts) == 1 and not isinstance(self.parts[0], str):
            return look_up(scope, self.parts[0])
        return self.render(scope)

    def __str__(self) -> str:
        return self.source


def parse_template(source: str) -> Template:
    """Take a template apart. Raises InvalidTemplate."""
    if len(source) > MAX_SOURCE:
        raise InvalidTemplate(f"{source[:20]}...", 0)
    parts: list[str | Reference] = []
    end = 0
    for hole in _HOLE.finditer(source):
        name = _NAME.match(hole[1])
        if name is None:
            raise InvalidTemplate(hole[0][:60], hole.start())
        if hole.start() > end:
            parts.append(source[end : hole.start()])
        parts.append(tuple(name[1].split(".")))
        end = hole.end()
    rest = source[end:]
    if "{{" in rest:
        raise InvalidTemplate(rest[rest.index("{{") :][:60], end + rest.index("{{"))
    return Template(source, (*parts, rest) if rest else tuple(parts))


def look_up(scope: Mapping[str, Json], reference: Reference) -> Json:
    """The value a dotted name stands for; None when there is none."""
    value: Json = scope.get(reference[0])
    for key in reference[1:]:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def as_text(value: Json) -> str:
    """A value as it stands in a text: nothing for null, 5 for 5.0, lists with commas, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(as_text, value))
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A named prompt: what a model is told, with holes for what a step gives it."""

    name: str
    template: Template
    variables: tuple[str, ...]
    """Declared in the front matter, or found in the text where there is none."""
    text: str
    """The file as written."""

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file's text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse_prompt(name: str, text: str) -> PromptTemplate:
    """Read a prompt file: optional front matter `variables: [..]` between `---` lines, then the text.

    Raises InvalidPrompt with every problem.
    """
    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    first = text[: front.end()].count("\n") if front else 0
    try:
        template = parse_template(body.strip())
    except InvalidTemplate as error:
        line = first + body.lstrip()[: error.offset].count("\n") + (len(body) - len(body.lstrip())) + 1
        raise InvalidPrompt(name, (Problem(line, 1, "", str(error)),)) from None
    used = tuple(dict.fromkeys(reference[0] for reference in template.references))
    declared = _declared(name, front[1]) if front else used
    problems = [
        Problem(1, 1, ".".join(reference), f"is not declared in `variables`{nearest(reference[0], declared)}")
        for reference in template.references
        if reference[0] not in declared or len(reference) > 1
    ]
    problems += [Problem(2, 1, f"variables.{each}", "is never used") for each in declared if each not in used]
    if not body.strip():
        problems.append(Problem(1, 1, "", "is empty"))
    if problems:
        raise InvalidPrompt(name, tuple(problems))
    return PromptTemplate(name, template, declared, text)


def _declared(name: str, front: str) -> tuple[str, ...]:
    try:
        document = read_yaml(front)
    except InvalidYaml as error:
        moved = (Problem(each.line + 1, each.column, each.path, each.message) for each in error.problems)
        raise InvalidPrompt(name, tuple(moved)) from None
    value = document.value
    if isinstance(value, dict) and set(value) == {"variables"}:
        names = value["variables"]
        if isinstance(names, list) and all(isinstance(each, str) and _NAME.match(each) for each in names):
            return tuple(map(str, names))
    raise InvalidPrompt(name, (Problem(2, 1, "variables", "must be the only key, with a list of names"),))


def nearest(word: str, known: Collection[str]) -> str:
    """`; did you mean ...?` with the nearest known name, else what there is, else nothing."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if found:
        return f"; did you mean `{found[0]}`?"
    return f"; there is {', '.join(f'`{each}`' for each in sorted(known)[:12])}" if known else ""

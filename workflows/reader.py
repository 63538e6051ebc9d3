"""Strict YAML: text from anyone to plain values, with a place for every value and every problem.

Only mappings, lists, text, numbers, true, false and null; `NO`, dates and `12:30:45` stay text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from workflows.run import Json

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_NODES = 20_000

Path: TypeAlias = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?\Z")
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None, "": None}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file, and where."""

    line: int
    """From 1."""
    column: int
    """From 1."""
    path: str
    """Dotted, e.g. `steps.2.query`; empty for the whole file."""
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class InvalidYaml(Exception):
    """The text is not the YAML we read. Carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.facts = {"problems": str(self)}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document: its value, and where each part of it stands."""

    value: Json
    places: Mapping[Path, tuple[int, int]]
    """Path to line and column: of the key for a mapping's entry, of the value for a list's item."""

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of the path, or of its nearest ancestor that is in the text."""
        for length in range(len(path), 0, -1):
            found = self.places.get(path[:length])
            if found:
                return found
        return (1, 1)

    def problem(self, path: Path, message: str) -> Problem:
        """The problem, placed."""
        line, column = self.place(path)
        return Problem(line, column, ".".join(map(str, path)), message)


def read_yaml(text: str) -> YamlDocument:
    """Read one document. Raises InvalidYaml with every problem, each with its line."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _refusal(text[: error.start], "holds a character that is not valid Unicode") from None
    if size > MAX_BYTES:
        raise InvalidYaml((Problem(1, 1, "", f"is larger than {MAX_BYTES // 1024} KiB"),))
    builder = _Builder(text.splitlines())
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        builder.problems.append(Problem(line, column, "", f"is not YAML: {error.problem or error.context}"))
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes here
        before = text.encode()[: max(error.position, 0)].decode(errors="ignore")
        raise _refusal(before, "holds a control character that YAML does not allow") from None
    except _TooMuch:
        pass
    if not builder.problems and not builder.documents:
        builder.problems.append(Problem(1, 1, "", "is empty"))
    if builder.problems:
        raise InvalidYaml(tuple(sorted(set(builder.problems))))
    return YamlDocument(builder.value, builder.places)


def _refusal(before: str, message: str) -> InvalidYaml:
    line = before.count("\n") + 1
    return InvalidYaml((Problem(line, len(before) - before.rfind("\n"), "", message),))


class _TooMuch(Exception):
    """A limit was passed: nothing after it is read."""


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    path: Path
    line: int
    column: int
    flow: bool
    value: dict[str, Json] | list[Json]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Parser events to values. Keeps going after a problem so that all are reported."""

    lines: list[str]
    problems: list[Problem] = field(default_factory=list)
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    value: Json = None
    documents: int = 0
    nodes: int = 0
    stack: list[_Open] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self.stack.pop()
            if closed.flow:
                self._tidy(event, closed.line)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self._problem(event, "holds more than one document")
            raise _TooMuch
        if event.version or event.tags:
            self._problem(event, "holds a directive (`%`), which is not allowed")

    def _node(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(self.stack) > MAX_DEPTH:
            limit = (
                f"deeper than {MAX_DEPTH} levels" if self.nodes <= MAX_NODES else f"over {MAX_NODES} values"
            )
            self._problem(event, f"is too big: {limit}")
            raise _TooMuch
        if isinstance(event, yaml.AliasEvent):
            self._problem(event, "aliases (`*name`) are not allowed; write the value out")
        elif event.anchor:
            self._problem(event, "anchors (`&name`) are not allowed")
        tag = getattr(event, "tag", None)
        if tag:
            self._problem(event, f"tags (`{tag}`) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(event, {})
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(event, [])
        else:
            self._put(event, None)

    def _open(self, event: yaml.CollectionStartEvent, value: dict[str, Json] | list[Json]) -> None:
        path = self._put(event, value)
        self.stack.append(_Open(path, *_start(event), bool(event.flow_style), value))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        plain = event.style is None or event.style == ""
        text = event.value
        if plain and self.stack and self.stack[-1].flow:
            if text == "-":
                self._problem(event, "a lone `-` means nothing here; quote it")
            if re.match(r"\s*,#", self._after(event)):
                self._problem(event, "a comment needs a space before `#`")
        if event.style in ("'", '"'):
            self._tidy(event, _start(event)[0])
        elif event.style in ("|", ">"):
            self._block(event)
        self._put(event, typed(text) if plain else text, text)

    def _put(self, event: yaml.Event, value: Json, key: str | None = None) -> Path:
        """Place a value in the innermost open collection; its path."""
        line, column = _start(event)
        place = (line + 1, column + 1)
        if not self.stack:
            self.value = value
            self.places[()] = place
            return ()
        parent = self.stack[-1]
        if isinstance(parent.value, list):
            path = (*parent.path, len(parent.value))
            parent.value.append(value)
            self.places[path] = place
        elif parent.key is None:
            path = self._key(event, parent, key, place)
        else:
            path = (*parent.path, parent.key)
            parent.value[parent.key] = value
            parent.key = None
        return path

    def _key(self, event: yaml.Event, parent: _Open, key: str | None, place: tuple[int, int]) -> Path:
        if key is None:
            self._problem(event, "a key must be plain text")
        elif key == "<<":
            self._problem(event, "merge keys (`<<`) are not allowed")
        elif key in parent.value:
            self._problem(event, f"the key `{key}` is there twice")
        parent.key = key or ""
        path = (*parent.path, parent.key)
        self.places.setdefault(path, place)
        return path

    def _tidy(self, event: yaml.Event, first: int) -> None:
        """What the parser lets pass although YAML forbids it: text after quotes and brackets, bad indents."""
        if re.match(r"#|\s*,#", self._after(event)):
            self._problem(event, "a comment needs a space before `#`")
        outer = next((open_.column for open_ in reversed(self.stack) if not open_.flow), -1)
        for number in range(first + 1, _end(event)[0] + 1):
            line = self._line(number)
            if line.strip() and len(line) - len(line.lstrip(" ")) <= outer:
                self.problems.append(Problem(number + 1, 1, self._path(), "must be indented further"))
                return

    def _block(self, event: yaml.ScalarEvent) -> None:
        """A block's leading blank lines may not be indented further than its text."""
        first, column = _start(event)
        header = self._line(first)[column:]
        if re.match(r"[|>][-+0-9]*#", header):
            self._problem(event, "a comment needs a space before `#`")
        blank = 0
        for number in range(first + 1, len(self.lines)):
            line = self.lines[number]
            if line.strip(" "):
                if blank > len(line) - len(line.lstrip(" ")) and not re.match(r"[|>][-+]?[0-9]", header):
                    self.problems.append(
                        Problem(number + 1, 1, self._path(), "is indented less than the blank above")
                    )
                return
            blank = max(blank, len(line))

    def _after(self, event: yaml.Event) -> str:
        """The rest of the line behind the event."""
        line, column = _end(event)
        return self._line(line)[column:]

    def _line(self, number: int) -> str:
        return self.lines[number] if number < len(self.lines) else ""

    def _path(self) -> str:
        return ".".join(map(str, self.stack[-1].path)) if self.stack else ""

    def _problem(self, event: yaml.Event, message: str) -> None:
        line, column = _start(event)
        self.problems.append(Problem(line + 1, column + 1, self._path(), message))


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line, mark.column) if mark else (0, 0)


def _end(event: yaml.Event) -> tuple[int, int]:
    mark = event.end_mark
    return (mark.line, mark.column) if mark else (0, 0)


def typed(text: str) -> Json:
    """A plain scalar as number, true, false, null or, in every other case, text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text

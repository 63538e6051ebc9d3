"""Conditions in CEL and decision tables over them: which rule fired and why. Conditions are never Python."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workflows.cel_library import cel
from workflows.run import Json
from workflows.template import Reference, nearest

MAX_CONDITION = 1000
"""Characters. The evaluator recurses into long sums and would run out of stack at some 10,000."""
MAX_MACROS = 2
"""`exists`, `all` ... in one condition: nested, they multiply."""

# fmt: off
FUNCTIONS = frozenset({
    "size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string", "bool", "has",
    "timestamp", "duration",
})
# fmt: on
_UNREAD = re.compile(
    r"""//[^\n]*
    |(?<!\w)[bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
    |\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""",
    re.VERBOSE | re.DOTALL,
)
"""Comments and strings as CEL reads them: in a raw string a backslash is only a backslash."""
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*(\s*\()?")
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\((?:\s*(\w+)\s*,)?")


class InvalidCondition(Exception):
    """The text is not a condition we accept; the message says what is wrong."""


class ConditionFailed(Exception):
    """A condition could not be decided with the values of this run."""

    def __init__(self, condition: str, why: str) -> None:
        super().__init__(condition, why)
        self.facts = {"condition": condition, "why": why}


@dataclass(frozen=True, slots=True)
class Condition:
    """A CEL expression, compiled once."""

    source: str
    references: tuple[Reference, ...]
    program: cel.Program = field(repr=False, compare=False)

    def holds(self, scope: Mapping[str, Json]) -> bool:
        """Whether it is true of these values. Raises ConditionFailed."""
        return self.decide(cel.Context(variables=self.needed(scope)))

    def needed(self, scope: Mapping[str, Json]) -> dict[str, Json]:
        """Only the values it reads: handing over whole passages would cost more than the decision."""
        values: dict[str, Json] = {}
        for root, *keys in self.references:
            whole = scope.get(root)
            if not keys or not isinstance(whole, dict):
                values[root] = whole
                continue
            part = values.setdefault(root, {})
            if isinstance(part, dict) and part is not whole and keys[0] in whole:
                part[keys[0]] = whole[keys[0]]
        return values

    def decide(self, context: cel.Context) -> bool:
        """Whether it is true in a prepared context. Raises ConditionFailed."""
        try:
            result = self.program.execute(context)
        except KeyError as error:
            raise ConditionFailed(self.source, f"there is no `{error.args[0]}`") from None
        except TypeError:
            raise ConditionFailed(
                self.source, "it compares or computes with values of different kinds"
            ) from None
        except (ValueError, RuntimeError, ArithmeticError, IndexError, OverflowError) as error:
            raise ConditionFailed(self.source, str(error).split(".")[0][:200]) from None
        if not isinstance(result, bool):
            raise ConditionFailed(self.source, "it is neither true nor false")
        return result

    def __str__(self) -> str:
        return self.source


def parse_condition(source: str) -> Condition:
    """Compile a condition. Raises InvalidCondition."""
    if len(source) > MAX_CONDITION:
        raise InvalidCondition(f"is longer than {MAX_CONDITION} characters; move parts into a decide step")
    bare = _UNREAD.sub(lambda found: " " if found[0].startswith("//") else '""', source)
    if len(_MACRO.findall(bare)) > MAX_MACROS:
        raise InvalidCondition(f"uses more than {MAX_MACROS} of `all`, `exists`, `map`, `filter`")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise InvalidCondition(f"is not a condition in CEL: {_reason(str(error))}") from None
    for name in program.functions():
        if name not in FUNCTIONS and name.isidentifier():
            raise InvalidCondition(f"calls `{name}`, which does not exist{nearest(name, FUNCTIONS)}")
    return Condition(source, _references(bare, program), program)


def _reason(error: str) -> str:
    """What the parser minds, without its list of everything it would have liked."""
    found = re.search(r":\d+:(\d+): (?:Syntax error: )?(.*?)(?: expecting .*)?$", error.split("\n")[0])
    return f"{found[2]} at character {found[1]}" if found else "it cannot be read"


def _references(bare: str, program: cel.Program) -> tuple[Reference, ...]:
    """The dotted names read from outside: not methods, not the names that `exists(x, ...)` binds."""
    bound = set(_MACRO.findall(bare))
    roots = set(program.variables()) - bound
    found: dict[Reference, None] = {}
    for match in _NAME.finditer(bare):
        parts = tuple(re.split(r"\s*\.\s*", match[0].rstrip("( \t\n")))
        if match[1]:
            parts = parts[:-1]
        if parts and parts[0] in roots:
            found[parts] = None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a decision table."""

    when: Condition | None
    """None for the last row, `otherwise`."""
    then: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, by which rule and why."""

    outcome: str
    because: str
    rule: int
    """From 1, in the order of the table."""


def decide(rules: Sequence[Rule], scope: Mapping[str, Json]) -> Decision:
    """The first rule that holds. The last must be `otherwise`. Raises ConditionFailed."""
    for number, rule in enumerate(rules, 1):
        if rule.when is None or rule.when.holds(scope):
            because = rule.because or (rule.when.source if rule.when else "No other rule applies.")
            return Decision(rule.then, because, number)
    raise ConditionFailed("otherwise", "no rule applies")


def prepared(scope: Mapping[str, Json]) -> cel.Context:
    """Values handed over once, for `Condition.decide` with many conditions."""
    return cel.Context(variables=dict(scope))

"""`template`: text with loops and conditions over data, in a small, countable part of Jinja.

No calls (but `range`), macros, includes or methods; attributes are keys of mappings; every turn of a loop
is counted and everything that can grow is measured, so a template of any shape ends soon. Counting turns,
not seconds, makes the limit the same on every machine.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Annotated, Any, Literal

from jinja2 import Template as Compiled
from jinja2 import TemplateError, Undefined, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from workflows.run import Json
from workflows.steps.base import Kind, StepContext, StepDefinition, StepFailed, StepOutcome
from workflows.template import Reference, nearest

MAX_SOURCE = 20_000
MAX_OUTPUT = 100_000
MAX_TURNS = 10_000
MAX_RANGE = 1_000
MAX_FILTERED = 200_000
"""Items that all filters of one rendering may look at; a hundred characters of a text count as one."""
_LEFT: ContextVar[list[int] | None] = ContextVar("left", default=None)

# fmt: off
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.Name,
    nodes.Const, nodes.List, nodes.Dict, nodes.Pair, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.Filter, nodes.Test, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Mul,
    nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.And, nodes.Or, nodes.Not,
    nodes.Concat,
)
_FILTERS = (
    "abs", "capitalize", "count", "default", "d", "dictsort", "first", "float", "int", "last", "length",
    "list", "lower", "map", "max", "min", "reject", "rejectattr", "round", "select", "selectattr",
    "sort", "sum", "title", "trim", "truncate", "unique", "upper", "wordcount",
)
_TESTS = (
    "defined", "undefined", "none", "string", "number", "mapping", "sequence", "boolean", "true",
    "false", "in", "eq", "ne", "lt", "le", "gt", "ge", "even", "odd",
)
# fmt: on


class TemplateTooMuch(StepFailed):
    """A template went over a limit: turns of its loops or size of its text."""


class TemplateFailed(StepFailed):
    """A template could not be rendered with the values of this run."""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja with data only."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in ("index", "index0", "first", "last", "length"):
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (LookupError, TypeError, ValueError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator != "+" and not (_is_number(left) and _is_number(right)):
            raise TemplateFailed(why=f"`{operator}` needs two numbers")
        return _measured(super().call_binop(context, operator, left, right))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measured(value: Any) -> Any:
    """The value, if it is not too big."""
    if isinstance(value, str | list | tuple | dict) and len(value) > MAX_OUTPUT:
        raise TemplateTooMuch(limit=str(MAX_OUTPUT))
    if _is_number(value) and abs(value) > 1e18:
        raise TemplateTooMuch(limit="1e18")
    return value


def _limited(own: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose input is counted and whose result is measured. Jinja's marks on it are kept."""

    def limited(*args: Any, **kwargs: Any) -> Any:
        # a test with a list, such as `in`, looks at all of it for each item
        _spend(math.prod(max(1, _items(each)) for each in (*args, *kwargs.values())))
        found = own(*args, **kwargs)
        return _measured(list(found) if isinstance(found, Iterator) else found)

    limited.__dict__.update(getattr(own, "__dict__", {}))
    return limited


def _items(value: Any) -> int:
    if isinstance(value, list | tuple | dict | range):
        return len(value)
    return len(value) // 100 if isinstance(value, str) else 1


def _spend(items: int) -> None:
    left = _LEFT.get()
    if left is not None:
        left[0] -= items
        if left[0] < 0:
            raise TemplateTooMuch(limit=f"{MAX_FILTERED} items")


def _replace(value: Any, old: str, new: str) -> str:
    """`replace`, measured before it is done."""
    text = str(value)
    _measured(range(0) if not old else "")
    if len(text) + text.count(old) * len(new) > MAX_OUTPUT:
        raise TemplateTooMuch(limit=str(MAX_OUTPUT))
    return text.replace(old, new)


def _join(value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    """`join`, measured before it is done."""
    parts = [
        str(each.get(attribute, "") if attribute and isinstance(each, Mapping) else each) for each in value
    ]
    if sum(map(len, parts)) + len(parts) * len(d) > MAX_OUTPUT:
        raise TemplateTooMuch(limit=str(MAX_OUTPUT))
    return d.join(parts)


def _concat(*parts: Any) -> str:
    """What `~` does, measured."""
    texts = [str(_plain(part)) for part in parts]
    if sum(map(len, texts)) > MAX_OUTPUT:
        raise TemplateTooMuch(limit=str(MAX_OUTPUT))
    return "".join(texts)


def _plain(value: Any) -> Any:
    """A value as text shows it: null is nothing, yes and no as in the file."""
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else value


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > MAX_RANGE:
        raise TemplateTooMuch(limit=str(MAX_RANGE))
    return found


def _environment() -> _Environment:
    found = _Environment(autoescape=False, undefined=Undefined, finalize=_plain)
    own = found.filters
    known = {name: own[name] for name in _FILTERS} | {"replace": _replace, "join": _join}
    found.filters = {name: _limited(each) for name, each in known.items()}
    found.tests = {name: found.tests[name] for name in _TESTS}
    found.globals = {"range": _range, "concat_": _concat}
    return found


_ENVIRONMENT = _environment()


class Layout:
    """A template of a step, checked and compiled once."""

    def __init__(self, source: str) -> None:
        tree = _ENVIRONMENT.parse(source)
        problem = next(filter(None, map(_unwanted, tree.find_all(nodes.Node))), "")
        if problem:
            raise ValueError(problem)
        self.source = source
        self.references = tuple(dict.fromkeys(_references(tree)))
        self._compiled: Compiled = _ENVIRONMENT.from_string(_counted(tree))

    def render(self, scope: Mapping[str, Json]) -> str:
        """Fill in. Raises TemplateTooMuch, TemplateFailed."""
        turns = iter(range(MAX_TURNS))

        def turn_() -> str:
            if next(turns, None) is None:
                raise TemplateTooMuch(limit=f"{MAX_TURNS} turns")
            return ""

        size, pieces = 0, []
        values = {root: scope.get(root) for root, *_ in self.references}
        left = _LEFT.set([MAX_FILTERED])
        try:
            for piece in self._compiled.generate(**values, turn_=turn_):
                size += len(piece)
                if size > MAX_OUTPUT:
                    raise TemplateTooMuch(limit=str(MAX_OUTPUT))
                pieces.append(piece)
        except (TemplateError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
            raise TemplateFailed(why=str(error)[:200]) from None
        finally:
            _LEFT.reset(left)
        return "".join(pieces).strip()

    def __str__(self) -> str:
        return self.source


def _unwanted(node: nodes.Node) -> str:
    """Why a node may not be used; "" when it may."""
    where = f" (line {node.lineno} of the template)"
    if isinstance(node, nodes.Call):
        is_range = isinstance(node.node, nodes.Name) and node.node.name == "range"
        return "" if is_range else f"nothing may be called but `range`{where}"
    if isinstance(node, nodes.For) and node.recursive:
        return f"loops may not be recursive{where}"
    if isinstance(node, nodes.Filter) and node.name not in _ENVIRONMENT.filters:
        return f"there is no filter `{node.name}`{nearest(node.name, _ENVIRONMENT.filters)}{where}"
    if isinstance(node, nodes.Test) and node.name not in _ENVIRONMENT.tests:
        return f"there is no test `{node.name}`{nearest(node.name, _ENVIRONMENT.tests)}{where}"
    if isinstance(node, nodes.Name) and node.name.endswith("_"):
        return f"names may not end with an underscore{where}"
    allowed = isinstance(node, (*_NODES, nodes.Helper, nodes.Keyword))
    return "" if allowed else f"`{type(node).__name__.lower()}` is not allowed{where}"


def _counted(tree: nodes.Template) -> nodes.Template:
    """The tree with a count in every loop and a measure on every `~`."""
    for loop in tree.find_all(nodes.For):
        loop.body.insert(0, nodes.Output([_turn()]))
        if loop.test is not None:
            loop.test = nodes.And(nodes.Not(_turn()), loop.test)
    for node in list(tree.find_all(nodes.Node)):
        for name, value in list(node.iter_fields()):
            if isinstance(value, nodes.Concat):
                setattr(node, name, _concat_call(value))
            elif isinstance(value, list):
                value[:] = [_concat_call(each) if isinstance(each, nodes.Concat) else each for each in value]
    tree.set_lineno(1)
    return tree


def _turn() -> nodes.Call:
    return nodes.Call(nodes.Name("turn_", "load"), [], [], None, None)


def _concat_call(node: nodes.Concat) -> nodes.Call:
    return nodes.Call(nodes.Name("concat_", "load"), node.nodes, [], None, None)


def _references(tree: nodes.Template) -> Iterator[Reference]:
    """Dotted names from outside the template."""
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"} | {"range", "loop"}
    inner = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        if id(node) in inner:
            continue
        keys: list[str] = []
        while isinstance(node, nodes.Getattr):
            keys.insert(0, node.attr)
            node = node.node
        if isinstance(node, nodes.Name) and node.name not in own:
            yield (node.name, *keys)


def _layout(value: object) -> Layout:
    if not isinstance(value, str):
        raise PydanticCustomError("text_wanted", "must be text")
    if len(value) > MAX_SOURCE:
        raise PydanticCustomError("template", "is longer than 20000 characters")
    try:
        return Layout(value)
    except TemplateError as error:
        raise PydanticCustomError("template", "{why}", {"why": f"cannot be read: {error}"}) from None
    except (ValueError, RecursionError) as error:
        raise PydanticCustomError("template", "{why}", {"why": str(error)[:300]}) from None


class TemplateStep(StepDefinition):
    """Writes text from data, with loops and conditions."""

    kind: Literal["template"]
    text: Annotated[
        Layout,
        PlainValidator(_layout),
        WithJsonSchema(
            {"type": "string", "description": "Jinja: {{ values }}, {% for %}, {% if %}, filters."}
        ),
    ]

    def plain_names(self) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
        """The names the template reads."""
        return ((("text",), reference) for reference in self.text.references)


async def perform(step: TemplateStep, context: StepContext) -> StepOutcome:
    """Render. Raises TemplateTooMuch, TemplateFailed."""
    return StepOutcome({"text": step.text.render(context.scope)})


def _sample(_: TemplateStep) -> Mapping[str, Json]:
    return {"text": "text"}


def _words(_: TemplateStep) -> str:
    return "Writes a text from what the steps before it found, with no model."


KIND = Kind(TemplateStep, perform, _sample, _words)

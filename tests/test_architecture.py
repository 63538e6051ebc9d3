"""The map of ARCHITECTURE.md, checked: import direction, owners of libraries, unique names, size."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "knowledge", "workflows")

LAYERS = {
    "knowledge": 0,
    "workflows": 1,
    "bot.governance": 2,
    "bot.quality": 2,
    "bot.adapters": 3,
    "bot.services": 4,
    "bot.slack": 5,
    "bot": 6,
}
"""A module may import its own layer and lower ones. bot.workspace stands apart: it imports nothing of bot."""

OWNERS = {
    "sqlalchemy": {"bot/adapters/store", "bot/services"},
    "alembic": {"bot/adapters/store"},
    "litellm": {"bot/adapters/provider_call.py", "bot/adapters/embedded/provider.py"},
    "chromadb": {"knowledge/chroma_client.py"},
    "bm25s": {"knowledge/lexical.py", "knowledge/index.py"},
    "onnxruntime": {"knowledge/embedding.py"},
    "tokenizers": {"knowledge/embedding.py"},
    "markitdown": {"knowledge/loaders.py", "knowledge/conversion.py"},
    "openpyxl": {"knowledge/conversion.py"},
    "slack_bolt": {"bot/slack"},
    "slack_sdk": {"bot/slack"},
    "jinja2": {"workflows/steps/render.py"},
    "cel": {"workflows/cel_library.py"},
    "yaml": {"workflows/reader.py"},
    "aiohttp": {"bot/workspace", "bot/slack", "bot/adapters"},
    "typer": {"bot/cli"},
    "rich": {"bot/cli"},
    "apscheduler": {"bot/jobs.py"},
    "cryptography": {"bot/adapters/audit_key.py"},
    "procrastinate": {"bot/adapters/queue"},
    "pydantic_settings": {"bot/settings_reading.py"},
    "jsonschema": {"bot/workspace", "workflows/steps"},
    "opentelemetry": {"bot/adapters/telemetry.py"},
    "prometheus_client": {"bot/adapters/metrics.py"},
    "mermaidx": {"bot/adapters/diagrams.py"},
    "matplotlib": {"bot/adapters/chart_sheet.py", "bot/adapters/chart_look.py"},
}
"""Outside library to the only places that import it."""


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative import"
            yield node.module


def layer(name: str) -> int | None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        found = LAYERS.get(".".join(parts[:length]))
        if found is not None:
            return found
    return None


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = dotted(path)
    for name in imports(ast.parse(path.read_text())):
        if name.split(".")[0] not in PACKAGES:
            continue
        if own.startswith("bot.workspace"):
            assert name.startswith("bot.workspace"), f"{own} imports {name}"
            continue
        if name.startswith("bot.workspace"):
            assert layer(own) == LAYERS["bot"], f"{own} imports {name}"
            continue
        target, mine = layer(name), layer(own)
        assert target is not None
        assert mine is not None
        assert target <= mine, f"{own} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_owner(path: Path) -> None:
    own = str(path.relative_to(ROOT))
    for name in imports(ast.parse(path.read_text())):
        owners = OWNERS.get(name.split(".")[0])
        if owners is not None:
            assert any(own == owner or own.startswith(f"{owner}/") for owner in owners), f"{own}: {name}"


def test_file_names_are_unique() -> None:
    places = defaultdict(list)
    for path in modules():
        if path.name not in ("__init__.py", "__main__.py") and "migrations" not in path.parts:
            places[path.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_size(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations" not in path.parts:
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is too long"


def test_every_owner_exists() -> None:
    used = {name.split(".")[0] for path in modules() for name in imports(ast.parse(path.read_text()))}
    assert set(OWNERS) - used == set()


def test_importing_needs_nothing() -> None:
    """No import starts a thread, opens a connection or loads a heavy library: a child tries them all."""
    import subprocess
    import sys

    names = [
        dotted(path).removesuffix(".__init__")
        for path in modules()
        if path.name != "__main__.py" and "migrations" not in path.parts
    ]
    script = (
        "import importlib, socket, threading\n"
        "def refuse(*a, **k): raise SystemExit('an import opened a connection')\n"
        "socket.socket.connect = refuse\n"
        f"[importlib.import_module(name) for name in {names!r}]\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "import sys\n"
        "heavy = {'litellm', 'chromadb', 'matplotlib', 'mermaidx', 'onnxruntime', 'markitdown'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr

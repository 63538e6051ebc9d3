"""Reference pages made from the code, so that they cannot drift: `make docs` writes them, a test compares."""

import inspect
import re
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path

from pydantic import BaseModel

from bot.governance.admin_commands import COMMANDS
from bot.governance.matrix import rows
from bot.governance.roles import ROLES, Permission, Role
from bot.settings import Secret, Settings
from workflows.cases import load_cases
from workflows.definition import load_workflow
from workflows.explanation import explain_workflow
from workflows.schema import schema_text
from workflows.steps import KINDS
from workflows.steps.base import StepDefinition

MADE = "<!-- Made by `make docs` from the code; edit the code instead. -->\n\n"
LIBRARY = Path(__file__).parent.parent / "workflows" / "library"


def settings_page() -> str:
    """Every setting with its default and what it does."""
    lines = ["# Settings", "", "From the environment, else from `.env` in the working folder.", ""]
    lines += ["| Name | Default | What it does |", "|---|---|---|"]
    for each in fields(Settings):
        shown = "" if each.default in (None, "", (), Secret("")) else f"`{each.default}`"
        lines.append(f"| `{each.metadata['alias']}` | {shown} | {each.metadata['description']} |")
    return MADE + "\n".join(lines) + "\n"


def roles_page() -> str:
    """Roles against permissions."""
    permissions = list(Permission)
    lines = ["# Roles and permissions", ""]
    lines += [
        "What is not ticked is refused. A grant gives a role to a person, a Slack user group or `everyone`,",
        "",
    ]
    lines[-1:] = [
        "over everything, one workflow (`workflow:<name>`) or one collection (`collection:<name>`).",
        "",
    ]
    lines += ["| Role | " + " | ".join(f"`{permission}`" for permission in permissions) + " |"]
    lines += ["|---" * (len(permissions) + 1) + "|"]
    for role, held in ROLES.items():
        lines.append(f"| {role} | " + " | ".join("yes" if p in held else "" for p in permissions) + " |")
    lines += ["", "## What each permission is", "", *_meanings(permissions), "", *matrix_lines()]
    return MADE + "\n".join(lines) + "\n"


def _meanings(permissions: Collection[Permission]) -> list[str]:
    """The words beside each permission in the code."""
    text = inspect.getsource(Permission)
    said = dict(re.findall(r'= "([a-z-]+)"\n    """(.+?)"""', text))
    return [f"- `{each}`: {said[each.value]}" for each in permissions]


def matrix_lines() -> list[str]:
    """What people can do, by whom and where."""
    head = ["What", "Over", *(role.value for role in Role), "Ways in", "Besides"]
    return [
        "## What people can do, and where",
        "",
        "A sentence is a mention, a direct message, a reply in a thread, or typed after `/spanwise`. Guests,",
        "bots, deactivated accounts and people of other workspaces can do none of it. What is not in this",
        "table is refused.",
        "",
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
        *("| " + " | ".join(row) + " |" for row in rows()),
    ]


ADMIN_INTRO = """# Changing things by saying so

Say it to the bot in a direct message, mention it in a channel (`@Spanwise ...`), or type it after
`/spanwise`. Nothing changes by being said: the bot answers with what it understood, word for word what
would change, and the effect in a sentence. Only you can press *Confirm* there, and your right is looked
at again when you do. What needs an approval then becomes a change request; its link stands in the same
message.

- **A piece is missing, or fits two things.** The bot asks. Choose from the menu, or reply in the thread;
  only your reply counts. “cancel” lets go of it, and so does a day without an answer.
- **Quotation marks and what follows a colon** are your text and never a command.
- **Edit** opens the form with the proposed text in it: [editing.md](editing.md).
- **A question stays a question.** A sentence counts as a command only when what it names exists here, so
  employees' questions go to their workflows. When you lack the right, only you are told, and whom to ask.
- **People are meant by mention**: type `@` and choose the person or user group.
- **With a writing model** behind the alias `default`, an instruction to a prompt is carried out by that
  model, and an order in unusual words is read by it. It only proposes: the result is checked, shown, and
  waits for your click. Without one, instructions are added to the prompt as a list, under “Additional
  instructions:”.
- `/spanwise help` lists what *you* may say.
- **Draft knowledge**, in the menu of any message, turns its thread into a document for you to read
  through and propose, without the names of those who wrote.

"""


def admin_page() -> str:
    """Every command of an admin with what it does, whom it is for, and how to say it."""
    lines = []
    for command in COMMANDS.values():
        lines += [f"## {command.title}", "", command.about, ""]
        lines += [f"- `{_sayable(example)}`" for example in command.examples]
        rights = " or ".join(f"`{each}`" for each in command.permissions)
        lines += ["", f"Needs {rights}: see [roles.md](roles.md)." if rights else "For everybody.", ""]
    return MADE + ADMIN_INTRO + "\n".join(lines).rstrip() + "\n"


def _sayable(example: str) -> str:
    return re.sub(r"<@U0(\w+)>", lambda found: f"@{found[1].lower()}", example).replace(
        "<!subteam^S0LEADS|@leads>", "@leads"
    )


def steps_page() -> str:
    """Every step kind with its fields."""
    lines = ["# Step kinds", "", "How they fit together: [workflow-files.md](workflow-files.md).", ""]
    lines += ["## Fields of every step", "", *_fields(StepDefinition, ())]
    for name, kind in KINDS.items():
        own = [field for field in kind.definition.model_fields if field not in StepDefinition.model_fields]
        lines += ["", f"### `{name}`", "", (kind.definition.__doc__ or "").strip(), ""]
        lines += _fields(kind.definition, own)
    return MADE + "\n".join(lines) + "\n"


def workflow_page(path: Path) -> str:
    """One shipped workflow, explained on a page."""
    workflow = load_workflow(path.read_text(encoding="utf-8"), source=path.name)
    cases = load_cases(path.with_suffix(".cases.yaml").read_text(encoding="utf-8"))
    return MADE + explain_workflow(workflow, cases)


def _fields(definition: type[BaseModel], names: Collection[str]) -> list[str]:
    rows = ["| Field | Needed | What it is |", "|---|---|---|"]
    for name, field in definition.model_fields.items():
        if name == "kind" or (names and name not in names):
            continue
        needed = "yes" if field.is_required() else ""
        rows.append(f"| `{field.alias or name}` | {needed} | {field.description or ''} |")
    return rows


def pages() -> dict[str, str]:
    """Path below the repository to content, for every generated page."""
    made = {
        "docs/settings.md": settings_page(),
        "docs/roles.md": roles_page(),
        "docs/admin.md": admin_page(),
        "docs/step-kinds.md": steps_page(),
        "docs/schema/workflow.json": schema_text(),
    }
    for path in sorted(LIBRARY.glob("*.yaml")):
        if not path.name.endswith(".cases.yaml"):
            made[f"docs/workflows/{path.stem}.md"] = workflow_page(path)
    return made


def write(root: Path) -> int:
    """Bring the pages under `root` up to date; returns how many changed."""
    changed = 0
    for name, text in pages().items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed += 1
    return changed

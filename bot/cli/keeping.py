"""What an operator keeps in order: knowledge, workflows, grants."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.bootstrap import Product, build
from bot.cli import console
from bot.cli.known_names import see_collection, see_scope
from bot.cli.workflow_files import read_files, refuse_unmet
from bot.governance.roles import EVERYONE, EVERYTHING, Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.intake import Added, AddingStopped
from bot.services.known_questions import calibrate, read_questions
from bot.settings_reading import read_settings
from bot.slack.stage_text import stage_words
from knowledge.calibrating import Trial
from knowledge.support import AS_SHIPPED
from workflows.cases import load_cases

knowledge = typer.Typer(
    help="What the organisation knows: add, list, remove, reindex, calibrate.", no_args_is_help=True
)
workflow = typer.Typer(help="Workflow files: check, add, list.", no_args_is_help=True)

THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
"""Support that a workflow may ask for, around what the shipped ones do."""

INTERRUPTED = 130
"""How a command ends that Ctrl-C stopped, as shells count it."""

Collection = Annotated[str, typer.Option("--collection", "-c", help="Name of the collection.")]


def is_scope(value: str) -> str:
    """What a role may be held over; anything else would be a grant of nothing."""
    if not re.fullmatch(r"\*|(workflow|collection):[a-z][a-z0-9-]*", value):
        raise typer.BadParameter("should be `*`, `workflow:<name>` or `collection:<name>`")
    return value


def is_grantee(value: str) -> str:
    """Whom Slack knows; a name that it does not know would be a grant to nobody."""
    if value != EVERYONE and not re.fullmatch(r"[UWS][A-Z0-9]{2,}", value):
        raise typer.BadParameter(f"“{value}” should be a Slack user id, a user group id, or `everyone`")
    return value


def given_path(value: str) -> Path:
    """A path as typed; one that is empty would be the current folder."""
    if not value.strip():
        raise typer.BadParameter("is empty: name a folder or a file, `.` for the current folder")
    return Path(value)


def are_readers(value: str | None) -> str | None:
    """Ids with commas, or `everyone` alone; a variable that is unset must not mean everyone."""
    if value is None:
        return None
    named = [part.strip() for part in value.split(",") if part.strip()]
    if not named:
        raise typer.BadParameter("names nobody: give `everyone`, or ids of people and groups with commas")
    if EVERYONE not in map(str.lower, named):
        return ",".join(map(is_grantee, named))
    if len(named) > 1:
        raise typer.BadParameter("should be `everyone` alone, or ids of people and groups with commas")
    return EVERYONE


Grantee = Annotated[
    str,
    typer.Argument(help="A Slack user id, a user group id, or `everyone`.", callback=is_grantee),
]
Scope = Annotated[str, typer.Option(help="`*`, `workflow:<name>` or `collection:<name>`.", callback=is_scope)]


def act(work: Callable[[Product], Awaitable[bool]]) -> None:
    """Build the product, do one piece of work, and end with 1 when it did not succeed."""

    async def whole() -> bool:
        product = build(read_settings())
        try:
            return await work(product)
        finally:
            await product.close()

    with console.refusing():
        done = asyncio.run(whole())
    if not done:
        raise typer.Exit(1)


@knowledge.command("add")
def add_knowledge(
    path: Annotated[Path, typer.Argument(help="A folder or a file.", parser=given_path)],
    collection: Collection,
    owner: Annotated[str, typer.Option(help="Who answers for documents that name nobody.")] = "",
    readers: Annotated[
        str | None,
        typer.Option(
            help="Who may read it: `everyone`, or ids of people and groups with commas.", callback=are_readers
        ),
    ] = None,
) -> None:
    """Bring a collection up to date with a folder or file; unchanged files are left as they are."""

    async def work(product: Product) -> bool:
        audience = readers.split(",") if readers else None
        try:
            with console.progress_bar(f"Adding to {collection}") as follow:
                added = await product.holdings.add(
                    path, collection, owner=owner, audience=audience, by=OPERATOR, on_progress=follow
                )
        except AddingStopped as stopped:
            show_added(stopped.added)
            console.refuse(stopped)
            raise typer.Exit(INTERRUPTED) from None
        show_added(added)
        return not added.refused

    act(work)


def show_added(added: Added) -> None:
    """How many files were taken, and each that was not with its reason."""
    console.out.print(
        f"{len(added.added)} added, {len(added.changed)} changed, {len(added.unchanged)} unchanged, "
        f"{len(added.removed)} removed, {len(added.refused)} refused"
    )
    for refused in added.refused:
        console.err.print(f"{refused.path}: ", style="red", end="", markup=False)
        console.refuse_kind(refused.why, refused.facts)


@knowledge.command("list")
def list_knowledge(
    collection: Annotated[str, typer.Argument(help="Name of a collection; none lists them all.")] = "",
) -> None:
    """List the collections, or the documents of one."""

    async def work(product: Product) -> bool:
        if collection:
            await see_collection(product, collection)
            documents = await product.holdings.documents(collection)
            rows = [
                (item.path, item.title, f"v{item.version}", item.owner, f"{item.updated_at:%Y-%m-%d}")
                for item in documents
            ]
            console.table(("Path", "Title", "Version", "Owner", "Updated"), rows)
        else:
            found = await product.holdings.collections()
            console.table(
                ("Collection", "Revision", "Readers", "Support"),
                [
                    (
                        row.name,
                        str(row.revision),
                        ", ".join(row.audience),
                        "as shipped" if row.calibration == AS_SHIPPED else "calibrated",
                    )
                    for row in found
                ],
            )
        return True

    act(work)


@knowledge.command("remove")
def remove_knowledge(
    path: Annotated[str, typer.Argument(help="As `knowledge list` shows it.", show_default=False)] = "",
    *,
    collection: Collection,
    everything: Annotated[bool, typer.Option("--all", help="Every document of the collection.")] = False,
) -> None:
    """Take a document out of a collection, or all of them."""
    if bool(path) == everything:
        raise typer.BadParameter("name one document, or say --all")

    async def work(product: Product) -> bool:
        await see_collection(product, collection)
        if everything:
            count = await product.holdings.empty(collection, by=OPERATOR)
            console.out.print(f"{count} removed; {collection} holds nothing now")
            return True
        revision = await product.holdings.remove(collection, path, by=OPERATOR)
        console.out.print(f"{collection} is at revision {revision}")
        return True

    act(work)


@knowledge.command("reindex")
def reindex() -> None:
    """Build every index again from the database."""

    async def work(product: Product) -> bool:
        with console.progress_bar("Reindexing"):
            names = await product.holdings.reindex()
        console.out.print(f"Rebuilt: {', '.join(names) or 'nothing to rebuild'}")
        return True

    act(work)


@knowledge.command("calibrate")
def calibrate_knowledge(
    questions: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help='A line each: {"question": "...", "answerable": true or false}'
        ),
    ] = None,
    *,
    collection: Collection,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would bring, keep nothing.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Have it as shipped again.")] = False,
) -> None:
    """Fit the support to some dozens of questions, with how it does on those that it was not fitted to."""
    if reset is (questions is not None):
        raise typer.BadParameter("should be a file of questions, or --reset")

    async def work(product: Product) -> bool:
        if questions is None:
            await product.holdings.set_calibration(collection, AS_SHIPPED, facts={}, by=OPERATOR)
            console.out.print(f"The support of {collection} is as shipped")
            return True
        known = read_questions(questions.read_bytes())
        with console.progress_bar(f"Asking {collection}") as follow:
            trial = await calibrate(
                product.holdings, collection, known, by=OPERATOR, keep=not dry_run, on_progress=follow
            )
        show_trial(trial, collection, is_kept=trial.helps and not dry_run)
        return True

    act(work)


def show_trial(trial: Trial, collection: str, *, is_kept: bool) -> None:
    """What is answered from each support on, before and after."""
    rows = []
    for threshold in THRESHOLDS:
        right, wrong = (trial.let_through(threshold, answered=kind) for kind in (True, False))
        rows.append((f"{threshold:.0%}", "{} -> {}".format(*right), "{} -> {}".format(*wrong)))
    yes = sum(trial.answered)
    no = len(trial.answered) - yes
    console.table(("Support", f"Of {yes} covered", f"Of {no} not covered"), rows)
    before, after = trial.surprise
    said = "kept" if is_kept else "kept nothing" if trial.helps else "not clearly better, kept nothing"
    console.out.print(f"Log loss {before:.2f} -> {after:.2f} ({collection}): {said}")


@workflow.command("check")
def check(file: Annotated[Path, typer.Argument(help="A workflow file.")]) -> None:
    """Report every problem of a workflow file, and of the prompts and cases beside it, with its line."""
    cases = read_files(file).cases
    console.out.print(
        f"{file.name} is in order" + (f", with {len(load_cases(cases))} cases" if cases else "")
    )


@workflow.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A workflow file; its prompts stand in prompts/.")],
    candidate: Annotated[
        bool, typer.Option("--candidate", help="Keep it to be piloted: what is new becomes a draft.")
    ] = False,
) -> None:
    """Check a workflow file and release it: its slash command comes with the next manifest."""
    files = read_files(file)
    name, contents, cases = files.workflow.name, files.contents, files.cases

    async def work(product: Product) -> bool:
        await refuse_unmet(product, file, contents, CANDIDATE if candidate else PRODUCTION)
        if candidate:
            standing = await product.stages.draft(Actor(OPERATOR), contents)
            console.out.print(f"{name}: kept as the candidate; it is {stage_words(standing.stage.value)}")
        else:
            moved = await product.catalogue.add(Actor(OPERATOR), contents)
            console.out.print(f"{name}: {'released' if moved else 'nothing changed'}")
        if cases:
            count = await product.golden.keep_file(Actor(OPERATOR), name, cases)
            console.out.print(f"{name}: held to {count} cases; try them with python -m bot evaluate {name}")
        return True

    act(work)


@workflow.command("list")
def list_workflows() -> None:
    """List the released workflows."""

    async def work(product: Product) -> bool:
        rows = [
            (f"/{item.name}", f"v{item.version}", item.title) for item in await product.catalogue.released()
        ]
        console.table(("Command", "Version", "Title"), rows)
        return True

    act(work)


def grant(
    grantee: Grantee,
    role: Role,
    scope: Scope = EVERYTHING,
) -> None:
    """Give a role."""

    async def work(product: Product) -> bool:
        # a role over what is not there would be a role over nothing
        await see_scope(product, scope)
        given = await product.access.grant(Actor(OPERATOR), grantee, role, scope)
        console.out.print(f"{grantee} is {role.value} of {scope}" + ("" if given else " already"))
        return True

    act(work)


def revoke(grantee: Grantee, role: Role, scope: Scope = EVERYTHING) -> None:
    """Take a role away."""

    async def work(product: Product) -> bool:
        taken = await product.access.revoke(Actor(OPERATOR), grantee, role, scope)
        console.out.print(f"{grantee} {'is no longer' if taken else 'was not'} {role.value} of {scope}")
        return True

    act(work)


def grants() -> None:
    """List who holds which role."""

    async def work(product: Product) -> bool:
        held = await product.store.read(product.access.grants)
        rows = [(item.grantee, item.role.value, item.scope, item.granted_by) for item in held]
        console.table(("Who", "Role", "Over", "Given by"), rows)
        return True

    act(work)

"""Looking without changing: doctor, settings, manifest, and the pages made from the code."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from bot import reference
from bot.bootstrap import build, library
from bot.cli import console
from bot.doctor import examine
from bot.settings_reading import describe, read_settings
from bot.slack import manifest as app_manifest


def doctor() -> None:
    """Check tokens, scopes, database, index, models and clock, and say how to fix each."""
    with console.refusing():
        findings = asyncio.run(examine(read_settings()))
    for finding in findings:
        mark, style = ("ok", "green") if finding.is_ok else ("--", "red")
        console.out.print(f"{mark} {finding.name}: {finding.detail}", style=style, markup=False)
        if finding.fix:
            console.out.print(f"     {finding.fix}", markup=False)
    if not all(finding.is_ok for finding in findings):
        raise typer.Exit(1)


def settings() -> None:
    """Show every setting with where it comes from; secrets are hidden."""
    with console.refusing():
        rows = describe()
    console.table(("Setting", "Value", "From", "What it does"), rows)


def manifest(
    url: Annotated[
        str, typer.Option(help="Public address of this bot, for signed HTTP; left out, Socket Mode.")
    ] = "",
) -> None:
    """Print the app manifest for Slack, with one command a released workflow."""

    async def released() -> dict[str, object]:
        product = build(read_settings())
        try:
            if not await product.catalogue.released():
                await product.catalogue.seed(library())
            everything = await product.catalogue.released()
        finally:
            await product.close()
        for name in app_manifest.left_out(everything):
            console.err.print(f"/{name} has no command of its own: use /spanwise run {name}", style="yellow")
        return app_manifest.build(everything, url=url)

    with console.refusing():
        made = asyncio.run(released())
    for problem in app_manifest.problems(made):
        console.err.print(problem, style="red", markup=False)
    typer.echo(json.dumps(made, indent=2, ensure_ascii=False))


def docs(
    root: Annotated[Path, typer.Argument(help="The repository.")] = Path(),
) -> None:
    """Write the reference pages that are made from the code."""
    console.out.print(f"{reference.write(root)} pages changed")

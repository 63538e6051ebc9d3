"""Role by act by surface: every combination that the table spells out, and nothing beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import typer

from bot.cli.command_table import app
from bot.governance.act import SURFACES, Act, Surface
from bot.governance.command_base import AdminCommand
from bot.governance.matrix import ACTS, UnknownAct, acts_of, entries
from bot.governance.roles import EVERYONE, EVERYTHING, ROLES, Grant, Permission, Role
from bot.services.access import OPERATOR, Access, NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.slack import actions, commands, shortcuts, views
from tests.fakes import FakeClock

MEMBER = Actor("U0ANA", groups=frozenset({"S0PILOTS"}))
OUTSIDER = Actor("U0ANA", groups=frozenset({"S0PILOTS"}), is_outsider=True)
"""A guest, a bot, a deactivated account or somebody of another workspace: tests/slack tells them apart."""
GRANTEES = {"person": "U0ANA", "group": "S0PILOTS", "everyone": EVERYONE}


@dataclass
class Given(Access):
    """Access whose grants are those of the case."""

    held: tuple[Grant, ...] = ()

    def __init__(self, *held: Grant) -> None:
        super().__init__(None, FakeClock())  # type: ignore[arg-type]
        self.held = held

    def grants(self, connection: object) -> tuple[Grant, ...]:
        return self.held


def may(access: Access, act: Act, actor: Actor, scope: str) -> bool:
    if not act.any_of:
        return not actor.is_outsider
    return any(access.may(None, actor, each, scope) for each in act.any_of)  # type: ignore[arg-type]


def scopes(act: Act) -> Iterator[tuple[str, bool]]:
    """A scope to hold the role over, and whether it covers the act."""
    yield EVERYTHING, True
    yield act.scope("mine"), True
    for other in ("workflow:other", "collection:other", "workflow:min", "workflow:mine2", "", "workflow:"):
        yield other, False
    if act.reach != "everything":
        yield ("collection:mine" if act.reach == "workflow" else "workflow:mine"), act.reach == "own"


CASES = [
    pytest.param(act, role, id=f"{act.name}-{role.value if role else 'none'}".replace(" ", "-"))
    for act in ACTS
    for role in (*Role, None)
]


@pytest.mark.parametrize(("act", "role"), CASES)
def test_each_role_may_exactly_what_the_table_says(act: Act, role: Role | None) -> None:
    wanted = act.scope("mine")
    for grantee in GRANTEES.values():
        for scope, covers in scopes(act):
            access = Given(Grant(grantee, role, scope)) if role else Given()
            expected = not act.any_of or (role is not None and covers and act.is_permitted_to(role))
            assert may(access, act, MEMBER, wanted) is expected, (grantee, scope)
            assert not may(access, act, OUTSIDER, wanted)
            somebody = Actor("U0BEN")
            assert may(access, act, somebody, wanted) is (
                not act.any_of or (expected and grantee == EVERYONE)
            ), "a grant to one person or group is nobody else's"


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name.replace(" ", "-"))
def test_authorise_raises_for_whoever_may_not(act: Act) -> None:
    access, wanted = Given(), act.scope("mine")
    for permission in act.any_of:
        with pytest.raises(NotAuthorized):
            access.authorise(None, MEMBER, permission, wanted)  # type: ignore[arg-type]
        with pytest.raises(Outsider):
            access.authorise(None, OUTSIDER, permission, wanted)  # type: ignore[arg-type]
        access.authorise(None, Actor(OPERATOR), permission, wanted)  # type: ignore[arg-type]


def registered() -> dict[Surface, frozenset[str]]:
    """Every way in that the product has, read from the tables that serve it."""
    terminal = typer.main.get_command(app)

    def walk(group: object, before: str = "") -> Iterator[str]:
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                yield from walk(command, f"{before}{name} ")
            else:
                yield f"{before}{name}"

    sentences = {
        command.model_fields["command"].default
        for command in every_subclass(AdminCommand)
        if "command" in command.model_fields
    }
    return {
        "command": frozenset(commands.SUBCOMMANDS),
        "button": frozenset(actions.ACTIONS),
        "modal": frozenset(views.VIEWS),
        "shortcut": frozenset(shortcuts.SHORTCUTS),
        "sentence": frozenset(sentences),
        "terminal": frozenset(walk(terminal)),
    }


def every_subclass(kind: type[AdminCommand]) -> Iterator[type[AdminCommand]]:
    for each in kind.__subclasses__():
        yield each
        yield from every_subclass(each)


@pytest.mark.parametrize("surface", [surface for surface in SURFACES if surface != "home"])
def test_every_way_in_has_a_row_and_every_row_a_way_in(surface: Surface) -> None:
    served, known = registered()[surface], entries(surface)
    # a command with a second word has a row of its own where that needs another right
    words = {entry for entry in known if surface != "command" or " " not in entry}
    assert served - known == frozenset(), "served, and not in bot/governance/matrix.py"
    assert words - served == frozenset(), "in bot/governance/matrix.py, and not served"


def test_sentences_ask_for_what_the_table_says() -> None:
    for command in every_subclass(AdminCommand):
        if "command" not in command.model_fields:
            continue
        (act,) = acts_of("sentence", command.model_fields["command"].default)
        missing = set(act.any_of) - set(command.permissions)
        assert not missing, f"{command.__name__}: {missing}"


def test_what_is_no_act_is_refused() -> None:
    for surface in SURFACES:
        with pytest.raises(UnknownAct) as refused:
            acts_of(surface, "format-the-disk")
        assert refused.value.facts == {"surface": surface, "entry": "format-the-disk"}


@pytest.mark.parametrize("permission", ["", "fly", "run ", "RUN", "*"])
def test_an_unknown_permission_is_never_held(permission: str) -> None:
    access = Given(*(Grant("U0ANA", role, EVERYTHING) for role in Role))
    assert not access.may(None, MEMBER, permission, EVERYTHING)  # type: ignore[arg-type]


def test_every_permission_is_used_and_every_role_can_do_something() -> None:
    used = {permission for act in ACTS for permission in act.any_of}
    assert set(Permission) - used == set()
    assert all(any(act.is_permitted_to(role) and act.any_of for act in ACTS) for role in ROLES)


def test_an_act_has_one_name_and_an_entry_no_two_contradicting_rows() -> None:
    names = [act.name for act in ACTS]
    assert len(names) == len(set(names))

"""Authorisation, grants and votes on the real store."""

import pytest

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.system_clock import SystemClock
from bot.governance.roles import EVERYTHING, Permission, Role
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.feedback import Feedback

ADMIN, ANA = Actor("U0DEV", "Dev"), Actor("U0ANA", "Ana", groups=frozenset({"S1"}))


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store, SystemClock(), admins=("U0DEV",))


async def test_the_first_admin_comes_from_settings_and_grants_the_rest(store: Store, access: Access) -> None:
    assert not await store.read(lambda c: access.may(c, ANA, Permission.RUN, "workflow:ask-policy"))
    assert await access.grant(ADMIN, "S1", Role.RUNNER, "workflow:ask-policy")
    assert not await access.grant(ADMIN, "S1", Role.RUNNER, "workflow:ask-policy"), "given already"
    assert await store.read(lambda c: access.may(c, ANA, Permission.RUN, "workflow:ask-policy"))
    assert not await store.read(lambda c: access.may(c, ANA, Permission.RUN, "workflow:other"))
    assert await access.revoke(ADMIN, "S1", Role.RUNNER, "workflow:ask-policy")
    assert not await store.read(lambda c: access.may(c, ANA, Permission.RUN, "workflow:ask-policy"))


async def test_a_refused_grant_leaves_no_trace_and_names_whom_to_ask(store: Store, access: Access) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await access.grant(ANA, "U0ANA", Role.ADMIN)
    assert caught.value.facts == {"permission": "grant", "scope": EVERYTHING, "ask": "U0DEV"}
    assert await store.read(lambda c: audit_log.read_events(c)) == ()


async def test_an_outsider_is_refused_even_with_a_grant(store: Store, access: Access) -> None:
    await access.grant(ADMIN, "everyone", Role.RUNNER)
    outsider = Actor("U0GUEST", is_outsider=True)
    with pytest.raises(Outsider):
        await store.read(lambda c: access.authorise(c, outsider, Permission.RUN, "workflow:ask-policy"))


async def test_grants_are_audited_in_their_transaction(store: Store, access: Access) -> None:
    await access.grant(ADMIN, "U0ANA", Role.EDITOR, "collection:people")
    (event,) = await store.read(lambda c: audit_log.read_events(c))
    assert (event.actor, event.action, event.target) == (
        "U0DEV",
        "grant.given",
        "U0ANA:editor:collection:people",
    )


async def test_the_last_vote_of_a_person_counts(store: Store) -> None:
    feedback = Feedback(store, SystemClock())
    assert not (await feedback.record(ANA, "r_1", "up")).changed
    assert not (await feedback.record(ANA, "r_1", "up")).changed
    assert (await feedback.record(ANA, "r_1", "down", "not my question")).changed
    await feedback.record(ADMIN, "r_1", "up")
    kept = {score.source: (score.value, score.reason) for score in await feedback.of_run("r_1")}
    assert kept == {"person:U0ANA": (-1.0, "not my question"), "person:U0DEV": (1.0, "")}


def test_actor_and_origin_survive_json() -> None:
    origin = Origin("command", channel_id="C1", readers=("U1", "U2"))
    assert Actor.from_json(ANA.as_json() | {"newer": 1}) == ANA
    assert Origin.from_json(origin.as_json()) == origin

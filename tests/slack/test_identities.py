"""Who somebody is and who reads a channel, asked of Slack no more often than needed."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.gateway import SlackRefused, SlackUncertain
from bot.slack.identities import FRESH, People, PersonUnknown
from tests.fakes import FakeClock

ANA = {"id": "U0ANA", "real_name": "Ana Costa", "team_id": "T0SPAN", "profile": {"display_name": "ana"}}


class FakeGateway:
    """Answers Web API methods from a table (exceptions are raised); keeps the calls."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, method: str, **arguments: Any) -> Any:
        self.calls.append((method, arguments))
        await asyncio.sleep(0)
        answer = self.answers.get(method, SlackRefused("missing_scope"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def people(gateway: FakeGateway, clock: FakeClock | None = None) -> People:
    return People(gateway, clock or FakeClock(), "T0SPAN")  # type: ignore[arg-type]


async def test_a_member_with_groups() -> None:
    groups = {"usergroups": [{"id": "S1", "users": ["U0ANA"]}, {"id": "S2", "users": []}]}
    actor = await people(FakeGateway(users_info={"user": ANA}, usergroups_list=groups)).actor("U0ANA")
    assert (actor.name, actor.groups, actor.is_outsider) == ("Ana Costa", frozenset({"S1"}), False)


async def test_groups_are_optional() -> None:
    assert (await people(FakeGateway(users_info={"user": ANA})).actor("U0ANA")).groups == frozenset()


@pytest.mark.parametrize(
    "change",
    [
        {"is_bot": True},
        {"deleted": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"team_id": "T0OTHER"},
    ],
)
async def test_outsiders_are_flagged(change: dict[str, Any]) -> None:
    assert (await people(FakeGateway(users_info={"user": {**ANA, **change}})).actor("U0ANA")).is_outsider


async def test_an_empty_answer_is_an_outsider() -> None:
    assert (await people(FakeGateway(users_info={})).actor("U0ANA")).is_outsider


async def test_somebody_whom_slack_does_not_know_is_an_outsider_without_a_name() -> None:
    """As a person of an imported history: asking again finds no more."""
    gateway = FakeGateway(users_info=SlackRefused("user_not_found"))
    known = people(gateway)
    for _ in range(2):
        assert (await known.actor("U0GONE")).is_outsider
    assert [method for method, _ in gateway.calls].count("users_info") == 1
    assert await known.names(["U0GONE"]) == {}


@pytest.mark.parametrize("person", ["", "U0ANA", "not an id"])
async def test_nobody_is_let_in_when_slack_does_not_say_who(person: str) -> None:
    with pytest.raises(PersonUnknown):
        await people(FakeGateway(users_info=SlackUncertain("timeout"))).actor(person)


async def test_slack_is_asked_again_after_five_minutes_only() -> None:
    clock, gateway = FakeClock(), FakeGateway(users_info={"user": ANA})
    known = people(gateway, clock)
    await known.actor("U0ANA")
    await known.actor("U0ANA")
    assert [method for method, _ in gateway.calls].count("users_info") == 1
    gateway.answers["users_info"] = {"user": {**ANA, "deleted": True}}
    clock.at += FRESH + timedelta(seconds=1)
    assert (await known.actor("U0ANA")).is_outsider


async def test_many_at_once_ask_slack_once() -> None:
    gateway = FakeGateway(users_info={"user": ANA})
    known = people(gateway)
    actors = await asyncio.gather(*(known.actor("U0ANA") for _ in range(50)))
    assert {actor.id for actor in actors} == {"U0ANA"}
    assert sorted(method for method, _ in gateway.calls) == ["usergroups_list", "users_info"]


@pytest.mark.parametrize(
    ("info", "members", "readers"),
    [
        ({"is_private": False}, ["U0ANA"], ()),
        ({"is_private": True}, ["U0BEN", "U0ANA"], ("U0ANA", "U0BEN")),
        ({"is_mpim": True}, ["U0ANA"], ("U0ANA",)),
        ({"is_private": True, "is_ext_shared": True}, ["U0ANA"], ()),
    ],
)
async def test_only_a_private_channel_of_ours_has_known_readers(
    info: dict[str, bool], members: list[str], readers: tuple[str, ...]
) -> None:
    gateway = FakeGateway(conversations_info={"channel": info}, conversations_members={"members": members})
    assert await people(gateway).readers("C0LEADS", "U0ANA") == readers


@pytest.mark.parametrize(
    ("told", "joined"),
    [
        ({"channel": {"is_private": False, "is_member": True}}, True),
        ({"channel": {"is_private": False, "is_member": False}}, False),
        ({"channel": {"is_private": True}}, True),
        (SlackRefused("channel_not_found"), False),
        (SlackRefused("missing_scope"), None),
        (SlackUncertain("timeout"), None),
    ],
)
async def test_whether_we_are_in_a_channel_is_known_as_far_as_slack_tells(
    told: Any, joined: bool | None
) -> None:
    gateway = FakeGateway(conversations_info=told, conversations_members={"members": ["U0ANA"]})
    assert await people(gateway).is_joined("C0LEADS") is joined


async def test_a_channel_without_us_is_asked_of_again_as_we_may_have_been_invited() -> None:
    gateway = FakeGateway(conversations_info=SlackRefused("channel_not_found"))
    known = people(gateway)
    await known.readers("C0LEADS", "U0ANA")
    assert await known.is_joined("C0LEADS") is False
    assert len(gateway.calls) == 1, "where the answer comes is said from what was just asked"
    gateway.answers["conversations_info"] = {"channel": {"is_private": True}}
    gateway.answers["conversations_members"] = {"members": ["U0ANA"]}
    assert await known.readers("C0LEADS", "U0ANA") == ("U0ANA",)
    assert await known.is_joined("C0LEADS") is True
    await known.readers("C0LEADS", "U0ANA")
    assert len(gateway.calls) == 3


async def test_a_direct_message_is_read_by_the_person() -> None:
    assert await people(FakeGateway()).readers("D0ANA", "U0ANA") == ("U0ANA",)


async def test_when_slack_does_not_tell_or_they_are_too_many_everyone_counts_as_a_reader() -> None:
    assert await people(FakeGateway()).readers("C0LEADS", "U0ANA") == ()
    more = {"members": ["U0ANA"], "response_metadata": {"next_cursor": "x"}}
    gateway = FakeGateway(conversations_info={"channel": {"is_private": True}}, conversations_members=more)
    assert await people(gateway).readers("C0LEADS", "U0ANA") == ()


async def test_names_leave_out_whom_slack_does_not_name() -> None:
    assert await people(FakeGateway(users_info={"user": ANA})).names(["U0ANA", "People Operations"]) == {
        "U0ANA": "Ana Costa"
    }
    assert await people(FakeGateway()).names(["U0ANA"]) == {}


async def test_our_own_user_is_no_reader_and_groups_of_the_others_count() -> None:
    gateway = FakeGateway(
        conversations_info={"channel": {"is_private": True}},
        conversations_members={"members": ["U0SPAN", "U0ANA", "U0BEN"]},
        usergroups_list={"usergroups": [{"id": "S0LEADS", "users": ["U0BEN"]}]},
    )
    known = People(gateway, FakeClock(), "T0SPAN", "U0SPAN")  # type: ignore[arg-type]
    assert await known.readers("C0LEADS", "U0ANA") == ("U0ANA", "U0BEN")
    assert (await known.audience("C0LEADS")).readers == (
        frozenset({"U0ANA"}),
        frozenset({"U0BEN", "S0LEADS"}),
    )
    assert (await People(FakeGateway(), FakeClock()).audience("C0LEADS")).readers is None  # type: ignore[arg-type]

"""The manifest is generated, complete and within Slack's limits."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from slack_samples import ASK_POLICY, PLAN_TRIP, released

from bot.slack import manifest

ALL = (released(ASK_POLICY), released(PLAN_TRIP))


@pytest.mark.parametrize("url", ["", "https://bot.larkfield.example/"])
def test_it_has_a_command_for_each_workflow_and_no_problem(url: str) -> None:
    made = manifest.build(ALL, url=url)
    assert [command["command"] for command in made["features"]["slash_commands"]] == [
        "/spanwise",
        "/ask-policy",
        "/plan-trip",
    ]
    assert manifest.problems(made) == ()
    assert made["settings"]["socket_mode_enabled"] is (url == "")


def test_signed_http_goes_to_one_address() -> None:
    made = manifest.build(ALL, url="https://bot.larkfield.example/")
    address = "https://bot.larkfield.example/slack/events"
    assert made["settings"]["event_subscriptions"]["request_url"] == address
    assert {command["url"] for command in made["features"]["slash_commands"]} == {address}


def test_at_most_fifty_commands_and_the_rest_are_named() -> None:
    many = [replace(ALL[0], name=f"flow-{number}") for number in range(60)]
    made = manifest.build(many)
    assert len(made["features"]["slash_commands"]) == 50
    assert manifest.left_out(many) == tuple(f"flow-{number}" for number in range(49, 60))
    assert manifest.problems(made) == ()


@pytest.mark.parametrize("name", ["a" * 32, "Ask", "ask policy", "spanwise", ""])
def test_a_name_that_slack_does_not_take_gets_no_command(name: str) -> None:
    assert manifest.left_out([replace(ALL[0], name=name)]) == (name,)


def test_every_event_has_its_scope_and_every_scope_its_reason() -> None:
    made = manifest.build(ALL)
    scopes = made["oauth_config"]["scopes"]["bot"]
    assert scopes == sorted(manifest.SCOPES) and all(manifest.SCOPES.values())
    assert {scope for scope in manifest.EVENTS.values() if scope} <= set(scopes)
    assert "chat:write.public" not in scopes and "files:read" not in scopes


def _with(path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(manifest.build(ALL))
    *parents, last = path.split("/")
    place: Any = made
    for key in parents:
        place = place[int(key)] if key.isdigit() else place[key]
    place[int(last) if last.isdigit() else last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("display_information/name", "n" * 36),
        ("display_information/name", ""),
        ("display_information/description", "d" * 141),
        ("display_information/long_description", "short"),
        ("display_information/background_color", "blue"),
        ("features/bot_user/display_name", ""),
        ("features/slash_commands/0/command", "spanwise"),
        ("features/slash_commands/0/command", "/" + "x" * 32),
        ("features/slash_commands/0/command", "/Ask"),
        ("features/slash_commands/0/command", "/ask-policy"),
        ("features/slash_commands/0/description", ""),
        ("features/slash_commands/0/usage_hint", "u" * 1001),
        ("features/slash_commands", [{"command": f"/c{n}", "description": "d"} for n in range(51)]),
        ("features/shortcuts/0/name", "n" * 25),
        ("features/shortcuts/0/description", ""),
        ("features/shortcuts/0/type", "channel"),
        ("oauth_config/scopes/bot", ["chat:write"]),
        ("settings/socket_mode_enabled", False),
    ],
)
def test_what_slack_would_refuse_is_named(path: str, value: Any) -> None:
    assert manifest.problems(_with(path, value))

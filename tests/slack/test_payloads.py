"""What Slack sends in one shape, with the key that a second delivery shares."""

import pytest

from bot.slack import payloads


def test_a_mention_has_one_key_though_it_arrives_as_two_events() -> None:
    event = {"user": "U0ANA", "channel": "C1", "ts": "1.1", "text": "hi"}
    mention = payloads.from_event(
        {"team_id": "T1", "event_id": "E1", "event": {**event, "type": "app_mention"}}
    )
    message = payloads.from_event({"team_id": "T1", "event_id": "E2", "event": {**event, "type": "message"}})
    assert mention.dedupe_key == message.dedupe_key == "msg:T1:C1:1.1"


def test_other_events_are_told_apart_by_their_id() -> None:
    call = payloads.from_event(
        {"team_id": "T1", "event_id": "E1", "event": {"type": "app_home_opened", "user": "U1"}}
    )
    assert call.dedupe_key == "ev:T1:E1"


def test_a_command_is_told_apart_by_its_trigger() -> None:
    call = payloads.from_command({"team_id": "T1", "trigger_id": "9.9", "command": "/a", "text": None})
    assert (call.dedupe_key, call.text) == ("cmd:T1:9.9", "")


def test_a_click_is_told_apart_by_person_place_and_time() -> None:
    body = {
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "container": {"message_ts": "5.5", "channel_id": "C1"},
        "actions": [{"action_id": "run-retry", "value": "r_1", "action_ts": "7.7"}],
    }
    call = payloads.from_action(body)
    assert call.dedupe_key == "act:T1:U1:5.5:run-retry:7.7"
    assert (call.channel, call.value) == ("C1", "r_1")


def test_a_form_is_sent_once() -> None:
    body = {"view": {"id": "V1", "callback_id": "inputs-form", "private_metadata": '{"channel":"C1"}'}}
    call = payloads.from_view(body)
    assert (call.dedupe_key, call.channel) == ("view:V1", "C1")


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '"x"'])
def test_a_button_that_carries_something_else_is_refused(text: str) -> None:
    call = payloads.from_action({"actions": [{"action_id": "a", "value": text}]})
    with pytest.raises(payloads.UnreadableClick):
        call.json_value()

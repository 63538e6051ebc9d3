"""What a person has filled in: the `state.values` of Slack's payloads, and whether a form may be sent."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.workspace.block_walk import elements
from bot.workspace.noticeboard import Json

FIELDS: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "files"),
}
"""Element type to the field its value stands in, and the field it starts from."""

REQUIRED = "Please complete this required field."


def state_values(blocks: Sequence[Json], given: Mapping[str, Any] | None = None) -> Json:
    """All stateful elements with what was given, else what they start with; unknown ids are left out."""
    values: Json = {}
    for block, element in elements(blocks):
        if element["type"] not in FIELDS:
            continue
        name, initial = FIELDS[element["type"]]
        start = element.get(initial, [] if name.endswith("s") else None)
        filled = ((given or {}).get(block["block_id"]) or {}).get(element["action_id"])
        value = filled.get(name) if isinstance(filled, dict) else start
        values.setdefault(block["block_id"], {})[element["action_id"]] = {
            "type": element["type"],
            name: None if value == "" else value,
        }
    return values


def form_errors(blocks: Sequence[Json], values: Mapping[str, Any]) -> dict[str, str]:
    """Block id to what the person must mend before the form can be sent."""
    found: dict[str, str] = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        value = values[block["block_id"]][element["action_id"]][FIELDS[element["type"]][0]]
        message = _error_of(element, value, is_optional=bool(block.get("optional")))
        if message:
            found[block["block_id"]] = message
    return found


def _error_of(element: Json, value: Any, *, is_optional: bool) -> str:
    if value in (None, "", []):
        return "" if is_optional else REQUIRED
    if element["type"] == "number_input":
        return _number_error(element, str(value))
    if isinstance(value, str):
        shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < shortest:
            return f"Please use at least {shortest} characters."
        if len(value) > longest:
            return f"Please use at most {longest} characters."
    return ""


def _number_error(element: Json, text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and number != number.to_integral_value():
        return "Please enter a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return ""

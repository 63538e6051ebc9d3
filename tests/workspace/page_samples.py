"""One of every block, and a modal with one of every kind of field."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str) -> Json:
    return {"text": plain(text), "value": text.lower()}


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": text, **more}


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def raw(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def number(value: float) -> Json:
    return {"type": "raw_number", "value": value, "text": f"{value:g}"}


def field(block_id: str, label: str, element: Json, **more: Any) -> Json:
    shown = {"action_id": block_id} | element
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": shown, **more}


CONFIRM = {
    "title": plain("Share this?"),
    "text": mrkdwn("Everyone *here* sees it."),
    "confirm": plain("Share"),
    "deny": plain("Not now"),
}
VOTE = {
    "type": "feedback_buttons",
    "action_id": "vote",
    "positive_button": {"text": plain("Good"), "value": "up", "accessibility_label": "This answer helped"},
    "negative_button": {
        "text": plain("Bad"),
        "value": "down",
        "accessibility_label": "This answer did not help",
    },
}
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63d8bbfe"
    "0100047802359ee1a9b30000000049454e44ae426082"
)
PICTURE = "https://127.0.0.1/none.png"
ANSWER = [
    {"type": "header", "text": plain("Carrying leave over")},
    {
        "type": "section",
        "text": mrkdwn("Up to *five days* <https://intranet.example/leave|Annual leave> [1]"),
    },
    {"type": "context", "elements": [mrkdwn("AI-generated, check before use")]},
    {
        "type": "context_actions",
        "elements": [
            VOTE,
            {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "action_id": "bin"},
        ],
    },
    {
        "type": "actions",
        "elements": [
            button("Explain", "explain"),
            button("Share", "share", style="primary", confirm=CONFIRM),
            {"type": "overflow", "action_id": "more", "options": [option("Mute"), option("Assign")]},
        ],
    },
]
SHOWCASE = [
    {"type": "section", "fields": [mrkdwn("*Runs*\n412"), plain("Cost\n$3")]},
    {
        "type": "section",
        "text": mrkdwn("Owner"),
        "accessory": {"type": "users_select", "action_id": "owner", "placeholder": plain("Choose a person")},
    },
    {"type": "divider"},
    {
        "type": "image",
        "slack_file": {"id": "F-RUNS"},
        "alt_text": "Runs per day, rising",
        "title": plain("Runs per day"),
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "bold words", "style": {"bold": True}},
                    {"type": "user", "user_id": "U0ANA"},
                    {"type": "emoji", "name": "rocket"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "first point"}]}
                ],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted words"}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]},
        ],
    },
    {"type": "table", "rows": [[raw("Workflow"), raw("Runs")], [raw("ask-policy"), number(312)]]},
    {
        "type": "data_table",
        "caption": "Cost by workflow",
        "page_size": 2,
        "rows": [[raw("Name"), raw("Cost")], *[[raw(f"w{n}"), number(10 - n)] for n in range(5)]],
    },
    {
        "type": "data_visualization",
        "title": "Cost by day",
        "chart": {
            "type": "bar",
            "series": [{"name": "ask-policy", "data": [{"label": "Mon", "value": 1.5}]}],
            "axis_config": {"categories": ["Mon"], "y_label": "dollars"},
        },
    },
    {"type": "alert", "text": mrkdwn("The index is *stale*"), "level": "warning"},
    {
        "type": "card",
        "title": mrkdwn("*Ask the handbook*"),
        "body": mrkdwn("Answers questions."),
        "actions": [button("Run it", "run-card")],
    },
    {
        "type": "carousel",
        "elements": [
            {"type": "card", "title": mrkdwn(f"Slide {n}"), "actions": [button(f"Take {n}", f"take{n}")]}
            for n in range(3)
        ],
    },
    {
        "type": "container",
        "title": plain("How this came about"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "actions", "elements": [button("Inner", "inner")]}],
    },
    {
        "type": "plan",
        "title": "Finding an answer",
        "tasks": [
            {"type": "task_card", "task_id": "1", "title": "Reading", "status": "complete"},
            {"type": "task_card", "task_id": "2", "title": "Writing", "status": "in_progress"},
        ],
    },
    {
        "type": "video",
        "video_url": "https://example.com/v",
        "thumbnail_url": PICTURE,
        "alt_text": "A tour",
        "title": plain("A tour of the page"),
    },
    {"type": "file", "source": "remote", "external_id": "handbook.pdf"},
    {
        "type": "actions",
        "elements": [
            {
                "type": "static_select",
                "action_id": "schedule",
                "placeholder": plain("Schedule"),
                "options": [option("Weekly"), option("Monthly"), option("Never")],
            },
            {
                "type": "multi_static_select",
                "action_id": "topics",
                "placeholder": plain("Topics"),
                "options": [option(f"Topic {n}") for n in range(12)],
            },
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-30"},
            {"type": "timepicker", "action_id": "hour", "initial_time": "09:30"},
            {
                "type": "radio_buttons",
                "action_id": "way",
                "options": [option("Up to me"), option("Ask first")],
            },
            {
                "type": "checkboxes",
                "action_id": "parts",
                "options": [{"text": mrkdwn("*Leave*"), "value": "l"}],
            },
        ],
    },
]
TEXT = """# Title
Some **bold** and [a link](https://example.com).

- one
  - inner
- [x] done

| Office | Days |
|:--|--:|
| Lisbon | 25 |

```py
x = 1
```
<img src=x onerror=alert(1)>"""
MARKDOWN = [{"type": "markdown", "text": TEXT}]
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": plain("Run a workflow"),
    "submit": plain("Run"),
    "close": plain("Cancel"),
    "blocks": [
        field(
            "question",
            "Your question",
            {"type": "plain_text_input", "multiline": True},
            hint=plain("About leave."),
        ),
        field(
            "days",
            "Days",
            {"type": "number_input", "is_decimal_allowed": False, "max_value": "20"},
            optional=True,
        ),
        field("tone", "Tone", {"type": "static_select", "options": [option("Plain"), option("Warm")]}),
        field("notes", "Notes", {"type": "rich_text_input"}, optional=True),
        field(
            "audience",
            "Audience",
            {
                "type": "radio_buttons",
                "options": [option("Only me"), option("The channel")],
                "initial_option": option("Only me"),
            },
        ),
        field("document", "Document", {"type": "external_select", "min_query_length": 1}, optional=True),
        field("when", "When", {"type": "datepicker"}, optional=True),
        field("mail", "Reply to", {"type": "email_text_input"}, optional=True),
        field("paper", "Papers", {"type": "file_input"}, optional=True),
    ],
}
NEXT = {
    "type": "modal",
    "callback_id": "next",
    "title": plain("Second step"),
    "submit": plain("Done"),
    "blocks": [field("more", "Anything else?", {"type": "plain_text_input"}, optional=True)],
}
HOME = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("What you can do")},
        {"type": "actions", "elements": [button("Try it", "try")]},
    ],
}
MANIFEST = {
    "display_information": {"name": "Spanwise"},
    "features": {
        "app_home": {"home_tab_enabled": True},
        "slash_commands": [
            {
                "command": "/ask-policy",
                "description": "Ask the people handbook",
                "usage_hint": "How many days of leave can I carry over?",
            },
            {"command": "/triage-request", "description": "Sort a request", "usage_hint": "<what happened>"},
            {"command": "/spanwise", "description": "Help and settings", "usage_hint": "help"},
        ],
        "shortcuts": [
            {
                "name": "Run a workflow on this",
                "type": "message",
                "callback_id": "run-on",
                "description": "Use this message",
            }
        ],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "im:history", "users:read"]}},
    "settings": {
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {"bot_events": ["app_home_opened", "message.im"]},
        "socket_mode_enabled": True,
    },
}

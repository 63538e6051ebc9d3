"""How the workspace says no, in Slack's words."""

from bot.workspace.noticeboard import Json


class Refusal(Exception):
    """A Web API error: `error` is Slack's code, `facts` what it answers beside it."""

    def __init__(self, error: str, **facts: object) -> None:
        super().__init__(error)
        self.error = error
        self.facts: Json = facts

    def as_slack(self) -> Json:
        """The body of the answer."""
        return {"ok": False, "error": self.error, **self.facts}


def invalid_arguments(*messages: str) -> Refusal:
    """The refusal of arguments that do not fit the method, each message with its JSON pointer."""
    return Refusal(
        "invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}" for message in messages]}
    )


def need(args: Json, name: str) -> str:
    """The text of a required argument."""
    value = args.get(name)
    if value is None or value == "":
        raise invalid_arguments(f"missing required field: {name}")
    return str(value)

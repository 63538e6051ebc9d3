"""What a person types, as Slack's clients would send it."""

import re

from bot.workspace.town import Town

_KNOWN = re.compile(r"<(@U[A-Z0-9]+|#C[A-Z0-9]+)(?:\|[^<>]*)?>")
_NAME = re.compile(r"(?<![\w@#/<])([@#])([\w.-]*\w)")


def typed(town: Town, text: str) -> str:
    """Message text: markup characters escaped, @names, @groups and #channels linked, links to them kept."""
    return _NAME.sub(lambda match: _link(town, match, with_name=False), _escaped(town, text))


def typed_for_command(town: Town, text: str, *, should_escape: bool) -> str:
    """Command text: raw, or with names linked where the manifest asks for it."""
    if not should_escape:
        return text
    return _NAME.sub(lambda match: _link(town, match, with_name=True), _escaped(town, text))


def _escaped(town: Town, text: str) -> str:
    pieces, end = [], 0
    for match in _KNOWN.finditer(text):
        if match[1][1:] in town.users or match[1][1:] in town.channels:
            pieces += [_escape(text[end : match.start()]), f"<{match[1]}>"]
            end = match.end()
    return "".join([*pieces, _escape(text[end:])])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(town: Town, match: re.Match[str], *, with_name: bool) -> str:
    sign, name = match[1], match[2]
    if sign == "@":
        group = next((one for one in town.usergroups.values() if name.lower() == one.handle), None)
        if group is not None:
            return f"<!subteam^{group.id}|@{name}>" if with_name else f"<!subteam^{group.id}>"
        found = next(
            (one.id for one in town.users.values() if name.lower() in (one.name, one.id.lower())), ""
        )
    else:
        found = next((one.id for one in town.channels.values() if one.name == name and one.kind != "im"), "")
    if not found:
        return match[0]
    return f"<{sign}{found}|{name}>" if with_name else f"<{sign}{found}>"

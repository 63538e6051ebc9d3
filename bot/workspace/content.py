"""What a message says, checked before it is stored: text, blocks, metadata, and the limits of each."""

from dataclasses import dataclass, field
from typing import Any

from bot.workspace.block_walk import with_ids
from bot.workspace.blockkit import MARKDOWN_LIMIT, check_blocks
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site

TEXT_LIMIT = 40_000
"""Characters; Slack cuts longer text off."""
EDIT_LIMIT = 4_000
"""Characters; longer text cannot be put into a message that stands."""


@dataclass(slots=True)
class Content:
    """What may be stored."""

    text: str
    blocks: list[Json]
    metadata: Json | None = None
    warnings: list[str] = field(default_factory=list)


def content_of(site: Site, args: Json) -> Content:
    """Read the content of a call, or refuse it as Slack does."""
    blocks = blocks_of(site, args.get("blocks"))
    text = str(args.get("text") or "")
    markdown = str(args.get("markdown_text") or "")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if len(markdown) > MARKDOWN_LIMIT:
        raise Refusal("msg_too_long")
    if markdown:
        blocks = with_ids([{"type": "markdown", "text": markdown}], lambda: site.town.next_id("b"))
    if not (text or markdown or blocks):
        raise Refusal("no_text")
    warnings = ["missing_text_in_message"] if not text and not markdown else []
    warnings += ["message_truncated"] if len(text) > TEXT_LIMIT else []
    return Content(text[:TEXT_LIMIT] or markdown, blocks, metadata_of(args.get("metadata")), warnings)


def blocks_of(site: Site, value: Any) -> list[Json]:
    """Blocks that passed every check, with ids."""
    if value in (None, "", []):
        return []
    if not isinstance(value, list):
        raise Refusal("invalid_blocks_format")
    problems = [problem.sentence("/blocks") for problem in check_blocks(value)]
    problems += [] if problems else _unknown_files(site, value)
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refusal("invalid_blocks", errors=problems, response_metadata={"messages": messages})
    return with_ids(value, lambda: site.town.next_id("b"))


def metadata_of(value: Any) -> Json | None:
    """Message metadata, whole or refused."""
    if value in (None, "", {}):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    if not isinstance(value.get("event_type"), str) or not value["event_type"]:
        raise Refusal("invalid_metadata_format")
    return value


def _unknown_files(site: Site, blocks: list[Json]) -> list[str]:
    found = []
    for place, block in enumerate(blocks):
        wanted = block.get("slack_file") if block["type"] == "image" else None
        if wanted and wanted.get("id"):
            try:
                site.shelf.find(wanted["id"])
            except Refusal:
                found.append(f"invalid slack file [json-pointer:/blocks/{place}/slack_file]")
    return found

"""Texts as files in a conversation: put there for a person to edit, and read when they bring them back."""

import aiohttp

from bot.slack.gateway import TIMEOUT_S, Gateway, SlackRefused, SlackUncertain

MAX_BYTES = 256 * 1024


class NotText(Exception):
    """The file is not text in UTF-8."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.facts = {"file": name}


class FileTooLarge(Exception):
    """The file is larger than any prompt may be."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.facts = {"file": name, "limit": f"{MAX_BYTES // 1024} KB"}


async def put_text(gateway: Gateway, channel: str, thread_ts: str, *, name: str, content: str) -> None:
    """Upload a text into a thread. Raises SlackBusy, SlackUncertain, SlackRefused."""
    await gateway.call(
        "files_upload_v2", channel=channel, thread_ts=thread_ts, filename=name, title=name, content=content
    )


async def fetch_text(gateway: Gateway, url: str, name: str) -> str:
    """Read a file that somebody uploaded. Raises SlackRefused, SlackUncertain, FileTooLarge, NotText.

    Our token goes to Slack's own hosts and nowhere else, and is not taken along when one of them redirects.
    """
    if not gateway.is_slacks(url):
        raise SlackRefused("foreign_file_url")
    headers = {"Authorization": f"Bearer {gateway.client.token}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200 or _is_login(answer, name):
                # without the scope Slack sends its login page
                raise SlackRefused("file_not_readable", "files:read")
            content = await answer.content.read(MAX_BYTES + 1)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUncertain(type(error).__name__) from error
    if len(content) > MAX_BYTES:
        raise FileTooLarge(name)
    return _text(content, name)


def _is_login(answer: aiohttp.ClientResponse, name: str) -> bool:
    return answer.content_type == "text/html" and not name.lower().endswith((".html", ".htm"))


def _text(content: bytes, name: str) -> str:
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotText(name) from None
    if "\0" in found:
        raise NotText(name)
    return found

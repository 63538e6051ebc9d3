"""Uploaded files: promised, filled, finished."""

import mimetypes
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal

SIZE_LIMIT = 32 * 1024 * 1024
"""Bytes of one file; this server keeps them in memory."""
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What the page may draw; everything else is handed out as a download only."""


@dataclass(slots=True)
class StoredFile:
    """A file and who uploaded it."""

    id: str
    name: str
    user: str
    length: int
    title: str = ""
    alt_text: str = ""
    content: bytes = b""
    is_complete: bool = False
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """Lets the page, which has no token, fetch it."""

    @property
    def mimetype(self) -> str:
        """By its name."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def as_slack(self, base_url: str) -> Json:
        """The file object; the private URL wants a token."""
        private = f"{base_url}/files/{self.id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2],
            "size": len(self.content),
            "user": self.user,
            "alt_txt": self.alt_text,
            "mode": "hosted",
            "url_private": private,
            "url_private_download": private,
        }


class FileShelf:
    """Holds the files in memory."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._files: dict[str, StoredFile] = {}

    def promise(self, name: str, length: int, user: str, alt_text: str = "") -> StoredFile:
        """A place for a file that will be uploaded."""
        if length > SIZE_LIMIT:
            raise Refusal("file_upload_size_restricted")
        safe = name.replace("/", "_").replace("\\", "_") or "file"
        file = StoredFile(self._new_id("F"), safe, user, length, alt_text=alt_text)
        self._files[file.id] = file
        return file

    def find(self, file_id: str) -> StoredFile:
        """The file, or file_not_found."""
        if file_id not in self._files:
            raise Refusal("file_not_found")
        return self._files[file_id]

    def finish(self, file_id: str, title: str = "") -> StoredFile:
        """Declare an upload complete; it must have arrived."""
        file = self.find(file_id)
        if not file.content:
            raise Refusal("file_not_found")
        file.title, file.is_complete = title or file.title, True
        return file

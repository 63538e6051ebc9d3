"""The vectors of the shipped handbook, encoded once for every test that takes it up."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HandbookVectors:
    """A folder that several workers fill together: encoding the handbook takes half a minute."""

    folder: Path

    def lend(self, data_dir: Path) -> None:
        """Have a new data folder keep the vectors of the collection `people` in the common one."""
        self.folder.mkdir(exist_ok=True)
        tokens = data_dir / "knowledge" / "tokens"
        tokens.mkdir(parents=True)
        (tokens / "people").symlink_to(self.folder, target_is_directory=True)

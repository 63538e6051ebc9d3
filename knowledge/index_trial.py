"""A process that opens a folder of the vector store, reads all of it, and ends well or not at all."""

import sys
from pathlib import Path

from knowledge.index import try_folder


def main() -> int:
    """0 when everything could be read."""
    try_folder(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

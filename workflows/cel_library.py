"""The library of conditions without its command line.

The package imports that by itself, and with it a terminal's toolkit of 10 MiB that nothing here uses.
"""

import sys
import types

sys.modules.setdefault("cel.cli", types.ModuleType("cel.cli"))

import cel  # noqa: E402

__all__ = ["cel"]

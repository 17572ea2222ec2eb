"""`python scripts/as_command.py MODULE COMMAND ARGUMENT…`: a module of this folder, its `main`, as a command.

The module finds what lies here (this folder is the first of sys.path) and the helpers of the tests.
scripts/in-venv calls it by the Python of .venv. Processes that a module starts by forkserver or spawn import
this file too, which does nothing then.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent


def main() -> None:
    module, *sys.argv = sys.argv[1:]
    sys.path.insert(1, str(SCRIPTS.parent / "tests"))
    sys.exit(importlib.import_module(module).main())


if __name__ == "__main__":
    main()

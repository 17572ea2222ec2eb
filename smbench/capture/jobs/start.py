"""How a worker starts: `python -m smbench.capture.jobs.start PARENT JOB RESULT`.

It ends with its parent from its first moment on, while what it needs takes its time to be imported.
"""

from __future__ import annotations

import sys

from smbench.confined import end_with

if __name__ == "__main__":
    parent, *files = sys.argv[1:]
    end_with(int(parent))
    from smbench.capture.jobs.worker import work

    work(*files)

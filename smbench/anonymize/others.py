"""What is no workload and holds names all the same: which parts of it are not to be sent."""

from __future__ import annotations

from pathlib import Path

from smbench.errors import UsageError
from smbench.run.model import OPERATIONS
from smbench.run.store import CLIENT_STATS, DOCUMENT, LATENCY, OPENED_WIRE, PAGE, RESOURCES, WIRE
from smbench.workload.store import MANIFEST

_TELLING = {
    WIRE: "every packet, with names and the content of files",
    OPENED_WIRE: "what was in them",
    DOCUMENT: "accounts, servers, shares, paths and this machine",
    OPERATIONS: "paths",
    CLIENT_STATS: "servers and shares",
    PAGE: "what run.json names",
}
"""What the files of a run tell of the house."""
_NUMBERS = (LATENCY, RESOURCES)


def refuse_others(path: Path) -> None:
    """UsageError for a run or a capture, saying what of it is to stay in the house."""
    if path.is_dir() and not (path / MANIFEST).exists() and (path / DOCUMENT).exists():
        telling = "; ".join(f"{name} ({what})" for name, what in _TELLING.items() if (path / name).exists())
        numbers = ", ".join(name for name in _NUMBERS if (path / name).exists())
        raise UsageError(
            f"{path} is a run, and only workloads are anonymized: not to be sent are {telling}; {numbers} "
            "hold numbers alone. To send a whole run, replay an anonymized workload on a test server"
        )
    if path.is_file():
        raise UsageError(
            f"{path} is a file, and only workloads are anonymized: a capture holds names and the content of "
            "files in its packets and is not to be sent; ingest it, and anonymize the workload"
        )

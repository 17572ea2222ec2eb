"""What stays encrypted is said ahead of all else."""

from __future__ import annotations

import io
from typing import Any

from helpers.runs import a_run
from rich.console import Console

from smbench.report.page_tables import verdict
from smbench.report.run import show_run

OF_CAPTURE = "encrypted sessions without a key: 1 of 2 sessions (50.00 %); what was in them is not replayed"
OF_WIRE = "all SMB traffic in wire.pcapng is encrypted (48 messages): give --keytab"


def shown(**parts: Any) -> list[str]:
    out = io.StringIO()
    show_run(a_run(valid=False, reasons=["the harness was late"], **parts), Console(file=out, width=300))
    return out.getvalue().splitlines()


def test_of_capture_and_own_wire_ahead_of_why_a_run_is_not_valid() -> None:
    capture = {
        "grade": {"undecrypted": 1, "tcp_gaps": 1},
        "warnings": [OF_CAPTURE, "gaps in the TCP streams"],
    }
    wire = {"file": "wire.pcapng", "interface": "lo", "sealed": OF_WIRE}
    lines = shown(capture=capture, wire=wire)
    assert lines[0].startswith("NOT VALID")
    assert lines[1:4] == [
        f"  the capture has {OF_CAPTURE}",
        f"  of the run's own wire: {OF_WIRE}",
        "  not valid: the harness was late",
    ]
    page = verdict(a_run(capture=capture, wire=wire))
    assert page.index(OF_CAPTURE) < page.index("of the run&#x27;s own wire") < page.index("gaps in the TCP")
    assert "encrypted" not in "".join(shown())

"""A run or a capture is not anonymized: what of it stays in the house is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench.anonymize.others import refuse_others
from smbench.errors import UsageError
from smbench.run.store import FILES


def test_of_a_run_each_file_is_named_as_telling_or_as_numbers(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as refused:
        refuse_others(tmp_path)
    told, _, harmless = str(refused.value).partition("; latency.hlog, resources.parquet hold numbers alone")
    assert harmless
    for name in {*FILES} - {"latency.hlog", "resources.parquet"}:
        assert f"{name} (" in told


def test_a_capture_and_what_is_neither(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcap"
    capture.touch()
    with pytest.raises(UsageError, match="is a file, and only workloads are anonymized"):
        refuse_others(capture)
    refuse_others(tmp_path)
    refuse_others(tmp_path / "nowhere")

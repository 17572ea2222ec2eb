"""Five runs of one workload in the lab (scripts/lab): how much p50 and p99 vary."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

from helpers.aims import MISSED, told
from helpers.boot import boot_quietly

from smbench.ratios import format_percent

ROOT = Path(__file__).resolve().parents[2]


def prove() -> None:
    """In one boot of the lab: the demo's capture, five times on real CIFS mounts."""
    command = (
        'for n in 1 2 3 4 5; do rm -rf "$LAB_SHARE_PATH"/*; '
        ".venv/bin/smbench-mount replay tests/captures/three-users.pcap $LAB_SHARE --users $LAB_USERS "
        '-q --force -o "$LAB_OUT/$n.run" || test $? = 5 || exit 1; done'
    )
    with tempfile.TemporaryDirectory() as out:
        status, said = boot_quietly(
            Path(out), "--deadline", "600", "--", "bash", "-c", f'cd "{ROOT}"; {command}'
        )
        if status:
            print(f"  repeatability: the lab ended with {status}: {said[-300:]}")
            MISSED.append("repeatability")
            return
        runs = [json.loads((Path(out) / f"{n}.run" / "run.json").read_text()) for n in range(1, 6)]
    for measure in ("service", "response"):
        for name in ("p50_ns", "p99_ns"):
            values = [one["latency"]["all"][measure][name] for one in runs]
            varies = statistics.stdev(values) / statistics.mean(values)
            shown = " ".join(f"{value / 1e6:.2f}" for value in values)
            told(
                f"five runs in the lab, {measure} {name[:3]}: {shown} ms",
                f"varies by {format_percent(varies, 1)}", "printed", True,
            )  # fmt: skip

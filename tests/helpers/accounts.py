"""What became of whole captures: ingested, held against tshark's own counts, and told in a table."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from smbench.capture.decode import decode
from smbench.errors import SmbenchError
from smbench.lift.lift import lift
from smbench.trace.model import command_name
from smbench.workload.model import Disposition

BREAK = "OPLOCK_BREAK"
_PREPARATION = {"NEGOTIATE", "SESSION_SETUP", "TREE_CONNECT", "TREE_DISCONNECT", "LOGOFF"}
"""All that a capture may show in clear and still be of no use."""


@dataclass(frozen=True, slots=True)
class Account:
    """One capture's. `refused`: the sentence with which ingest turned it away."""

    capture: str
    exchanges: int = 0
    coverage: dict[str, int] = field(default_factory=dict)
    unsupported: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By command and reason."""
    differences: tuple[str, ...] = ()
    """Where the counts are not tshark's, or do not add up."""
    refused: str = ""


def account(capture: Path) -> Account:
    """Ingest a capture and count."""
    theirs = tshark_counts(capture)
    with TemporaryDirectory(prefix="accounts-") as scratch:
        try:
            info = lift(decode([capture], Path(scratch)), Path(scratch)).info
        except SmbenchError as error:
            lost = [f"tshark sees {dict(theirs)}"] if theirs.keys() - _PREPARATION else []
            return Account(capture.name, refused=str(error), differences=tuple(lost))
    coverage = {fate.value: 0 for fate in Disposition}
    unsupported: Counter[tuple[str, str]] = Counter()
    for row in info.coverage:
        coverage[row.disposition.value] += row.count
        if row.disposition is Disposition.UNSUPPORTED:
            unsupported[row.command, row.reason] += row.count
    ours = {name: count for name, count in info.trace.commands.items() if name != BREAK}
    differences = [
        f"{name}: {ours.get(name, 0)}, tshark counts {theirs.get(name, 0)}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name, 0) != theirs.get(name, 0)
    ]
    if sum(coverage.values()) != info.trace.exchanges:
        differences.append(f"coverage is {sum(coverage.values())} of {info.trace.exchanges}")
    return Account(capture.name, info.trace.exchanges, coverage, unsupported, tuple(differences))


def tshark_counts(capture: Path) -> Counter[str]:
    """Requests by command, as tshark shows them; breaks, which servers send too, left out."""
    argv = ["tshark", "-n", "-r", str(capture), "-Y", "smb2"]
    argv += ["-T", "fields", "-e", "smb2.cmd", "-e", "smb2.flags.response"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=False)
    counts: Counter[str] = Counter()
    for line in shown.stdout.splitlines():
        commands, _, responses = line.partition("\t")
        for command, response in zip(commands.split(","), responses.split(","), strict=False):
            if command and response in ("0", "False"):
                counts[command_name(int(command))] += 1
    del counts[BREAK]
    return counts


def table(accounts: Iterable[Account]) -> Iterator[str]:
    """A line a capture, the sum, and every reason for which something is not replayed."""
    fates = [fate.value for fate in Disposition]
    everything: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    yield f"{'capture':<48}{'exchanges':>10}" + "".join(f"{fate:>13}" for fate in fates)
    for one in accounts:
        counts = "".join(f"{one.coverage.get(fate, 0):>13,}" for fate in fates)
        shown = one.capture if len(one.capture) < 48 else f"{one.capture[:20]}…{one.capture[-26:]}"
        yield f"{shown:<48}{one.exchanges:>10,}{counts}"
        yield from (f"    {line}" for line in (one.refused, *one.differences) if line)
        everything.update(one.coverage)
        reasons.update(one.unsupported)
    total = sum(everything.values())
    yield f"{'all':<48}{total:>10,}" + "".join(f"{everything[fate]:>13,}" for fate in fates)
    yield "unsupported, by reason:"
    for (command, reason), count in reasons.most_common():
        yield f"{count:>8,}  {command:<16}{reason}"

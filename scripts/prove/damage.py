"""Captures that lack packets: no fewer exchanges than tshark shows, and none that was not there."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from helpers.aims import told
from helpers.packets import DAMAGES, damaged
from helpers.recovery import Recovered, content, recovered, tshark_sees

from smbench.capture.decode import decode
from smbench.capture.formats import Format, examine, unpacked
from smbench.errors import UsageError
from smbench.ratios import format_percent

ROOT = Path(__file__).resolve().parents[2]
WHERE = (ROOT / "tests/captures", ROOT.parent / "shared/captures")
LITTLE_ENDIAN = b"\xd4\xc3\xb2\xa1"
LEAST = 50
"""Requests that a capture must have."""
WAITING = "tcp.reassemble_out_of_order:TRUE"
"""How tshark was asked before the direct decoder: it waits for what is missing, for ever."""


def prove() -> None:
    """Each capture with each damage, by this decoder and by tshark in both its ways; then in sum."""
    print(f"  {'requests/answered':44} {'damage':12} {'here':>11} {'tshark':>11} {'tshark, waiting':>16}")
    fewer, invented, cases = 0, 0, 0
    sums: dict[str, Counter[str]] = {damage: Counter() for damage in DAMAGES}
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in captures():
            file = Path(scratch, "x.pcap")
            file.write_bytes(data)
            exchanges = list(decode([file], file.parent).exchanges)
            whole, numbers = Counter(map(content, exchanges)), {content(e)[:2] for e in exchanges}
            if recovered(exchanges).requests < LEAST:
                continue
            for damage in DAMAGES:
                file.write_bytes(damaged(data, damage, seed=1))
                left = list(decode([file], file.parent).exchanges)
                here, theirs, waiting = recovered(left), tshark_sees(file), tshark_sees(file, WAITING)
                cases += 1
                fewer += here.requests < theirs.requests or here.answered < theirs.answered
                # What is cut has lost its parameters: then the message ids must do.
                invented += sum(
                    content(e)[:2] not in numbers if "cut" in damage else not whole[content(e)] for e in left
                )
                sums[damage] += Counter(here=here.answered, theirs=theirs.answered, waiting=waiting.answered)
                sums[damage]["whole"] += recovered(exchanges).answered
                print(f"  {name:44} {damage:12} {_of(here)} {_of(theirs)} {_of(waiting, 16)}", flush=True)
    for damage, sum_ in sums.items():
        shares = (
            f"{format_percent(sum_[one] / max(1, sum_['whole']))}" for one in ("here", "theirs", "waiting")
        )
        print("  all captures, answered exchanges left, {:12} {:>11} {:>11} {:>16}".format(damage, *shares))
    told("damaged captures with fewer exchanges than tshark shows", f"{fewer} of {cases}", "0", not fewer)
    told("damaged captures: exchanges that were not there", f"{invented}", "0", not invented)
    told("damaged captures", f"{cases}", ">= 12 captures, each way", cases >= 12 * len(DAMAGES))


def _of(found: Recovered, width: int = 11) -> str:
    return f"{found.requests}/{found.answered}".rjust(width)


def captures() -> Iterator[tuple[str, bytes]]:
    """The shipped captures and those of the folder beside the project that can be damaged by the packet."""
    for path in [file for where in WHERE for file in sorted(where.rglob("*.pcap*"))]:
        try:
            packing, kind = examine(path)
            with path.open("rb") as file:
                data = unpacked(file, packing).read()
        except UsageError:
            continue
        if kind is Format.PCAP and data[:4] == LITTLE_ENDIAN and _readable(data):
            yield path.name.partition(".pcap")[0][-44:], data


def _readable(data: bytes) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "x.pcap")
        file.write_bytes(data)
        try:
            decode([file], file.parent)
        except UsageError:
            return False
    return True

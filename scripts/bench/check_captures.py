"""Every capture accounted for: exchanges, what became of them, and why some are not replayed.

    scripts/check-captures [CAPTURE-OR-FOLDER…]

Without arguments: the shipped captures, and those of the folder beside the project where it is. Exit status 1
where the counts by command are not tshark's own, or the coverage does not add up.
"""

from __future__ import annotations

import sys
from pathlib import Path

from helpers.accounts import Account, account, table

ROOT = Path(__file__).resolve().parents[2]
WHERE = (ROOT / "tests" / "captures", ROOT.parent / "shared" / "captures")


def main() -> int:
    if {"-h", "--help"} & {*sys.argv[1:]}:
        print(__doc__)
        return 0
    places = [Path(given) for given in sys.argv[1:]] or list(WHERE)
    files = [file for place in places for file in (sorted(place.glob("*.pcap*")) or [place])]
    accounts: list[Account] = [account(file) for file in files if file.is_file()]
    print(*table(accounts), sep="\n")
    wrong = sum(bool(one.differences) for one in accounts)
    print(f"{len(accounts)} captures, {wrong} not as tshark counts them")
    return int(wrong > 0)

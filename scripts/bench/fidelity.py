"""How true a replay is to the wire: in the lab, what was captured beside what its replay sent.

round trip   applications that nobody tuned for, captured on an application mount, replayed by the kernel's
             client in the wire profile; the replay's own capture replayed again (the fixed point); and the
             same by the library
windows      captures of ../shared/captures, of clients of other kinds: Windows, smbclient, smbtorture; each
             operation at a step of its own, in the captured order
contention   two users with leases on one file, three and eight at all times on two: as many breaks in the
             original and in each replay (--times)

Exit status 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

from helpers.aims import MISSED, at_least
from helpers.boot import boot
from helpers.fidelity import (
    Lab,
    Result,
    Service,
    contention,
    evenly,
    many_contend,
    operations_of,
    own_cpu_ns,
    password_of,
    service_of,
)

from smbench.ratios import Bad, format_ratio

ROOT = Path(__file__).resolve().parents[2]
SHOWN = 4
AIM = 0.90
ROUND_TRIP = 0.98
STEP_NS = 15_000_000
NOT_READ = {
    "is encrypted": "all of it is encrypted, and no key is known",
    "SMB1 only": "it holds SMB1 only",
}
"""What ingest says of captures that nobody can replay, and what the table does."""
NOTHING = "it asks for nothing but sessions and pipes"
SCENARIOS = ("round-trip", "windows", "contention")
Times = tuple[str, dict[str, Service], dict[str, Service], float]
"""Of an application: its name, service times by the kernel's client and by the library, the library's own CPU
time in ns."""


def show(name: str, by: str, result: Result) -> None:
    """One row, and beneath it what falls short, most first."""
    row = (
        f"{name:26}{by:12}{result.exchanges:>9,}{format_ratio(result.recall):>9}{format_ratio(result.precision):>11}"
        f"{format_ratio(result.supported):>11}{result.breaks[0]:>6} {result.breaks[1]:<3}"
        f"{result.mismatched:>8}{'' if result.valid else '  NOT VALID'}"
    )
    print(row, flush=True)
    for what, rows in (("missing", result.missing), ("extra", result.extra)):
        for command, rule, why, count in rows[:SHOWN]:
            print(f"    {what:8}{count:>6} {command:16}{rule:22}{why}")
        if len(rows) > SHOWN:
            print(f"    {what:8}{sum(row[3] for row in rows[SHOWN:]):>6} others")


def require(what: str, *, met: bool) -> None:
    """Say what falls short of its aim, and remember it."""
    if not met:
        print(f"    MISSED: {what}", flush=True)
        MISSED.append(what)


def attempt(name: str, steps: Callable[[], None]) -> None:
    """A scenario that fails says so, and the others go on."""
    try:
        steps()
    except Exception as error:
        print(f"{name:26}FAILED: {str(error)[:300]}", flush=True)
        MISSED.append(f"{name}: to run")
        if os.environ.get("SMBENCH_DEBUG"):
            traceback.print_exc()


def round_trip(lab: Lab, name: str, size: int, library: bool, times: list[Times]) -> None:
    def held(by: str, workload: Path, run: Path, *, precise: bool) -> None:
        result = lab.hold(workload, run)
        show(name, by, result)
        require(f"{name}, {by}: recall >= {ROUND_TRIP}", met=at_least(ROUND_TRIP, result.recall))
        if precise:
            require(f"{name}, {by}: precision >= {ROUND_TRIP}", met=at_least(ROUND_TRIP, result.precision))

    workload = lab.application(name, size)
    run = lab.replay(name, workload)
    held("kernel", workload, run, precise=True)
    own = lab.own_capture(run, lab.out / f"{name}-again.workload")
    held("kernel again", own, lab.replay(f"{name}-again", own), precise=True)
    if library:
        by_library = lab.replay(f"{name}-library", workload, "--executor", "library")
        held("library", workload, by_library, precise=False)
        times.append((name, service_of(run), service_of(by_library), own_cpu_ns(by_library)))


def windows(lab: Lab, capture: Path, judged: list[tuple[str, Result | str]]) -> None:
    workload = lab.out / f"{capture.stem}.workload"
    keys: list[str] = []
    if password := password_of(capture):
        # In the guest's own folder, which vanishes with it.
        secret = Path("/tmp", f"{capture.stem}.password")
        secret.write_text(password)
        keys = ["--nt-password-file", str(secret)]
    try:
        lab.ingest(capture, workload, *keys)
    except RuntimeError as error:
        why = next((why for sign, why in NOT_READ.items() if sign in str(error)), None)
        if why is None:
            raise
        print(f"{capture.stem:26}not replayed: {why}", flush=True)
        judged.append((capture.stem, why))
        return
    if not operations_of(workload):
        print(f"{capture.stem:26}not replayed: {NOTHING}", flush=True)
        judged.append((capture.stem, NOTHING))
        return
    evenly(workload, STEP_NS)
    # Not at half the pace, as other scenarios are: each operation has its time by now.
    result = lab.hold(workload, lab.replay(capture.stem, workload, "--speed", "1", "--deadline", "100"))
    show(capture.stem, "kernel", result)
    for command, (reference, candidate, matched) in result.by_command.items():
        print(f"    {command:16}{reference:>6} captured{candidate:>6} sent{matched:>6} matched")
    judged.append((capture.stem, result if result.exchanges else NOTHING))


def judge(judged: list[tuple[str, Result | str]]) -> None:
    """The table of all captures, and why any misses the aim."""
    print(
        f"\n{'capture':46}{'exchanges':>9}{'recall':>9}{'precision':>10}{'supported':>10}"
        f"{'posix':>8}  aim: posix >= {AIM:.2f}"
    )
    for name, result in judged:
        if isinstance(result, str):
            print(f"{name[:45]:46}{'–':>9}  {result}")
            continue
        met = result.posix is None or at_least(AIM, result.posix)
        print(
            f"{name[:45]:46}{result.exchanges:>9,}{format_ratio(result.recall):>9}"
            f"{format_ratio(result.precision):>10}{format_ratio(result.supported):>10}"
            f"{format_ratio(result.posix):>8}  {'met' if met else 'MISSED'}"
        )
        if not met:
            MISSED.append(f"{name}: posix >= {AIM}")
            for what, why, count in result.lost:
                print(f"    lost{count:>6} {what:40}{why}")
    lacking: Counter[tuple[str, str]] = Counter()
    for _, result in judged:
        if not isinstance(result, str):
            lacking.update({(command, why): count for command, why, count in result.lacking})
    if lacking:
        print("\nwithout a POSIX counterpart, over all captures")
        for (command, why), count in lacking.most_common():
            print(f"    {count:>6} {command:18}{why}")


def contend(lab: Lab, times: int, library: bool) -> None:
    executors = ("posix", "library") if library else ("posix",)
    for users, act in ((2, contention), (3, many_contend), (8, many_contend)):
        folder = lab.fresh("contended")
        for name in ("ledger.csv", "other.csv"):
            (folder / name).write_bytes(bytes(65536))
            (folder / name).chmod(0o666)
        workload = lab.capture(f"contention-{users}", users, act)
        for number, by in product(range(times), executors):
            run = lab.replay(f"contention-{users}-{by}-{number}", workload, "--executor", by, "--speed", "1")
            result = lab.hold(workload, run)
            show(f"contention of {users}", by, result)
            require(
                f"contention of {users}, {by}: as many breaks", met=result.breaks[0] == result.breaks[1] > 0
            )


def show_times(times: list[Times]) -> None:
    """The kernel's and the library's service times, by application, the most frequent call first."""
    print(
        f"\n{'service time, median':22}{'call':18}{'kernel':>17}{'library':>17}{'ratio':>8}\n"
        f"{'':40}{'calls':>7}{'µs':>10}{'calls':>7}{'µs':>10}"
    )
    for name, kernel, library, cpu_ns in times:
        sides = (kernel, library)
        most = {kind: max(side[kind].count for side in sides if kind in side) for kind in kernel | library}
        for at, kind in enumerate(sorted(most, key=lambda kind: (kind == "all", -most[kind], kind))):
            row = f"{'' if at else name:22}{kind:18}"
            for side in sides:
                done = side.get(kind)
                row += f"{done.count:>7,}{done.p50_ns / 1e3:>10,.0f}" if done else f"{'–':>7}{'–':>10}"
            if kind in kernel and kind in library:
                row += f"{format_ratio(library[kind].p50_ns / kernel[kind].p50_ns, 1, Bad.HIGH):>8}"
            print(row)
        print(f"{'':22}{'its own CPU, mean':18}{'':24}{cpu_ns / 1e3:>10,.0f}")
    print("The library makes the calls, too, that the captured client made by itself.")


def main() -> None:
    applications = subprocess.run(
        [ROOT / "scripts/make-fidelity", "list"], capture_output=True, text=True, check=True
    ).stdout.split()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)} (all)")
    parser.add_argument("--application", action="append", choices=applications, help="only this (repeatable)")
    parser.add_argument(
        "--capture", action="append", help="only captures with this in their name (repeatable)"
    )
    parser.add_argument("--size", type=int, default=60, help="files of a tree (default %(default)s)")
    parser.add_argument(
        "--times", type=int, default=1, help="replays of each contention and executor (default %(default)s)"
    )
    parser.add_argument("--no-library", action="store_true", help="the kernel's client only")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("fidelity"),
        help="keeps captures, workloads and runs (%(default)s), of what was carried out to its end",
    )
    options = parser.parse_args()
    chosen = options.scenarios or list(SCENARIOS)
    if strange := set(chosen) - set(SCENARIOS):
        parser.error(f"there is no scenario {strange.pop()!r}")
    if os.environ.get("LAB") != "1":
        sys.exit(
            boot(
                options.out,
                "--mem",
                "2000M",
                "--users",
                8,
                "--",
                ROOT / "scripts/bench-fidelity",
                *sys.argv[1:],
            )
        )
    lab = Lab(Path(os.environ["LAB_OUT"]))
    times: list[Times] = []
    judged: list[tuple[str, Result | str]] = []
    print(
        f"{'scenario':26}{'by':12}{'exchanges':>9}{'recall':>9}{'precision':>11}{'supported':>11}"
        f"{'breaks':>10}{'mismatched':>11}"
    )
    if "round-trip" in chosen:
        for name in options.application or applications:
            attempt(name, partial(round_trip, lab, name, options.size, not options.no_library, times))
    if "contention" in chosen:
        attempt("contention", partial(contend, lab, options.times, not options.no_library))
    if "windows" in chosen:
        folder = ROOT.parent / "shared/captures"
        captures = sorted([*folder.glob("*.pcap"), *folder.glob("*.pcapng")])
        if not captures:
            print(f"{'windows':26}skipped: {folder} is not there")
        for capture in captures:
            if not options.capture or any(part in capture.name for part in options.capture):
                attempt(capture.stem, partial(windows, lab, capture, judged))
        if judged:
            judge(judged)
    if times:
        show_times(times)
    print(
        "\nsupported: recall over what the lift could turn into an operation. breaks: original, replay."
        "\nposix: recall over what some call of POSIX, or ioctl, can make the kernel's client send."
    )
    print("\nall aims met" if not MISSED else "\nMISSED: " + "; ".join(MISSED))
    sys.exit(1 if MISSED else 0)

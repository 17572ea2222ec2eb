"""How true a replay is to the wire: in the lab, what was captured beside what its replay sent.

Applications that nobody tuned for (scripts/applications) are recorded on real CIFS mounts of the lab, by one
user or several, and replayed by the kernel's client in the wire profile and by the library. Captures that are
given are replayed in the same way, their users by the lab's accounts. Each replay is a line of the table;
what misses an aim follows, with its first causes.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers.boot import boot
from helpers.fidelity import Lab, applications

from bench.fidelity import kernels, service_times
from bench.fidelity.replaying import Asked, NotReplayableError, Replaying
from bench.fidelity.row import Row
from bench.fidelity.subjects import captures_of, chosen_of
from bench.fidelity.table import HEADER, LEGEND, causes, left_out, line, losses

ROOT = Path(__file__).resolve().parents[3]
ACCOUNTS = 8
EXAMPLES = """
examples:
  scripts/bench-fidelity                                    all applications
  scripts/bench-fidelity ../captures --no-applications      the captures of a folder
  scripts/bench-fidelity --only vim --only office           what has one of these in its name
  scripts/bench-fidelity customer.pcap --only customer --no-library
  scripts/bench-fidelity --only contention --only tail --runs 10
  scripts/bench-fidelity --kernel 6.12 --samba 4.22 --only editor --only tar
  scripts/bench-fidelity --kernel all --no-library --again  kernel by kernel, with the fixed point

exit status: 0 all aims met; 1 one was missed, or what should be replayed could not; 2 usage; 3 no lab.
"""


def parse() -> tuple[argparse.Namespace, dict[str, Path]]:
    """The options, and the captures that were chosen by name."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "captures", nargs="*", type=Path, metavar="CAPTURE", help="a capture, or a folder that has some"
    )
    parser.add_argument("--no-applications", action="store_true", help="the given captures only")
    parser.add_argument("--only", action="append", default=[], metavar="PART",
                        help="what has this in its name (repeatable)")  # fmt: skip
    parser.add_argument("--runs", type=int, default=1, metavar="N",
                        help="where leases are broken: equally often in each (%(default)s)")  # fmt: skip
    parser.add_argument("--no-library", action="store_true", help="the kernel's client only")
    parser.add_argument(
        "--again", action="store_true", help="replay the replay's own capture too: the fixed point"
    )
    parser.add_argument("--times", action="store_true", help="service times of kernel and library, by call")
    parser.add_argument("--size", type=int, default=60, help="files of an application's tree (%(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="of all replays (%(default)s)")
    parser.add_argument("--close-gaps", type=float, default=5.0, metavar="SECONDS",
                        help="the longest that a capture stands still (%(default)s)")  # fmt: skip
    parser.add_argument(
        "--deadline", type=int, default=300, metavar="SECONDS", help="of one replay (%(default)s)"
    )
    parser.add_argument("--kernel", metavar="VERSION|DIR|all",
                        help="of the lab (scripts/lab --help); all: one table of all that it has; what was "
                        "captured on the first is replayed on the others too")  # fmt: skip
    parser.add_argument("--samba", metavar="VERSION|DIR", help="of the lab")
    parser.add_argument("--out", type=Path, default=Path("fidelity"),
                        help="keeps captures, workloads and runs (%(default)s)")  # fmt: skip
    options = parser.parse_args()
    if options.kernel == kernels.ALL and (options.samba or options.no_applications):
        parser.error(
            "--kernel all records the applications with each server that it has: leave the other option"
        )
    if options.times and options.no_library:
        parser.error("--times needs the library: its service times stand beside the kernel's")
    if options.no_applications and not options.captures:
        parser.error("without applications it needs captures")
    try:
        captures = captures_of(options.captures)
        known = {} if options.no_applications else {one.name: one for one in applications()}
        chosen = chosen_of(options.only, {*known, *captures})
    except ValueError as error:
        parser.error(str(error))
    options.applications = sorted(chosen & {*known})
    return options, {name: capture for name, capture in captures.items() if name in chosen}


class Bench:
    """What became of each subject."""

    def __init__(self, replaying: Replaying) -> None:
        self.replaying = replaying
        self.rows: list[Row] = []
        self.left_out: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str]] = []

    def attempt(self, name: str, rows: Iterator[Row]) -> None:
        """A subject that fails says so, and the others go on."""
        try:
            for row in rows:
                print(line(row), flush=True)
                self.rows.append(row)
        except NotReplayableError as why:
            self.left_out.append((name, str(why)))
        except Exception as error:
            self.failed.append((name, str(error)[:400]))
            print(f"{name[:39]:40}FAILED: {str(error)[:400]}", flush=True)
            if os.environ.get("SMBENCH_DEBUG"):
                traceback.print_exc()

    def conclude(self, *, times: bool) -> bool:
        """Say what was left out and what missed; whether all is as it should be."""
        print(f"\n{LEGEND}\n")
        print(*left_out(self.left_out), *causes(self.rows), *losses(self.rows), sep="\n")
        if times:
            print("", *service_times.lines(self.replaying.times), sep="\n")
        missed = [f"{row.name} ({row.by})" for row in self.rows if row.missed()]
        missed += [f"{name}: to run" for name, _ in self.failed]
        print(f"\n{f'MISSED by {len(missed)}: ' + ', '.join(missed) if missed else 'all aims met'}")
        return not missed


def main() -> None:
    options, captures = parse()
    if os.environ.get("LAB") != "1":
        arguments = sys.argv[1:]
        if options.kernel != kernels.ALL:
            sys.exit(_in_the_lab(options.out, options.kernel, options.samba, arguments))

        def run(pair: kernels.Pair, out: Path, captured: Sequence[Path]) -> int:
            # What is said last holds: of the kernel and of the folder.
            own = ["--kernel", pair.kernel, "--samba", pair.samba, "--out", out]
            return _in_the_lab(out, pair.kernel, pair.samba, [*arguments, *own, *captured])

        sys.exit(kernels.every(options.out, run))
    asked = Asked(
        options.size, options.runs, options.speed, options.deadline, options.close_gaps,
        library=not options.no_library, again=options.again,
    )  # fmt: skip
    bench = Bench(Replaying(Lab(Path(os.environ["LAB_OUT"])), asked))
    print(HEADER, flush=True)
    known = {one.name: one for one in applications()}
    for name in options.applications:
        if known[name].missing:
            bench.left_out.append((name, f"it needs {known[name].missing} (scripts/setup --bench)"))
        else:
            bench.attempt(name, bench.replaying.application(known[name]))
    for name, capture in captures.items():
        bench.attempt(name, bench.replaying.capture(capture))
    kernels.write_rows(bench.rows, bench.replaying.folder / kernels.ROWS)
    sys.exit(0 if bench.conclude(times=options.times) else 1)


def _in_the_lab(out: Path, kernel: str | None, samba: str | None, arguments: Sequence[object]) -> int:
    more = ["--users", ACCOUNTS, "--mem", "2000M"]
    for option, value in (("--kernel", kernel), ("--samba", samba)):
        more += [option, value] if value else []
    return boot(out, *more, "--", ROOT / "scripts/bench-fidelity", *arguments)

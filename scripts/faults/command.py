"""Faults, injected one after the other: what the user saw, what was completed by the log, what is in the
result, what was left behind, the verdict."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec

from faults.ground import CASES, TOOL, Case, Ground, Seen

FILES = ("ended", "machine", "stopped", "ingest", "server", "long")
ROOT = Path(__file__).resolve().parents[2]
CAPTURE = ROOT / "tests/captures/three-users.pcap"
_GUEST_S = 7200


def main() -> None:
    for name in FILES:
        importlib.import_module(f"faults.{name}")
    options = _options()
    chosen = [case for case in CASES.values() if _wanted(case, options)]
    if not chosen:
        sys.exit("no case of that name: --list shows all")
    if options.list:
        for case in chosen:
            print(f"{case.name:36}{'lab' if case.lab else '':5}{case.injected}")
        return
    if options.inside:
        with options.inside.open("a", encoding="utf-8") as rows:
            for case in chosen:
                seen = _carried_out(case, os.environ["LAB_SHARE"], os.environ["LAB_USERS"])
                rows.write(json.dumps(asdict(seen)) + "\n")
                rows.flush()
        return
    wrong = 0
    print(_HEADING)
    for seen in _rows(chosen):
        print(_row(seen), flush=True)
        for why in seen.wrong:
            print(f"    WRONG: {why}", flush=True)
        wrong += bool(seen.wrong)
    print(f"\n{len(chosen)} cases, {wrong} wrong")
    sys.exit(1 if wrong else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/prove-faults", description=__doc__, epilog="Exit status 1 where a case is wrong."
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these; NAME* for all that begin so")
    parser.add_argument("--short", action="store_true", help="only those of scripts/test")
    parser.add_argument("--no-lab", action="store_true", help="leave out what needs a server")
    parser.add_argument("--list", action="store_true", help="name the cases and do nothing")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _wanted(case: Case, options: argparse.Namespace) -> bool:
    if options.cases:
        return any(
            case.name == name or (name.endswith("*") and case.name.startswith(name[:-1]))
            for name in options.cases
        )
    if options.inside:
        return case.lab
    return (case.short or not options.short) and not (case.lab and options.no_lab)


def _rows(cases: Iterable[Case]) -> Iterator[Seen]:
    cases = list(cases)
    for case in cases:
        if case.lab:
            continue
        if case.root not in (None, os.geteuid() == 0):
            print(f"{case.name:36} not tried: {'only root can' if case.root else 'root has no such limit'}")
            continue
        yield _carried_out(case)
    if lab := [case.name for case in cases if case.lab]:
        yield from _in_the_lab(lab)


def _carried_out(case: Case, share: str | None = None, users: str | None = None) -> Seen:
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/var/tmp") as folder:
        workload = Path(folder) / "w.workload"
        subprocess.run([TOOL, "ingest", CAPTURE, "-o", workload, "-q"], check=True, stdout=subprocess.DEVNULL)
        Path(folder).chmod(0o755)
        ground = Ground(case, workload, share, users)
        try:
            case.function(ground)
        except Exception as error:
            ground.seen.wrong.append(f"the case itself: {error!r}")
        return ground.close()


def _in_the_lab(names: list[str]) -> Iterator[Seen]:
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/var/tmp") as folder:
        rows = Path(folder) / "rows.jsonl"
        rows.touch()
        guest = subprocess.Popen(
            [
                ROOT / "scripts/lab", "--users", "3", "--out", folder, "--deadline", str(_GUEST_S), "--",
                sys.executable, ROOT / "scripts/as_command.py", "faults.command", "prove-faults",
                "--inside", rows, *names,
            ],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        told = 0
        while True:
            gone = guest.poll() is not None
            lines = [line for line in rows.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            for line in lines[told:]:
                yield msgspec.convert(json.loads(line), Seen)
            told = len(lines)
            if gone:
                break
            try:
                guest.wait(1)
            except subprocess.TimeoutExpired:
                continue
        _, said = guest.communicate()
        for name in names[told:]:
            why = f"the guest ended with {guest.returncode} before it: {(said or '')[-300:]}"
            yield Seen(name, CASES[name].injected, wrong=[why])


_HEADING = (
    f"{'case':36}{'status':>7}{'by the log':>11}{'in the result':>14}  {'verdict':22}{'left':>5}  "
    "what the user saw"
)


def _row(seen: Seen) -> str:
    def number(value: int | None) -> str:
        return "" if value is None else f"{value:,}"

    return (
        f"{seen.name:36}{number(seen.status):>7}{number(seen.completed):>11}{number(seen.result):>14}  "
        f"{seen.verdict:22}{len(seen.left):>5}  {seen.said[:140]}"
    )

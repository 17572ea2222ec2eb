"""What scripts call, as `smbench.ingest` and so on: the steps of the pipeline, without output of their own.

Options are the fields of the values that the steps take, and named as the command's: `smbench-mount replay
--speed 2` is `smbench.replay(…, speed=2)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from smbench.capture.decode import DecodeOptions
from smbench.fidelity.result import Result
from smbench.lift.selection import Selection
from smbench.pipeline import compare as comparing
from smbench.pipeline import ingest as ingesting
from smbench.pipeline.logons import load_logons
from smbench.pipeline.progress import SILENT, Progress
from smbench.pipeline.replay import carry_out
from smbench.pipeline.request import Request
from smbench.run import store
from smbench.run.model import Run
from smbench.signals import acting, exit_status, interrupt, name_of, on_ending
from smbench.workload.model import Workload

PathLike = str | os.PathLike[str]


def ingest(
    captures: PathLike | Sequence[PathLike], output: PathLike, *, force: bool = False,
    progress: Progress | None = None, **options: Any,
) -> Workload:  # fmt: skip
    """Make a workload directory of captures (pcap, pcapng, also .gz and .zst), and give the workload.

        workload = smbench.ingest("customer.pcap", "customer.workload", shares=("projects",), to_s=60)

    `options` are the fields of `smbench.capture.decode.DecodeOptions` (`jobs`, `ports`, `keytab`, …; `jobs`
    is the number of processors where none is given) and of `smbench.lift.selection.Selection` (`clients`,
    `users`, `shares`, `paths`, `from_s`, `to_s`); `accounts` is a users.toml with whose passwords encrypted
    sessions are opened. `force` replaces an earlier workload.

    Raises UsageError where one is no capture or nothing is selected, SetupError where tshark is needed and
    missing or there is no room.
    """
    paths = [Path(captures)] if isinstance(captures, str | os.PathLike) else [Path(one) for one in captures]
    decoding, rest = _decoding(options)
    selection = Selection(**{name: _tuple(value) for name, value in rest.items()}) if rest else None
    hear = progress or SILENT
    with _unwinding():
        return ingesting.ingest(paths, Path(output), decoding, selection, force=force, progress=hear)


def replay(
    workload: Workload | PathLike, target: PathLike, *, output: PathLike | None = None,
    progress: Progress | None = None, **options: Any,
) -> Run:  # fmt: skip
    """Carry a workload (or a workload directory, or a capture) out on a target, and give the run.

        run = smbench.replay("customer.workload", "//server/share", users="users.toml", clones=3)
        print(run.valid, run.latency["Read"].response.p99_ns, run.operations().num_rows)

    `options` are the fields of `smbench.Request`. The run directory is written to `output`, whole or not at
    all; without it to a temporary folder, which lasts as long as the process. A run that is not valid, or
    misses a threshold, is no error: `Run.valid`, `Run.reasons` and `Run.thresholds` tell.

    A signal that would end the process (SIGTERM, Ctrl-C, a closed terminal) ends the run: what was measured
    is written, all is unmounted, and then the signal does what it would have done: Ctrl-C raises
    KeyboardInterrupt, SIGTERM ends the process or calls your own handler; where that returns, `Run.stopped`
    has its name. Call it in the main thread, and better before the process has others: workers are forked.

    Raises UsageError for what was asked for and cannot be, SetupError where the surroundings are not ready.
    """
    named = {} if isinstance(workload, Workload) else {"source": Path(workload).name}
    request = Request(target=os.fspath(target), output=_path(output), **{**named, **options})
    hear = progress or SILENT
    with _unwinding() as act, _opened(workload, hear) as opened:
        run = carry_out(request, opened, hear)
    if run.stopped is not None and exit_status(run.stopped) is not None:
        act(run.stopped)
    return run


def compare(
    reference: PathLike, *candidates: PathLike, progress: Progress | None = None, **options: Any
) -> Result:
    """Hold candidates against a reference; each is a capture, a workload or a run.

        compared = smbench.compare("customer.pcap", "posix.run", "win32.run")
        for one in compared.candidates:
            print(one.name, one.wire.wire.recall if one.wire else one.outcomes.matched)

    `options` are the fields of `smbench.pipeline.compare.CompareRequest` (`users`, `folder`, `clone`, `loop`)
    and of `DecodeOptions`, and `accounts`, as for `ingest`.

    Raises UsageError where one is none of what can be compared, SetupError where tshark is needed and
    missing.
    """
    decoding, rest = _decoding(options)
    request = comparing.CompareRequest(decoding=decoding, **rest)
    paths = [Path(one) for one in candidates]
    with _unwinding():
        return comparing.compare(Path(reference), paths, request, progress or SILENT)


def read_run(directory: PathLike) -> Run:
    """The run in a run directory.

        print(smbench.read_run("first.run").latency["all"].service.p50_ns)

    Raises UsageError where there is none, or it is damaged.
    """
    return store.read(Path(directory))


@contextmanager
def _unwinding() -> Iterator[Callable[[str], None]]:
    """A signal that would end the process unwinds what is under way, so that nothing is left behind, and does
    then what it would have done; so does, by its name, one that is given to what this yields."""
    ended: KeyboardInterrupt | None = None
    with acting() as act:
        try:
            with on_ending(interrupt):
                yield act
        except KeyboardInterrupt as interrupted:
            ended = interrupted
    if ended is not None:
        act(name_of(ended))
        raise ended


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


@contextmanager
def _opened(workload: Workload | PathLike, progress: Progress) -> Iterator[Workload]:
    if isinstance(workload, Workload):
        yield workload
        return
    with ingesting.opened(Path(workload), progress) as found:
        yield found


def _decoding(options: Mapping[str, Any]) -> tuple[DecodeOptions, dict[str, Any]]:
    """How captures are read, and the options that say something else."""
    known = {field.name for field in fields(DecodeOptions)}
    mine = {name: value for name, value in options.items() if name in known}
    for name in ("nt_password_file", "keytab", "session_key_file"):
        if mine.get(name) is not None:
            mine[name] = Path(mine[name])
    if "ports" in mine:
        mine["ports"] = tuple(mine["ports"])
    mine.setdefault("jobs", os.cpu_count() or 1)
    if options.get("accounts") is not None:
        mine["logons"] = load_logons(Path(options["accounts"]))
    rest = {name: value for name, value in options.items() if name not in known | {"accounts"}}
    return DecodeOptions(**mine), rest


def _tuple(value: Any) -> Any:
    """Names as `Selection` has them: one may be given alone."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Sequence) else value

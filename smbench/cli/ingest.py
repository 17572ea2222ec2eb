"""`smbench-mount ingest`: capture → Trace → Workload."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from smbench.capture.decode import DecodeOptions
from smbench.capture.reading import Decoder
from smbench.cli.artefacts import default_output, whole
from smbench.cli.common import Console, common_options
from smbench.cli.gaps import warn_of_gaps
from smbench.errors import UsageError
from smbench.lift.lift import Selection
from smbench.report.inspection import inspection, show_inspection
from smbench.trace.model import Exchange, Trace, TraceInfo
from smbench.trace.store import StoredExchanges
from smbench.workload.model import Workload
from smbench.workload.store import MANIFEST, read, write_manifest

FILE = click.Path(path_type=Path)
_HEARD_EVERY = 4096
_NAMES_SHOWN = 8


def ingest_captures(
    console: Console, captures: Sequence[Path], output: Path, options: DecodeOptions,
    selection: Selection | None, force: bool,
) -> Workload:  # fmt: skip
    """Decode and lift captures into the workload directory `output`; it is there whole or not at all."""
    from smbench.capture.decode import decode
    from smbench.capture.fingerprint import fingerprint
    from smbench.lift.lift import lift

    with whole(output, ".workload", MANIFEST, force) as draft:
        with console.progress("reading the capture") as progress:
            trace = decode(captures, draft, options, progress)
        with console.progress("making operations") as progress:
            workload = lift(_heard(trace, progress), draft, selection)
        if trace.info.exchanges and not workload.info.trace.exchanges:
            raise UsageError(_nothing_selected(trace.info))
        files = [fingerprint(capture) for capture in captures]
        write_manifest(draft, replace(workload.info, capture_files=files))
    return read(output)


class _Heard(StoredExchanges):
    """Stored exchanges that say how many of them have been read."""

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._progress = progress

    def __iter__(self) -> Iterator[Exchange]:
        of = len(self)
        for number, exchange in enumerate(super().__iter__()):
            if not number % _HEARD_EVERY:
                self._progress(number, of)
            yield exchange


def _heard(trace: Trace, progress: Callable[[int, int], None]) -> Trace:
    stored = trace.exchanges
    return Trace(trace.info, _Heard(stored.path, progress)) if isinstance(stored, StoredExchanges) else trace


def _refuse_no_time(from_s: float | None, to_s: float | None) -> None:
    """UsageError where the two name no part of any capture."""
    for option, value in (("--from", from_s), ("--to", to_s)):
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{option} {value:g} makes no sense: give seconds from the capture's begin on")
    if from_s is not None and to_s is not None and from_s >= to_s:
        raise UsageError(f"--from {from_s:g} is not before --to {to_s:g}: no time lies between them")


def _nothing_selected(info: TraceInfo) -> str:
    """What there is to choose from."""
    users = sorted({user.name for user in info.users})
    shares = sorted({tree.share for tree in info.trees})
    clients = sorted({connection.client for connection in info.connections})
    return (
        f"none of the {info.exchanges:,} exchanges is selected: they are of the users {_few(users)} at "
        f"{_few(clients)} on the shares {_few(shares)}, and last {info.duration_ns / 1e9:.3f} s"
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (" and others" if len(names) > _NAMES_SHOWN else "")


@click.command(short_help=__doc__)
@click.argument("captures", nargs=-1, required=True, type=FILE)
@click.option(
    "-o", "--output", type=FILE, help="The workload to write (default: CAPTURE's name with .workload)."
)
@click.option("--force", is_flag=True, help="Replace an existing workload.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default="the CPU count",
              help="Processes at once.")  # fmt: skip
@click.option(
    "--client", metavar="ADDR", multiple=True, help="Only exchanges of this client address (repeatable)."
)
@click.option("--user", metavar="NAME", multiple=True, help="Only this user's (repeatable).")
@click.option("--share", metavar="NAME", multiple=True, help="Only on this share (repeatable).")
@click.option("--path", metavar="GLOB", multiple=True, help="Only on paths that match (repeatable).")
@click.option(
    "--from", "from_s", type=float, metavar="SECONDS", help="Only from this time of the capture on."
)
@click.option("--to", "to_s", type=float, metavar="SECONDS", help="Only up to this time of the capture.")
@click.option(
    "--port", type=click.IntRange(1, 65535), multiple=True, help="SMB on this port too, beside 445 and 139."
)
@click.option(
    "--decoder", type=click.Choice([kind.value for kind in Decoder]), default=Decoder.AUTO.value,
    show_default=True,
    help="auto: what is plain is read directly, the rest by tshark; tshark: all, as the reference that it is "
    "(slower, and a connection ends where a packet is missing).",
)  # fmt: skip
@click.option("--nt-password-file", type=FILE, help="Decrypt: a file with the NT password on its first line.")
@click.option("--keytab", type=FILE, help="Decrypt: a Kerberos keytab.")
@click.option("--session-key-file", type=FILE,
              help="Decrypt: lines of SESSION_ID,KEY or SESSION_ID,,S2C_KEY,C2S_KEY in hex.")  # fmt: skip
@common_options
def ingest(
    console: Console, captures: tuple[Path, ...], output: Path | None, force: bool, jobs: int,
    client: tuple[str, ...], user: tuple[str, ...], share: tuple[str, ...], path: tuple[str, ...],
    from_s: float | None, to_s: float | None, port: tuple[int, ...], decoder: str,
    nt_password_file: Path | None, keytab: Path | None, session_key_file: Path | None,
) -> None:  # fmt: skip
    """Turn captures (pcap, pcapng, also .gz and .zst) into a workload: every SMB2/3 exchange decoded,
    lifted to file operations, and accounted for.

    \b
    Examples:
      smbench-mount ingest customer.pcap
      smbench-mount ingest part-1.pcap part-2.pcap -o customer.workload --share projects
      smbench-mount ingest encrypted.pcapng --nt-password-file passwords.txt
    """
    _refuse_no_time(from_s, to_s)
    options = DecodeOptions(
        jobs=jobs,
        ports=port,
        nt_password_file=nt_password_file,
        keytab=keytab,
        session_key_file=session_key_file,
        decoder=Decoder(decoder),
    )
    selection = Selection(clients=client, users=user, shares=share, paths=path, from_s=from_s, to_s=to_s)
    output = output or default_output(captures[0], ".workload")
    workload = ingest_captures(console, captures, output, options, selection, force)
    document = inspection(workload)
    warn_of_gaps(console, document["gaps"])
    console.result({**document, "workload": str(output)}, lambda out: show_inspection(document, out))
    console.note(f"written: {output}")

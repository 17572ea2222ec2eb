"""`smbench-mount ingest`: capture → Trace → Workload."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from smbench.capture.decode import DecodeOptions
from smbench.capture.limits import PATIENCE_S
from smbench.capture.reading import Decoder
from smbench.capture.received import STANDARD_INPUT
from smbench.cli.amounts import duration_s, size
from smbench.cli.common import Console, common_options
from smbench.errors import UsageError
from smbench.lift.selection import Selection
from smbench.pipeline.artefacts import default_output
from smbench.pipeline.ingest import ingest as carry_out
from smbench.pipeline.logons import load_logons
from smbench.plan import find_gaps, gaps_warning
from smbench.report.inspection import inspection, show_inspection

FILE = click.Path(path_type=Path, readable=False)
"""That it cannot be read, whoever reads it says."""
Command = TypeVar("Command", bound=Callable[..., Any])


def key_options(command: Command) -> Command:
    """Adds what opens encrypted sessions."""
    options = (
        click.option("--users", "accounts", type=FILE, metavar="users.toml",
                     help="Decrypt: the accounts with their passwords, as for replay."),
        click.option("--nt-password-file", type=FILE,
                     help="Decrypt: a file with the NT password on its first line."),
        click.option("--keytab", type=FILE, help="Decrypt: a Kerberos keytab."),
        click.option("--session-key-file", type=FILE,
                     help="Decrypt: lines of SESSION_ID,KEY or SESSION_ID,,S2C_KEY,C2S_KEY in hex."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def decoder_options(command: Command) -> Command:
    """Adds what decoding processes may take, and what becomes of a capture where one stops."""
    options = (
        click.option(
            "--keep-going", is_flag=True,
            help="Where tshark crashes or is ended, keep what it decoded before: the rest counts as lost.",
        ),
        click.option(
            "--decoder-memory", metavar="SIZE", show_default="three quarters of the machine's",
            help="Memory that all tsharks together may take.",
        ),
        click.option(
            "--decoder-cpu", metavar="DURATION", show_default="10 min, and 10 s for each MiB",
            help="CPU time that each decoding process may take.",
        ),
        click.option(
            "--decoder-patience", metavar="DURATION", default=f"{PATIENCE_S:g}s", show_default=True,
            help="How long a decoding process may show nothing, read nothing and use no CPU.",
        ),
        click.option(
            "--decoder-unpacked", metavar="SIZE", show_default="1 GiB, or 100 times its own size",
            help="Bytes that may come of a capture that is packed.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


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
@key_options
@decoder_options
@common_options
def ingest(
    console: Console, captures: tuple[Path, ...], output: Path | None, force: bool, **options: Any
) -> None:
    """Turn captures (pcap, pcapng, also .gz and .zst; - is standard input) into a workload: every SMB2/3
    exchange decoded, lifted to file operations, and accounted for.

    \b
    Examples:
      smbench-mount ingest customer.pcap
      smbench-mount ingest part-1.pcap part-2.pcap -o customer.workload --share projects
      smbench-mount ingest encrypted.pcapng --users users.toml
      tcpdump -U -s 0 -c 100000 -w - port 445 | smbench-mount ingest - -o customer.workload
    """
    if output is None and captures[0] == STANDARD_INPUT:
        raise UsageError("- is standard input, which has no name that the workload could take: give -o")
    output = output or default_output(captures[0], ".workload")
    workload = carry_out(
        captures,
        output,
        decoding(options, console),
        Selection(
            clients=options["client"],
            users=options["user"],
            shares=options["share"],
            paths=options["path"],
            from_s=options["from_s"],
            to_s=options["to_s"],
        ),
        force=force,
        progress=console,
    )
    gaps = find_gaps(workload.operations)
    document = inspection(workload, gaps)
    if (warning := gaps_warning(gaps)) is not None:
        console.warn(warning)
    console.result({**document, "workload": str(output)}, lambda out: show_inspection(document, out))
    console.note(f"written: {output}")


def decoding(options: Mapping[str, Any], console: Console) -> DecodeOptions:
    """How captures are read, by the options that the commands have in common."""
    memory, cpu = options["decoder_memory"], options["decoder_cpu"]
    unpacked, accounts = options["decoder_unpacked"], options["accounts"]
    return DecodeOptions(
        jobs=options["jobs"],
        ports=options["port"],
        nt_password_file=options["nt_password_file"],
        keytab=options["keytab"],
        session_key_file=options["session_key_file"],
        logons=() if accounts is None else load_logons(accounts, console),
        decoder=Decoder(options.get("decoder", Decoder.AUTO)),
        decoder_memory_bytes=None if memory is None else size("--decoder-memory", memory),
        decoder_cpu_s=None if cpu is None else duration_s("--decoder-cpu", cpu, above_s=0.0),
        decoder_patience_s=duration_s("--decoder-patience", options["decoder_patience"], above_s=0.0),
        decoder_unpacked_bytes=None if unpacked is None else size("--decoder-unpacked", unpacked),
        keep_going=options["keep_going"],
    )

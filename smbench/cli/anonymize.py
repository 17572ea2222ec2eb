"""`smbench-mount anonymize`: a workload that may leave the house."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
from rich.console import Console as RichConsole

from smbench.cli.common import Console, common_options
from smbench.errors import UsageError
from smbench.pipeline.artefacts import whole
from smbench.stored import read_given

SHORTEST_KEY = 16
_KEY_BYTES = 32
_FILE = click.Path(path_type=Path)


@click.command(short_help=__doc__)
@click.argument("workload", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The workload to write.")
@click.option("--key-file", type=_FILE, help="The secret that pseudonyms are made with, of 16 bytes or more; "
              "the same key gives the same pseudonyms (default: a random one, kept nowhere).")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing workload.")
@common_options
def anonymize(console: Console, workload: Path, output: Path, key_file: Path | None, force: bool) -> None:
    """Write a workload with every name replaced by a keyed pseudonym: of files, folders, streams,
    shares, users, domains, machines, addresses, GUIDs. The directory structure and the extensions stay;
    so do the operations, their times, sizes and outcomes. Names that are equal but for their case stay
    equal. The content of files was never in a workload.

    \b
    Examples:
      smbench-mount anonymize customer.workload -o shareable.workload
      smbench-mount anonymize monday.workload -o monday-anonymous.workload --key-file secret.key
    """
    from smbench.anonymize.artefact import anonymize as rewrite
    from smbench.anonymize.pseudonyms import Pseudonyms
    from smbench.lift.vocabulary import WORDS
    from smbench.workload.store import MANIFEST

    if output.resolve() == workload.resolve():
        raise UsageError(f"{output} is the workload itself: choose another name with -o")
    key = secrets.token_bytes(_KEY_BYTES) if key_file is None else _read_key(key_file)
    with (
        whole(output, ".workload", MANIFEST, force) as draft,
        console.stage("replacing the names") as progress,
    ):
        rewrite(workload, draft, Pseudonyms(key, WORDS), progress)

    def show(out: RichConsole) -> None:
        out.print(f"written: {output}, with pseudonyms in place of all names", markup=False)

    console.result({"schema": 1, "workload": str(output), "random_key": key_file is None}, show)


def _read_key(path: Path) -> bytes:
    key = read_given(path, "key file").rstrip(b"\r\n")
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"the key in {path} has {len(key)} bytes, and fewer than {SHORTEST_KEY} can be guessed; "
            f"make one with: openssl rand -hex 32 > {path}"
        )
    return key

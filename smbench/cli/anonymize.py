"""`smbench-mount anonymize`: a workload that may leave the house."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console as RichConsole

from smbench.cli.common import Console, common_options
from smbench.errors import UsageError
from smbench.pipeline.artefacts import whole

_FILE = click.Path(path_type=Path)


@click.command(short_help=__doc__)
@click.argument("workload", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The workload to write.")
@click.option("--key-file", type=_FILE,
              help="The secret that pseudonyms are made with; made where it is not there. The same key gives "
              "the same pseudonyms (default: a random one, kept nowhere).")  # fmt: skip
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
    from smbench.anonymize.key import key_of, random_key
    from smbench.anonymize.pseudonyms import Pseudonyms
    from smbench.lift.vocabulary import WORDS
    from smbench.workload.store import MANIFEST

    if output.resolve().is_relative_to(workload.resolve()):
        what = "is" if output.resolve() == workload.resolve() else "lies in"
        raise UsageError(f"{output} {what} the workload itself: choose another place with -o")
    key, made = (random_key(), False) if key_file is None else key_of(key_file)
    if made:
        console.note(f"made a key: {key_file}; keep it, and keep it from others")
    with (
        whole(output, ".workload", MANIFEST, force) as draft,
        console.stage("replacing the names") as progress,
    ):
        names = Pseudonyms(key, WORDS)
        searched = rewrite(workload, draft, names, progress)

    def show(out: RichConsole) -> None:
        out.print(
            f"written: {output}, with pseudonyms in place of all names; none of {len(names.replaced):,} "
            f"originals stands in the {searched.texts:,} texts of its {searched.files} files",
            markup=False,
        )

    document = {"originals": len(names.replaced), "texts": searched.texts, "files": searched.files}
    console.result(
        {"schema": 1, "workload": str(output), "random_key": key_file is None, "searched": document}, show
    )

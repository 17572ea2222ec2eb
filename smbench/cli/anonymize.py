"""`smbench-mount anonymize`: a workload that may leave the house."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console as RichConsole

from smbench.anonymize.keep import Keep
from smbench.cli.common import Console, common_options
from smbench.errors import UsageError
from smbench.pipeline.artefacts import whole

if TYPE_CHECKING:
    from smbench.anonymize.artefact import Copy
    from smbench.anonymize.pseudonyms import Pseudonyms

_FILE = click.Path(path_type=Path)


@click.command(short_help=__doc__)
@click.argument("workload", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The workload to write.")
@click.option("--key-file", type=_FILE,
              help="The secret that pseudonyms are made with; made where it is not there. The same key gives "
              "the same pseudonyms (default: a random one, kept nowhere).")  # fmt: skip
@click.option("--keep", type=click.Choice(list(map(str, Keep))), default=str(Keep.STRUCTURE),
              show_default=True,
              help="What is kept that tells files apart: of sizes and times their classes (structure), sizes "
              "to the byte (sizes), both as captured (all).")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing workload.")
@common_options
def anonymize(
    console: Console, workload: Path, output: Path, key_file: Path | None, keep: str, force: bool
) -> None:
    """Write a workload that may leave the house: with every name replaced by a keyed pseudonym (of files,
    folders, streams, shares, users, domains, machines, addresses, GUIDs), session and tree ids numbered anew,
    and without ports, the time of the capture and what the server told of its disks. The directory structure
    and well-known extensions stay; so do the operations, the times between them, and their outcomes. The
    content of files was never in a workload.

    \b
    Whoever has the tree that was captured may find files again by what is kept of them, whatever they are
    called. How many is said for each level of --keep:
      structure  sizes by class (powers of two), but of files whose size an operation needs; times by class
      sizes      sizes to the byte
      all        sizes and times as captured

    \b
    Examples:
      smbench-mount anonymize customer.workload -o shareable.workload
      smbench-mount anonymize monday.workload -o monday-anonymous.workload --key-file secret.key
      smbench-mount anonymize customer.workload -o exact.workload --keep sizes
    """
    from smbench.anonymize.artefact import anonymize as rewrite
    from smbench.anonymize.key import key_of, random_key
    from smbench.anonymize.others import refuse_others
    from smbench.anonymize.pseudonyms import Pseudonyms
    from smbench.lift.vocabulary import BEFORE_NAMES, WORDS
    from smbench.workload.store import MANIFEST, read

    refuse_others(workload)
    _refuse_inside(workload, output, key_file)
    read(workload)  # before a key is made for what is no workload
    key, made = (random_key(), False) if key_file is None else key_of(key_file)
    if made:
        console.note(f"made a key: {key_file}; keep it, and keep it from others")
    with (
        whole(output, ".workload", MANIFEST, force) as draft,
        console.stage("replacing the names") as progress,
    ):
        names = Pseudonyms(key, WORDS, BEFORE_NAMES)
        copy = rewrite(workload, draft, names, Keep(keep), progress)
    if names.partial_patterns:
        console.warn(
            f"{len(names.partial_patterns):,} patterns of listings have a part of a name, as report* has: in "
            "the copy they list nothing"
        )
    console.result(
        _document(output, key_file, Keep(keep), copy, names), lambda out: _show(output, Keep(keep), copy, out)
    )


def _document(
    output: Path, key_file: Path | None, keep: Keep, copy: Copy, names: Pseudonyms
) -> dict[str, Any]:
    searched = copy.searched
    return {
        "schema": 1,
        "workload": str(output),
        "random_key": key_file is None,
        "searched": {"originals": searched.originals, "texts": searched.texts, "files": searched.files},
        "keep": keep,
        "risk": {level: {"paths": each.paths, "unique": each.unique} for level, each in copy.risks.items()},
        "partial_patterns": len(names.partial_patterns),
    }


def _show(output: Path, keep: Keep, copy: Copy, out: RichConsole) -> None:
    searched, risk = copy.searched, copy.risks[keep]
    shares = ", ".join(f"{level} {each.share:.1%}" for level, each in copy.risks.items())
    out.print(
        f"written: {output}, with pseudonyms in place of all names; none of {searched.originals:,} "
        f"originals stands in the {searched.texts:,} texts of its {searched.files} files\n"
        f"risk: {risk.unique:,} of {risk.paths:,} paths are like no other by what is kept: who has the "
        f"tree that was captured knows which they are (--keep {shares})",
        markup=False,
    )


def _refuse_inside(workload: Path, output: Path, key_file: Path | None) -> None:
    """UsageError where the copy would lie in the workload, or its key in what is sent or replaced."""
    # Not by Path.resolve, which has no sentence for links that lead in a circle.
    source, target = (Path(os.path.realpath(path)) for path in (workload, output))
    if target.is_relative_to(source):
        what = "is" if target == source else "lies in"
        raise UsageError(f"{output} {what} the workload itself: choose another place with -o")
    if key_file is None:
        return
    key = Path(os.path.realpath(key_file))
    for place, where in ((workload, source), (output, target)):
        if key.is_relative_to(where):
            raise UsageError(
                f"the key {key_file} would lie in {place}: name a place of its own with --key-file"
            )

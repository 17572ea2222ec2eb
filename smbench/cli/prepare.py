"""`smbench-mount prepare`: the files that a workload presumes, made, checked or removed on a target."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console as RichConsole

from smbench.cli import amounts
from smbench.cli.common import Console, common_options
from smbench.cli.dryrun import amount_document, show_amount
from smbench.cli.effects import Needs, refuse_without_effect
from smbench.cli.targets import complete_target, target_options
from smbench.errors import SetupError, UsageError
from smbench.pipeline.request import DEFAULTS, Destination, Filling
from smbench.prepare.content import Content
from smbench.prepare.outcome import Prepared
from smbench.report.text import plain_table
from smbench.units import format_size
from smbench.workload.model import Workload

if TYPE_CHECKING:
    from smbench.prepare.roots import Roots

_DIFFERENCES_SHOWN = 20


@click.command(short_help=__doc__)
@click.argument("workload", type=click.Path(path_type=Path))
@click.argument("target", shell_complete=complete_target)
@target_options
@click.option("--content", type=click.Choice([kind.value for kind in Content]),
              default=DEFAULTS["content"].value, show_default=True,
              help="auto: incompressible data where the workload reads, holes elsewhere; full: data "
              "everywhere; sparse: sizes only.")  # fmt: skip
@click.option("--max-bytes", metavar="SIZE", default=format_size(DEFAULTS["max_bytes"]).replace(" ", ""),
              show_default=True, help="The most content that may be written.")  # fmt: skip
@click.option("--verify", is_flag=True, help="Only check what is there against the workload.")
@click.option(
    "--clean", "cleans", is_flag=True, help="Remove what prepare made, for clones too, and nothing else."
)
@click.option("--dry-run", is_flag=True, help="Say how much would be written; touch nothing.")
@click.option("--force", is_flag=True, help="Use a folder that holds other files too; they are left alone.")
@common_options
def prepare(
    console: Console, workload: Path, content: str, max_bytes: str, verify: bool, cleans: bool, dry_run: bool,
    force: bool, **target: Any,
) -> None:  # fmt: skip
    """Make the namespace that a workload presumes under TARGET: directories, files of the right size with
    data where the workload reads them, attributes and times. A replay does this by itself; here it can be
    done ahead, checked, and undone.

    \b
    Examples:
      smbench-mount prepare customer.workload /srv/scratch
      sudo smbench-mount prepare customer.workload //server/share --users users.toml --content sparse
      smbench-mount prepare customer.workload /srv/scratch --content full --dry-run
      smbench-mount prepare customer.workload /srv/scratch --verify
      smbench-mount prepare customer.workload /srv/scratch --clean
    """
    from smbench.pipeline.place import place_workload
    from smbench.pipeline.preparing import one_root, prepare_root, warn_of_losses
    from smbench.pipeline.sole import sole_use
    from smbench.workload.store import read

    if verify and cleans:
        raise UsageError("--verify looks at what --clean would remove: give one of them")
    only = "--verify" if verify else "--clean"
    makes = not (verify or cleans)
    refuse_without_effect(
        [
            Needs("content", f"with {only}: leave one of them", makes),
            Needs("max_bytes", f"with {only}: leave one of them", makes),
            Needs("force", f"with {only}: leave one of them", makes),
            Needs("dry_run", f"with {only}: leave one of them", makes),
            Needs(
                "max_bytes", "with --content sparse, which writes no content: leave one of them",
                content != Content.SPARSE.value,
            ),
        ]
    )  # fmt: skip
    limit = amounts.size("--max-bytes", max_bytes)
    loaded = read(workload)
    if dry_run:
        _dry_run(console, loaded, Content(content))
        return
    place = place_workload(loaded, Destination(**target), console)
    with sole_use(place.target, verify), one_root(place, console, loaded) as roots:
        if verify:
            _verify(console, loaded, roots)
        elif cleans:
            _clean(console, roots.root)
        else:
            filling = Filling(content=Content(content), max_bytes=limit, force=force)
            made = prepare_root(loaded, place, roots, filling, console)
            warn_of_losses(made, console)
            console.result(
                {"schema": 1, **_document(made)}, lambda out: out.print(f"made {made}", markup=False)
            )


def _dry_run(console: Console, workload: Workload, content: Content) -> None:
    from smbench.pipeline.preparing import amount_of, wanted_content

    document = amount_document(amount_of(workload, wanted_content(workload, content)), content)
    console.result({"schema": 1, **document}, lambda out: show_amount(document, out))


def _verify(console: Console, workload: Workload, roots: Roots) -> None:
    from smbench.pipeline.preparing import reads_of
    from smbench.prepare.check import verify

    differences = verify(roots, workload.namespace, reads_of(workload))

    def show(out: RichConsole) -> None:
        if not differences:
            out.print("all is there as the workload presumes it")
            return
        rows = [(row.path, row.what, row.expected, row.found) for row in differences[:_DIFFERENCES_SHOWN]]
        out.print(plain_table(("path", "differs in", "workload", "target"), rows))

    console.result({"schema": 1, "differences": [asdict(row) for row in differences]}, show)
    if differences:
        raise SetupError(
            f"the target differs from the workload in {len(differences)} places: run prepare again"
        )


def _clean(console: Console, root: Path) -> None:
    from smbench.prepare.clean import clean

    with console.stage("removing") as progress:
        cleaned = clean(root, progress=progress)
    console.result(
        {
            "schema": 1,
            "removed": cleaned.removed,
            "left": [list(row) for row in cleaned.left],
            "others": cleaned.others,
        },
        lambda out: out.print(
            f"removed {cleaned.removed} names; {len(cleaned.others)} others are left alone"
        ),
    )
    if cleaned.left:
        path, reason = cleaned.left[0]
        raise SetupError(f"{len(cleaned.left)} names could not be removed, e.g. {path}: {reason}")


def _document(prepared: Prepared) -> dict[str, Any]:
    # Not asdict, which makes counts of a Counter's items (bpo-35540).
    document = {field.name: getattr(prepared, field.name) for field in fields(prepared)}
    return {name: dict(value) if isinstance(value, Counter) else value for name, value in document.items()}

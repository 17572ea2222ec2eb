"""`smbench-mount recover`: the result of a run that was cut off."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from smbench.cli.capacity import shown
from smbench.cli.common import Console, common_options
from smbench.cli.report import written_page
from smbench.cli.statuses import status_of
from smbench.errors import UsageError
from smbench.pipeline.recover import cut_off
from smbench.pipeline.recover import recover as make_result
from smbench.pipeline.recover_search import cut_search, recover_search
from smbench.report.run import show_run
from smbench.run.store import DOCUMENT, document_of


@click.command(short_help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="RUN", type=click.Path(path_type=Path),
    help="Where the result goes (default: beside what was left).",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@common_options
def recover(console: Console, run: Path, output: Path | None, force: bool) -> None:
    """Make the result of a replay that was cut off (killed, or without room to write it): everything that was
    completed, as the replay itself would have told it; of a search for a capacity, all its runs. RUN is the
    name that the result was to have, or the folder that was said to keep the records (with -o).

    \b
    Examples:
      smbench-mount recover first.run
      smbench-mount recover /dev/shm/smbench-run-x2fk31ab -o /mnt/roomy/first.run

    \b
    Exit status: 0; 2 usage, or nothing was measured; 3 environment (the records are another user's, no room,
    …); 5 the run is not valid; 99 a threshold was missed; 137 the replay was killed.
    As of the replay itself: the first of 137 (or 130, 143, 129 of a signal), 5, 99.
    """  # fmt: skip
    found = cut_off(run)
    if found is None and (search := cut_search(run)) is not None:
        sys.exit(shown(console, recover_search(search, output, force, console), output or search.output))
    if found is None:
        whole = (run / DOCUMENT).is_file()
        raise UsageError(
            f"{run} is whole: see it by smbench-mount report {run}"
            if whole
            else f"no replay that was cut off left anything at {run}; smbench-mount clean lists what there is"
        )
    made = make_result(found, output, force, console)
    written_page(console, made)
    console.result(document_of(made), lambda out: show_run(made, out))
    console.note(f"written: {made.directory}")
    if status := status_of(made):
        sys.exit(status)

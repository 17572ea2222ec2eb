"""`smbench-mount report`: the report of a run, from its directory."""

from __future__ import annotations

from pathlib import Path

import click

from smbench.cli.common import Console, common_options
from smbench.errors import SetupError, UsageError
from smbench.pipeline.artefacts import for_caller
from smbench.pipeline.partial import partial_of
from smbench.pipeline.recover import cut_off, recover
from smbench.pipeline.recover_search import cut_search
from smbench.report.csv import TABLES, write_csv
from smbench.report.page import write_page
from smbench.report.run import show_run
from smbench.run.model import Run
from smbench.run.store import DOCUMENT, PAGE, document_of, read


@click.command(short_help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Where the page goes (default: {PAGE} in the run).",
)
@click.option(
    "--csv",
    "csv_folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write latency.csv, series.csv and mismatches.csv there too.",
)
@click.option(
    "--workload", type=click.Path(path_type=Path),
    help="What was replayed, for the frames of the slowest calls (default: what lies beside the run).",
)  # fmt: skip
@common_options
def report(
    console: Console, run: Path, html: Path | None, csv_folder: Path | None, workload: Path | None
) -> None:
    """The report of a run, as text and as one HTML page that opens offline: is it valid, did it keep to
    its thresholds, did the operations end as in the capture, what did they cost and when.

    \b
    Examples:
      smbench-mount report first.run
      smbench-mount report first.run --html first.html --csv tables
      smbench-mount report first.run --json | jq .latency.Read.service
    """
    found = _read(console, run)
    written = written_page(console, found, html, workload)
    if csv_folder is not None:
        with for_caller(*(csv_folder / name for name in TABLES)):
            written += write_csv(found, csv_folder)
    console.result(document_of(found), lambda out: show_run(found, out))
    if written:
        console.note("written: " + ", ".join(map(str, written)))


def _read(console: Console, run: Path) -> Run:
    """The run; of a replay that was cut off, its result is made first."""
    if not (run / DOCUMENT).exists() and (found := cut_off(run)) is not None:
        if found.partial != partial_of(run):  # of what was sent a report is made, and no more
            raise UsageError(
                f"{run} is what a replay left that was cut off: smbench-mount recover makes its result"
            )
        made = recover(found, progress=console)
        console.note(f"{run} was cut off: its result was made of what it left")
        return made
    if not run.exists() and cut_search(run) is not None:
        raise UsageError(f"{run} was a search that was cut off: smbench-mount recover {run} keeps its runs")
    return read(run)


def written_page(
    console: Console, run: Run, html: Path | None = None, workload: Path | None = None
) -> list[Path]:
    """Write the page of a run; its name, or nothing where that failed. Where nobody asked for it by a
    name, a run that is not ours to write to, or not whole any more, is a warning and no error."""
    try:
        with for_caller(html or run.file(PAGE)):
            return [write_page(run, html, workload)]
    except (UsageError, SetupError) as error:
        if html is not None:
            raise
        console.warn(f"no page: {error}")
        return []

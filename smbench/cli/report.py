"""`smbench-mount report`: the report of a run, from its directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from smbench.cli.common import Console, common_options
from smbench.errors import SetupError, UsageError
from smbench.pipeline.artefacts import for_caller
from smbench.report.csv import TABLES, write_csv
from smbench.report.page import write_page
from smbench.report.run import show_run
from smbench.run.model import SCHEMA
from smbench.run.store import CAPACITY, DOCUMENT, PAGE

_NEEDED = (
    "configuration", "start_epoch_ns", "elapsed_s", "valid", "reasons", "warnings", "stopped", "operations",
    "latency", "lateness", "throughput", "order", "mismatches",
)  # fmt: skip
"""What every run has said since there are runs."""


def read_run(directory: Path) -> dict[str, Any]:
    """`run.json` of a run directory. Raises UsageError where there is none of this schema."""
    try:
        document = json.loads((directory / DOCUMENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(no_run(directory)) from None
    except NotADirectoryError:
        raise UsageError(f"{directory} is a file: give the directory of a run") from None
    except OSError as error:
        raise UsageError(f"cannot read {directory / DOCUMENT}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{directory / DOCUMENT} is no JSON ({error}): replay again") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{directory / DOCUMENT} has another schema than {SCHEMA}: replay again")
    if missing := [key for key in _NEEDED if key not in document]:
        raise UsageError(f"{directory / DOCUMENT} is not whole ({missing[0]} is missing): replay again")
    return document


def no_run(directory: Path) -> str:
    """Why a directory is no run, in a sentence."""
    if (directory / CAPACITY).is_file():
        return f"{directory} is a search for the capacity: name one of its runs, as {directory / '001'}"
    return f"{directory} is no run: it has no {DOCUMENT}; make one with replay -o"


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
    document = read_run(run)
    written = written_page(console, run, document, html, workload)
    if csv_folder is not None:
        with for_caller(*(csv_folder / name for name in TABLES)):
            written += write_csv(run, document, csv_folder)
    console.result(document, lambda out: show_run(document, out))
    if written:
        console.note("written: " + ", ".join(map(str, written)))


def written_page(
    console: Console, run: Path, document: dict[str, Any], html: Path | None = None,
    workload: Path | None = None,
) -> list[Path]:  # fmt: skip
    """Write the page of a run; its name, or nothing where that failed. Where nobody asked for it by a
    name, a run that is not ours to write to, or not whole any more, is a warning and no error."""
    try:
        with for_caller(html or run / PAGE):
            return [write_page(run, document, html, workload)]
    except (UsageError, SetupError) as error:
        if html is not None:
            raise
        console.warn(f"no page: {error}")
        return []

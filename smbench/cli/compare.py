"""`smbench-mount compare`: what a replay, or any other tool, put on the wire beside what the capture had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from smbench.cli.common import Console, common_options
from smbench.cli.effects import Needs, refuse_without_effect
from smbench.cli.ingest import decoder_options, decoding, key_options
from smbench.errors import SetupError
from smbench.fidelity.result import Result
from smbench.outputs import write_output
from smbench.pipeline.artefacts import for_caller
from smbench.pipeline.compare import CompareRequest
from smbench.pipeline.compare import compare as carry_out
from smbench.pipeline.who import user_pairs
from smbench.report.compare import document
from smbench.report.compare_text import show_comparison
from smbench.run.store import DOCUMENT, WIRE

FILE = click.Path(path_type=Path, readable=False)
"""That it cannot be read, whoever reads it says."""


@click.command(short_help=__doc__)
@click.argument("reference", type=FILE)
@click.argument("candidates", metavar="CANDIDATE…", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE,
              help="The page to write (default: compare.html beside the first candidate).")  # fmt: skip
@click.option("--page/--no-page", default=None, help="Whether to write the page (default: not with --json).")
@click.option("--user", "users", metavar="REFERENCE=CANDIDATE", multiple=True,
              help="Who stands for whom (repeatable); the others are found.")  # fmt: skip
@click.option("--folder", metavar="FOLDER",
              help="Beneath which folder of the share the candidates' files lie (else found).")  # fmt: skip
@click.option("--clone", metavar="N", type=click.IntRange(min=1),
              help="Which clone of a run of several is compared (default: the first).")  # fmt: skip
@click.option("--loop", metavar="N", type=click.IntRange(min=1),
              help="Which loop of a run of several is compared (default: the first).")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True,
              help="How many paths, missing and extra exchanges are listed.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="List all of them.")
@click.option("--differences", type=FILE, metavar="FILE.parquet",
              help="Write all missing and extra exchanges; of several candidates a file each.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default="the CPU count",
              help="tshark processes.")  # fmt: skip
@click.option(
    "--port", type=click.IntRange(1, 65535), multiple=True, help="SMB on this port too, beside 445 and 139."
)
@key_options
@decoder_options
@common_options
def compare(
    console: Console, reference: Path, candidates: tuple[Path, ...], page: bool | None,
    differences: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Hold candidates against a reference, exchange by exchange: recall and precision by command, user and
    path, order, outcomes, leases, latency, and what is missing or extra and why. Each is a capture, a
    .workload, or a .run (by its wire capture; without one by its operations).

    \b
    Examples:
      smbench-mount compare customer.pcap first.run
      smbench-mount compare customer.workload posix.run win32.run
      smbench-mount compare original.pcap other-tool.pcap --user 'CORP\\alice=user01' -o tool.html
      smbench-mount compare customer.pcap first.run --json | jq '.candidates[0].wire.recall'
    """
    _refuse_without_effect(candidates, options["everything"], page)
    request = CompareRequest(
        decoding=decoding(options, console),
        users=user_pairs(options["users"]),
        folder=options["folder"],
        clone=options["clone"],
        loop=options["loop"],
    )
    result = carry_out(reference, candidates, request, console)
    shown = None if options["everything"] else options["limit"]
    if differences is not None:
        _write_differences(differences, result)
    output: Path | None = options["output"]
    wanted = output is not None or (not console.as_json if page is None else page)
    if wanted:
        from smbench.report.compare_page import page as html

        output = output or _beside(candidates[0])
        _write(output, html(result, shown))
    console.result(lambda: document(result, shown), lambda out: show_comparison(result, out))
    if wanted:
        console.note(f"written: {output}")


def _refuse_without_effect(candidates: Sequence[Path], everything: bool, page: bool | None) -> None:
    runs = [path for path in candidates if (path / DOCUMENT).is_file()]
    wired = len(runs) < len(candidates) or any((path / WIRE).is_file() for path in runs)
    no_wire, no_run = "where no candidate has a wire capture", "where no candidate is a run"
    refuse_without_effect(
        [
            Needs("users", no_wire, wired),
            Needs("folder", no_wire, wired),
            Needs("differences", no_wire, wired),
            Needs("clone", no_run, bool(runs)),
            Needs("loop", no_run, bool(runs)),
            Needs("limit", "beside --all", not everything),
            Needs("output", "beside --no-page", page is not False),
        ]
    )


def _beside(candidate: Path) -> Path:
    return candidate.resolve().parent / "compare.html"


def _write(path: Path, text: str) -> None:
    try:
        with for_caller(path):
            write_output(path, text)
    except OSError as error:
        raise SetupError(
            f"cannot write the page {path}: {error.strerror}; name another with -o, or say --no-page"
        ) from None


def _write_differences(path: Path, result: Result) -> None:
    for number, (_, one) in enumerate(result.wired):
        name = path if len(result.wired) == 1 else path.with_stem(f"{path.stem}-{number + 1}")
        try:
            with for_caller(name):
                one.differences.write(name)
        except OSError as error:
            raise SetupError(f"cannot write {name}: {error.strerror or error}") from None

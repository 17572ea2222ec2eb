"""`smbench-mount report`: the report of a run, from its directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from smbench.cli.common import Console, common_options
from smbench.errors import UsageError
from smbench.report.run import show_run

RUN_DOCUMENT = "run.json"
SCHEMA = 1


def read_run(directory: Path) -> dict[str, Any]:
    """`run.json` of a run directory. Raises UsageError where there is none of this schema."""
    try:
        document = json.loads((directory / RUN_DOCUMENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{directory} is no run: it has no {RUN_DOCUMENT}; make one with replay -o"
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {directory / RUN_DOCUMENT}: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{directory / RUN_DOCUMENT} has another schema than {SCHEMA}: replay again")
    return document


@click.command(short_help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@common_options
def report(console: Console, run: Path) -> None:
    """The report of a run: is it valid, did the operations end as in the capture, what did they cost,
    what did the client do.

    \b
    Examples:
      smbench-mount report first.run
      smbench-mount report first.run --json | jq .latency.Read.service
    """
    document = read_run(run)
    console.result(document, lambda out: show_run(document, out))

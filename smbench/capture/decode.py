"""Capture files → Trace: reads as load, pair, order, name, write."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.capture.naming import Naming
from smbench.capture.part import Reader
from smbench.capture.sessions import directory
from smbench.capture.tshark import Dissection, Run, profile
from smbench.trace.model import Exchange, Trace, TraceInfo, command_name
from smbench.trace.store import EXCHANGES_FILE, read_exchanges, write_exchanges


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode."""

    jobs: int = 1
    ports: tuple[int, ...] = ()
    nt_password_file: Path | None = None
    keytab: Path | None = None
    session_key_file: Path | None = None


Progress = Callable[[int, int], None]
"""Bytes read so far, and bytes in all."""


def decode(
    captures: Sequence[Path],
    into: Path,
    options: DecodeOptions | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Decode captures into `into`/exchanges.parquet and the trace that reads it."""
    options = options or DecodeOptions()
    with tempfile.TemporaryDirectory(dir=into, prefix=".decode-") as scratch:
        reader = Reader(Path(scratch))
        with profile(Dissection(options.ports)) as configuration, Run(captures[0], configuration) as run:
            reader.read(run, lambda frame: (0, frame))
        facts = [reader.facts]
        people = directory(facts)
        naming = Naming(people)
        info = TraceInfo([path.name for path in captures])
        info.start_epoch_ns = min((began for part in facts for began in part.began_ns.values()), default=0)
        info.duration_ns = max((part.end_ns for part in facts), default=0) - info.start_epoch_ns
        commands: Counter[str] = Counter()
        info.exchanges = write_exchanges(
            into / EXCHANGES_FILE, _relative(naming.name(reader.exchanges), info, commands)
        )
    info.connections, info.sessions, info.users = people.connections, people.sessions, people.users
    info.trees, info.commands = naming.trees, dict(commands)
    info.grade = dict(sum((part.counts for part in facts), naming.counts))
    return Trace(info, read_exchanges(into / EXCHANGES_FILE))


def _relative(exchanges: Iterator[Exchange], info: TraceInfo, commands: Counter[str]) -> Iterator[Exchange]:
    start = info.start_epoch_ns
    for exchange in exchanges:
        exchange.time_ns -= start
        if exchange.response_ns is not None:
            exchange.response_ns -= start
        if exchange.pending_ns is not None:
            exchange.pending_ns -= start
        commands[command_name(exchange.command)] += 1
        yield exchange

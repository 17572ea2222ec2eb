"""Capture files → Trace. Reads as: examine, split, read, know who is who, name in order, write."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.capture import formats, keys
from smbench.capture.facts import Facts
from smbench.capture.jobs import Job, read
from smbench.capture.naming import Naming
from smbench.capture.pairing import Paired
from smbench.capture.pool import read_all
from smbench.capture.sessions import directory
from smbench.capture.split import Part, Source, first_time_ns, split, tshark_memory
from smbench.capture.tap import settings
from smbench.capture.tshark import Keys, find_tshark
from smbench.errors import UsageError
from smbench.spill import collector_paused, merge
from smbench.trace.model import Exchange, Trace, TraceInfo, command_name
from smbench.trace.store import EXCHANGES_FILE, read_exchanges, write_exchanges

_WORTH_SPLITTING = 24 << 20
"""Bytes of capture from which several tsharks are faster than one, with what splitting costs."""
_MEMORY = 640 << 20
"""Bytes that all tsharks together may grow by, as far as connections allow it."""
_SPLIT_SHARE = 0.1
"""Of the whole time, for the progress."""
_NOT_GRADES = ("sealed_messages",)

Progress = Callable[[int, int], None]
"""Hears bytes read so far, and bytes in all."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode. The formats of the key files stand in `smbench.capture.keys`.

    `jobs`: tsharks at once; `ports`: of SMB, beside 445 and 139.
    """

    jobs: int = 1
    ports: tuple[int, ...] = ()
    nt_password_file: Path | None = None
    keytab: Path | None = None
    session_key_file: Path | None = None

    def keys(self) -> Keys:
        """The keys in those files; UsageError where one is not what it should be."""
        return Keys(
            None if self.nt_password_file is None else keys.read_password(self.nt_password_file),
            None if self.keytab is None else keys.check_keytab(self.keytab),
            () if self.session_key_file is None else keys.read_session_keys(self.session_key_file),
        )


def decode(
    captures: Sequence[Path],
    into: Path,
    options: DecodeOptions | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Decode captures into `into`/exchanges.parquet (`into` exists), and give the trace that reads it.

    Exchanges are in the order of their requests over all connections and captures. UsageError where a file
    is no capture or nothing in it can be read; SetupError where tshark is missing or the disk is full.
    """
    options = options or DecodeOptions()
    sources = _examine(captures)
    total = sum(path.stat().st_size for path in captures)
    hear = progress or _unheard
    find_tshark()
    with (
        collector_paused(),
        tempfile.TemporaryDirectory(dir=into, prefix=".decode-") as scratch,
        settings(options.keys()) as folder,
    ):
        jobs = _jobs(
            sources, options, folder, Path(scratch), lambda done: hear(int(done * _SPLIT_SHARE), total)
        )
        facts, exchanges = _read(jobs, options.jobs, _scaled(jobs, total, hear))
        people = directory(facts)
        naming = Naming(people)
        info = TraceInfo([path.name for path in captures])
        _set_times(info, facts)
        commands: Counter[str] = Counter()
        named = _relative(naming.name(exchanges), info.start_epoch_ns, commands)
        info.exchanges = write_exchanges(into / EXCHANGES_FILE, named)
    counts = sum((part.counts for part in facts), naming.counts)
    formats.check_content(captures, commands, counts, lambda: _packets(sources))
    info.connections, info.sessions, info.users = people.connections, people.sessions, people.users
    info.trees, info.commands = naming.trees, dict(commands)
    counts["undecrypted"] = sum(not session.decrypted for session in people.sessions)
    info.grade = {
        name: counts[name] for name in (*_ALWAYS, *sorted(counts.keys() - {*_ALWAYS, *_NOT_GRADES}))
    }
    hear(total, total)
    return Trace(info, read_exchanges(into / EXCHANGES_FILE))


_ALWAYS = ("unanswered", "orphan_responses", "unknown_handles", "tcp_gaps", "undecrypted", "malformed")
"""Grades that stand there even where they are 0."""


def _unheard(done: int, of: int) -> None:
    del done, of


def _examine(captures: Sequence[Path]) -> list[Source]:
    if not captures:
        raise UsageError("no capture was given: name at least one pcap or pcapng file")
    sources = [Source(number, path, *formats.examine(path)) for number, path in enumerate(captures)]
    for source in sources:
        if source.format is formats.Format.OTHER and source.packing is formats.Packing.ZSTD:
            raise UsageError(f"{source.path} does not unpack to a pcap or pcapng file: give one that does")
    if len(sources) == 1 or any(source.format is formats.Format.OTHER for source in sources):
        return sources
    return sorted(sources, key=first_time_ns)


def _packets(sources: Sequence[Source]) -> int:
    return sum(source.format is not formats.Format.OTHER and first_time_ns(source) > 0 for source in sources)


def _jobs(
    sources: Sequence[Source],
    options: DecodeOptions,
    folder: Path,
    scratch: Path,
    progress: Callable[[int], None],
) -> list[Job]:
    """Whole files where tshark can read them as they are and one at a time is best; else parts."""
    parts = _part_count(sources, options.jobs, options.ports)
    work: list[tuple[Path | Part, int]] = [(source.path, source.number) for source in sources]
    if parts:
        work = [(part, -1) for part in split(sources, parts, scratch, options.ports, progress)]
    return [
        Job(what, capture, number, len(work), folder, options.ports, scratch)
        for number, (what, capture) in enumerate(work)
    ]


def _part_count(sources: Sequence[Source], jobs: int, ports: Sequence[int]) -> int:
    """Into how many parts to split; 0: not at all."""
    if any(source.format is formats.Format.OTHER for source in sources):
        return 0
    size = sum(source.path.stat().st_size * _UNPACKED[source.packing] for source in sources)
    parts = jobs if size >= _WORTH_SPLITTING else 1
    memory = sum(tshark_memory(source, _UNPACKED[source.packing]) for source in sources)
    if memory * jobs > _MEMORY * parts:
        # Rounds of as many parts as run at once, so that none of the last ones runs alone.
        parts = jobs * -(-memory // _MEMORY)
    simple = len(sources) == 1 and sources[0].packing is not formats.Packing.ZSTD
    return 0 if parts == 1 and simple and not ports else parts


_UNPACKED = {formats.Packing.PLAIN: 1, formats.Packing.GZIP: 4, formats.Packing.ZSTD: 4}
"""What a byte of a file becomes, about: captures pack well, their payload less."""


def _read(
    jobs: Sequence[Job], at_once: int, progress: Callable[[int], None]
) -> tuple[list[Facts], Iterable[Paired]]:
    if not jobs:
        return [Facts()], []
    if len(jobs) == 1:
        reader = read(jobs[0], progress)
        return [reader.facts], reader.exchanges
    # A part that is read is not needed any more: the disk holds one copy of the capture at most.
    results = read_all(jobs, max(1, at_once), progress, _forget_part)
    return [result.facts for result in results], merge(run for result in results for run in result.runs)


def _forget_part(file: Path) -> None:
    if file.suffix == ".cap" and file.parent.name.startswith(".decode-"):
        file.unlink()


def _scaled(jobs: Sequence[Job], total: int, hear: Progress) -> Callable[[int], None]:
    """Bytes of the parts that are read, as bytes of the captures, after those that splitting took."""
    size = sum(job.size for job in jobs) or 1
    split_bytes = total * _SPLIT_SHARE if any(isinstance(job.what, Part) for job in jobs) else 0.0
    return lambda done: hear(int(split_bytes + (total - split_bytes) * min(1.0, done / size)), total)


def _set_times(info: TraceInfo, facts: Sequence[Facts]) -> None:
    began = [time for part in facts for time in part.began_ns.values()]
    info.start_epoch_ns = min(began, default=0)
    info.duration_ns = max(0, max(part.end_ns for part in facts) - info.start_epoch_ns)


def _relative(exchanges: Iterable[Exchange], start_ns: int, commands: Counter[str]) -> Iterator[Exchange]:
    """With times since the trace's start, counted by command."""
    for exchange in exchanges:
        exchange.time_ns -= start_ns
        if exchange.response_ns is not None:
            exchange.response_ns -= start_ns
        if exchange.pending_ns is not None:
            exchange.pending_ns -= start_ns
        commands[command_name(exchange.command)] += 1
        yield exchange

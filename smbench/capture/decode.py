"""Capture files → Trace. Reads as: examine, split, read, know who is who, name in order, write."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.capture import formats, keys, nt_keytab
from smbench.capture.facts import Facts
from smbench.capture.limits import PATIENCE_S, Limits
from smbench.capture.logons import Logon, unfit
from smbench.capture.naming import Naming
from smbench.capture.reading import Decoder, Work, read
from smbench.capture.sessions import directory
from smbench.capture.sources import examine
from smbench.capture.tap.process import settings
from smbench.capture.tshark import Keys
from smbench.errors import SetupError, UsageError
from smbench.spill import collector_paused
from smbench.tables import MOST
from smbench.trace.grade import SEALED, keys_wanted
from smbench.trace.model import Exchange, Trace, TraceInfo, command_name
from smbench.trace.store import EXCHANGES_FILE, read_exchanges, write_exchanges

_YEAR_NS = 365.2425 * 86_400 * 10**9

Progress = Callable[[int, int], None]
"""Hears bytes read so far, and bytes in all."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode. The formats of the key files stand in `smbench.capture.keys`; `logons` are accounts
    whose passwords open what is encrypted, too.

    `jobs`: processes at once; `ports`: of SMB, beside 445 and 139; `decoder_…`: what decoding processes may
    take (`smbench.capture.limits`); `keep_going`: where tshark stops before the end, what it has decoded
    counts, and the rest as lost.
    """

    jobs: int = 1
    ports: tuple[int, ...] = ()
    nt_password_file: Path | None = None
    keytab: Path | None = None
    session_key_file: Path | None = None
    logons: tuple[Logon, ...] = ()
    decoder: Decoder = Decoder.AUTO
    decoder_memory_bytes: int | None = None
    decoder_cpu_s: float | None = None
    decoder_patience_s: float = PATIENCE_S
    decoder_unpacked_bytes: int | None = None
    keep_going: bool = False

    @property
    def keyed(self) -> bool:
        """Whether there are keys of any kind."""
        return bool(self.nt_password_file or self.keytab or self.session_key_file or self.logons)

    def limits(self) -> Limits:
        """What decoding processes may take."""
        return Limits(
            self.decoder_memory_bytes,
            self.decoder_cpu_s,
            self.decoder_patience_s,
            self.decoder_unpacked_bytes,
        )

    def keys(self) -> Keys:
        """The keys in those files; UsageError where one is not what it should be."""
        keytab = None if self.keytab is None else keys.read_keytab(self.keytab)
        if keytab is not None and self.logons and not keytab.startswith(nt_keytab.HEADER):
            raise UsageError(
                f"the keytab {self.keytab} is of MIT's first version, which no accounts can be added to: "
                "make it anew with ktutil, or leave --users"
            )
        return Keys(
            None if self.nt_password_file is None else keys.read_password(self.nt_password_file),
            keytab,
            self.logons,
            () if self.session_key_file is None else keys.read_session_keys(self.session_key_file),
        )


def decode(
    captures: Sequence[Path],
    into: Path,
    options: DecodeOptions | None = None,
    progress: Progress | None = None,
    *,
    warn: Callable[[str], None] | None = None,
    names: Sequence[Path] = (),
) -> Trace:
    """Decode captures into `into`/exchanges.parquet (`into` exists), and give the trace that reads it.

    Exchanges are in the order of their requests over all connections and captures. `warn` hears what has to
    be known; `names` are what messages and the trace call the captures, if not by their paths. UsageError
    where a file is no capture or nothing in it can be read; SetupError where tshark is missing or stops, or
    the disk is full.
    """
    options = options or DecodeOptions()
    sources = examine(captures, names, options.limits())
    total = sum(source.size for source in sources)
    hear = progress or _unheard
    known = options.keys()
    with (
        collector_paused(),
        tempfile.TemporaryDirectory(dir=into, prefix=".decode-") as scratch,
        settings(known) as home,
    ):
        work = Work(
            Path(scratch),
            home,
            known,
            options.ports,
            options.jobs,
            lambda part: hear(int(part * total), total),
            options.limits(),
            options.keep_going,
        )
        found = read(sources, options.decoder, work)
        facts, exchanges = found.facts, found.exchanges
        people = directory(facts)
        naming = Naming(people)
        info = TraceInfo([source.given.name for source in sources])
        _set_times(info, facts)
        commands: Counter[str] = Counter()
        named = _relative(naming.name(exchanges), info.start_epoch_ns, commands)
        info.exchanges = write_exchanges(into / EXCHANGES_FILE, named)
        counts = sum((part.all_counts() for part in facts), naming.counts)
        changes = [said for source in sources if (said := source.changed())]
        counts["changed_files"] = len(changes)
        _refuse_nothing(info.exchanges, found.stopped, changes)
        given = {source.given: source.format for source in sources}
        keys_said = "; ".join([*unfit(options.logons, [people.sessions]), keys_wanted(people.sessions)])
        formats.check_content(given, commands, counts, found.packets, keys_said)
    for sentence in (*found.stopped, *changes):
        (warn or _unsaid)(sentence)
    info.connections, info.sessions, info.users = people.connections, people.sessions, people.users
    info.trees, info.commands = naming.trees, dict(commands)
    counts[SEALED] = sum(not session.decrypted for session in people.sessions)
    info.grade = _grade(counts)
    hear(total, total)
    return Trace(info, read_exchanges(into / EXCHANGES_FILE))


_ALWAYS = ("unanswered", "orphan_responses", "unknown_handles", "tcp_gaps", "undecrypted", "malformed")
"""Grades that stand there even where they are 0."""


def _grade(counts: Counter[str]) -> dict[str, int]:
    more = sorted(name for name in counts.keys() - set(_ALWAYS) if counts[name])
    return {name: counts[name] for name in (*_ALWAYS, *more)}


def _refuse_nothing(exchanges: int, stopped: Sequence[str], changes: Sequence[str]) -> None:
    """An error where nothing was read for a reason that is not in the captures."""
    if exchanges:
        return
    if stopped:
        raise SetupError(f"{stopped[0]}; nothing was decoded before that")
    if changes:
        raise UsageError(f"{changes[0]}; no message was read: ingest it when nobody writes it any more")


def _unsaid(sentence: str) -> None:
    del sentence


def _unheard(done: int, of: int) -> None:
    del done, of


def _set_times(info: TraceInfo, facts: Sequence[Facts]) -> None:
    began = [time for part in facts for time in part.began_ns.values()]
    info.start_epoch_ns = min(began, default=0)
    info.duration_ns = max(0, max(part.end_ns for part in facts) - info.start_epoch_ns)
    if max(abs(info.start_epoch_ns), info.duration_ns) > MOST:
        first, last = (_year(at) for at in (info.start_epoch_ns, info.start_epoch_ns + info.duration_ns))
        named = " and ".join(info.captures)
        raise UsageError(
            f"the packets of {named} have no times of one capture (from the year {first} "
            f"to {last}): the clock was set meanwhile, or a file is damaged; editcap -t moves times"
        )


def _year(time_ns: int) -> int:
    return 1970 + int(time_ns / _YEAR_NS)


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

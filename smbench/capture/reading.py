"""Who reads what: the direct decoder all that is plain, tshark the rest; several processes at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from smbench.capture.collect import Collector
from smbench.capture.direct import Opens
from smbench.capture.facts import Facts
from smbench.capture.formats import Format, Packing
from smbench.capture.handover import ELSEWHERE, write_all, write_joined, write_parts
from smbench.capture.home import Home
from smbench.capture.jobs.carrying import carry_out
from smbench.capture.jobs.job import DirectJob, Job, Result, TapJob
from smbench.capture.jobs.pool import read_all
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.capture.names import name_exchanges, name_sessions
from smbench.capture.pairing import Paired
from smbench.capture.parts import Part
from smbench.capture.segments import SMB_PORTS
from smbench.capture.sources import Packets, Source, readable, unpacked
from smbench.capture.tshark import Keys, find_tshark
from smbench.errors import SetupError
from smbench.spill import merge
from smbench.trace.model import Ends

_WORTH_SHARING = 24 << 20
"""Bytes of capture from which several processes are faster than one, with what starting them costs."""
_UNPACKED = {Packing.PLAIN: 1, Packing.GZIP: 4, Packing.ZSTD: 4}
"""What a byte of a file becomes, about: captures pack well, their payload less."""
_MEMORY = 640 << 20
"""Bytes that all tsharks together may grow by, as far as connections allow it."""
_TSHARK_GROWS = 1.5
"""By this much of what it reads."""
_DIRECT_SHARE, _WRITING_SHARE = 0.2, 0.1
"""Of the whole time, where tshark has to read, too: for the progress."""


class Decoder(StrEnum):
    """Who reads: whoever is best, or tshark everything, as the reference that it is."""

    AUTO = "auto"
    TSHARK = "tshark"


@dataclass(frozen=True, slots=True)
class Work:
    """How to read: with which keys, SMB on which further ports, how many processes at once.

    `home` is tshark's (`tap.process.settings`), `scratch` takes what is only for now, `hear` is told the
    share of the work that is done. `limits` are what all processes together may take; `keep_going`: where a
    tshark stops, what it read before counts.
    """

    scratch: Path
    home: Home
    keys: Keys
    ports: tuple[int, ...]
    at_once: int
    hear: Callable[[float], None]
    limits: Limits = NO_LIMITS
    keep_going: bool = False

    def all_ports(self) -> frozenset[int]:
        """Every port that SMB is on."""
        return frozenset((*SMB_PORTS, *self.ports))


@dataclass(frozen=True, slots=True)
class Found:
    """All exchanges, in order, and the facts of their connections."""

    facts: list[Facts]
    exchanges: Iterable[Paired]
    sources: Sequence[Source]
    stopped: Sequence[str] = ()
    """What has to be known of decoders that stopped before the end, in sentences."""

    def packets(self) -> int:
        """How many of the captures have any packet."""
        return sum(source.format is not Format.OTHER and any(Packets(source)) for source in self.sources)


_Done = list[tuple[Collector | None, Result]]


def read(sources: Sequence[Source], decoder: Decoder, work: Work) -> Found:
    """What is in the captures."""
    if decoder is Decoder.TSHARK:
        return _read_by_tshark(sources, work)
    sources = [readable(source, work.scratch) for source in sources]
    may_be_sealed = work.keys != Keys()
    done = _read_directly(sources, work, _DIRECT_SHARE if may_be_sealed else 1 - _WRITING_SHARE)
    done = _read_the_rest(done, sources, work, _DIRECT_SHARE if may_be_sealed else 1 - _WRITING_SHARE)
    return _found(done, sources)


def _read_by_tshark(sources: Sequence[Source], work: Work) -> Found:
    if len(sources) == 1:
        job = _tap_job(unpacked(sources[0], work.scratch), sources, work, 0)
        return _found(_carry_out([job], work, 0.0, 1.0), sources)
    # A connection may go on in another capture: one process reads all of them, as they are in time.
    sources = [readable(unpacked(source, work.scratch), work.scratch) for source in sources]
    size = sum(source.size for source in sources) or 1
    part, lacks = write_all(sources, work.scratch, lambda at: work.hear(_WRITING_SHARE * min(1.0, at / size)))
    jobs = [] if part is None else [_tap_job(part, sources, work, 0)]
    done = _carry_out(jobs, work, _WRITING_SHARE, 1 - _WRITING_SHARE)
    found = _found(done, sources)
    found.facts.append(Facts(counts=lacks))
    return found


def _tap_job(what: Source | Part, sources: Sequence[Source], work: Work, number: int) -> TapJob:
    captures = (what.given,) if isinstance(what, Source) else tuple(source.given for source in sources)
    return TapJob(what, work.home, work.ports, number, work.scratch, captures, keep_going=work.keep_going)


def _read_directly(sources: Sequence[Source], work: Work, share: float) -> _Done:
    size = sum(source.size * _UNPACKED[source.packing] for source in sources)
    of = work.at_once if size >= _WORTH_SHARING else 1
    opens = Opens(work.keys != Keys(), work.keys.keytab is not None)
    jobs = [
        DirectJob(tuple(sources), work.all_ports(), opens, number, of, work.scratch) for number in range(of)
    ]
    return _carry_out(jobs, work, 0.0, share)


def _read_the_rest(done: _Done, sources: Sequence[Source], work: Work, before: float) -> _Done:
    """With what tshark finds in what was handed over and in what is no plain TCP."""
    handed_over = [one for _, result in done for one in result.handed_over]
    elsewhere = done[0][1].elsewhere
    if elsewhere and not handed_over and _connections(done) and not _is_there():
        # Datagrams that nobody here can look into are in most captures; beside SMB they only count.
        done[0][1].facts.counts["undissected"] += elsewhere
        return done
    if not handed_over and not elsewhere:
        return done
    grows = _TSHARK_GROWS * sum(one.size for one in handed_over)
    # Rounds of as many parts as are read at once, so that none of the last ones is read alone.
    parts = work.at_once * max(1, -(-int(grows) // _MEMORY)) if grows > _WORTH_SHARING else 1
    size = sum(source.size for source in sources) or 1
    written, lacks = write_parts(
        sources, handed_over, elsewhere > 0, parts, work.scratch, work.all_ports(),
        lambda at: work.hear(before + _WRITING_SHARE * min(1.0, at / size)),
    )  # fmt: skip
    done[0][1].facts.counts.update(lacks)
    jobs = [_tap_job(part, sources, work, len(done) + number) for number, part in enumerate(written)]
    read = _carry_out(jobs, work, before + _WRITING_SHARE, 1 - before - _WRITING_SHARE)
    in_tunnels = bool(read) and written[-1].path.stem == ELSEWHERE
    return _joined(done, read, sources, work) if in_tunnels else done + read


def _connections(done: _Done) -> int:
    return sum(len(result.facts.connections) for _, result in done)


def _is_there() -> bool:
    try:
        find_tshark()
    except SetupError:
        return False
    return True


def _joined(done: _Done, read: _Done, sources: Sequence[Source], work: Work) -> _Done:
    """What was read, with those connections read by tshark alone that it found in a tunnel and that have
    plain packets, too: neither reader has all of them, and the same may have come both ways."""
    others, (_, tunnels) = done + read[:-1], read[-1]
    both = {one.ends for one in tunnels.facts.connections.values()} & {
        one.ends for _, result in others for one in result.facts.connections.values()
    }
    if not both:
        return done + read
    part = write_joined(sources, {_packed(ends) for ends in both}, work.scratch, work.all_ports())
    if part is None:  # a file that somebody has cut meanwhile
        return done + read
    kept = [(collector, _without(result, both)) for collector, result in others]
    return kept + _carry_out([_tap_job(part, sources, work, len(done) + len(read))], work, 1.0, 0.0)


def _without(result: Result, ends: Set[Ends]) -> Result:
    numbers = frozenset(number for number, one in result.facts.connections.items() if one.ends in ends)
    return replace(result, facts=result.facts.without(numbers), forgotten=result.forgotten | numbers)


def _packed(ends: Ends) -> bytes:
    client, client_port, server, server_port = ends
    return b"".join(
        ipaddress.ip_address(address).packed + port.to_bytes(2, "big")
        for address, port in ((client, client_port), (server, server_port))
    )


def _carry_out(jobs: Sequence[Job], work: Work, before: float, share: float) -> _Done:
    """The results; one job alone is done in this process, and what it collects may still be in memory."""
    size = sum(job.size for job in jobs) or 1

    def hear(at: int) -> None:
        work.hear(before + share * min(1.0, at / size))

    at_once = max(1, work.at_once)
    limits = work.limits.among(min(at_once, len(jobs)))
    jobs = [replace(job, limits=limits) for job in jobs]
    if len(jobs) == 1:
        return [carry_out(jobs[0], hear)]
    return [(None, result) for result in read_all(jobs, at_once, hear, _forget_part)]


def _forget_part(job: Job) -> None:
    # A part that is read is not needed any more.
    if isinstance(job, TapJob) and isinstance(job.what, Part):
        job.what.path.unlink()


def _found(done: _Done, sources: Sequence[Source]) -> Found:
    facts = [result.facts for _, result in done]
    exchanges = _merged(done)
    if names := [named for _, result in done for named in result.names]:
        name_sessions(facts, names)
        exchanges = name_exchanges(exchanges, names)
    return Found(facts, exchanges, sources, [one for _, result in done for one in result.stopped])


def _merged(done: _Done) -> Iterable[Paired]:
    forgotten = frozenset[int]().union(*(result.forgotten for _, result in done))
    if len(done) == 1 and done[0][0] is not None and not forgotten:
        return done[0][0].exchanges
    for collector, _ in done:
        if collector is not None:
            collector.exchanges.flush()
    merged = merge(run for _, result in done for run in result.runs)
    return (paired for paired in merged if paired.connection not in forgotten) if forgotten else merged

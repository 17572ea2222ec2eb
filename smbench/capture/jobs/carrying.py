"""What the direct decoder reads of a job; and who carries out which."""

from __future__ import annotations

from functools import partial

from smbench.capture.collect import Collector
from smbench.capture.connections import Connections
from smbench.capture.direct import Conversation
from smbench.capture.framing import Packet
from smbench.capture.jobs.job import DirectJob, Job, Result, TapJob
from smbench.capture.jobs.tapping import read_tap
from smbench.capture.records import DAMAGED
from smbench.capture.segments import Elsewhere, Segments
from smbench.capture.sources import AllPackets
from smbench.capture.tap.process import Progress


def carry_out(job: Job, progress: Progress) -> tuple[Collector, Result]:
    """Do the job; its exchanges are in the collector, and the result's runs are those that are on disk."""
    return read_tap(job, progress) if isinstance(job, TapJob) else _read_directly(job, progress)


def _read_directly(job: DirectJob, progress: Progress) -> tuple[Collector, Result]:
    collector = Collector(job.scratch, job.number)
    segments = Segments(job.ports)
    connections = Connections(partial(Conversation, collector, job.opens), job.ports, job.number, job.of)
    elsewhere, damaged, packets = 0, 0, AllPackets(job.sources, progress)
    for source, frame, data, record in packets:
        if record.link == DAMAGED:
            damaged += 1
            continue
        segment = segments.of(record.link, data, record.packet, record.captured, record.length)
        if isinstance(segment, Elsewhere):
            elsewhere += 1
        elif segment is not None:
            connections.packet(segment, Packet(source.number, frame, record.time_ns))
    connections.finish()
    if job.number == 0:
        collector.facts.counts["cut_short"] += packets.cut_short
        collector.facts.counts["damaged_packets"] += damaged
    facts = collector.facts.without(collector.forgotten)
    result = Result(
        facts,
        collector.exchanges.runs,
        forgotten=frozenset(collector.forgotten),
        handed_over=tuple(connections.handed_over),
        elsewhere=elsewhere,
    )
    return collector, result

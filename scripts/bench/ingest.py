"""How long ingesting a capture takes, and in what memory, beside one bare tshark with the same fields.

    scripts/bench-ingest                    a capture of real kernel clients at work, made in the lab
    scripts/bench-ingest CAPTURE            this one
    scripts/bench-ingest --dense N          messages with hardly any payload: N copies of the small captures
                                            of the folder beside the project (60: 140 MB, 600,000 messages)

  --size MB      of the capture that the lab makes (default 1000; it takes some minutes)
  --keep FOLDER  where what was made stays, to be used again (default: a folder that vanishes)
  --repeat N     how often each side runs, in turn; medians are shown (default 3)
  --times N      then the same capture N times over, with other addresses and later times, to show that memory
                 does not follow a capture's length (default 3; 1: not)
  --jobs N       as of ingest

Peaks are sampled sums of the resident memory of all processes of a side; what they share counts twice.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple

import psutil

from smbench.ratios import Bad, format_ratio

ROOT = Path(__file__).resolve().parents[2]
USERS = 6

FIELDS = """
frame.number frame.time_epoch tcp.stream ip.src ip.dst tcp.srcport tcp.dstport smb2.cmd smb2.flags smb2.msg_id
smb2.nt_status smb2.sesid smb2.tid smb2.aid smb2.chain_offset smb2.credit.charge smb2.credits.requested
smb2.credits.granted smb2.fid smb2.filename smb2.client_guid smb2.dialect smb2.capabilities smb2.sec_mode
smb2.max_read_size smb2.max_write_size smb2.max_trans_size smb2.previous_sesid smb2.session_flags
ntlmssp.auth.username ntlmssp.auth.domain ntlmssp.auth.hostname smb2.tree smb2.share_type smb2.share_flags
smb.access_mask smb.share_access smb2.create.disposition smb.create_options smb2.file_attribute
smb2.impersonation.level smb2.create.oplock smb2.create.action smb2.tag smb2.lease.lease_key
smb2.lease.lease_state smb2.lease.lease_flags smb2.dh2x.timeout smb2.dh2x.create_guid smb2.create.time
smb2.last_access.time smb2.last_write.time smb2.last_change.time smb2.allocation_size smb2.eof
smb2.close.flags smb2.file_offset smb2.read_length smb2.min_count smb2.write_length smb2.write.flags
smb2.write.count smb2.lock_length smb2.lock_flags smb2.ioctl.function smb2.find.infolevel smb2.find.flags
smb2.find.pattern smb2.output_buffer_len smb.nt.notify.completion_filter smb2.notify.flags smb2.class
smb2.file_info.infolevel smb2.max_response_size smb.end_of_file smb2.disposition.delete_on_close
smb2.rename.replace_if
""".split()  # noqa: SIM905 - names in lines are read more easily


def copies(sources: list[Path], count: int, target: Path) -> None:
    """Write `count` copies of Ethernet and IPv4 captures one after the other, each with addresses and times
    of its own."""
    with target.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        shift_s = 0
        for copy in range(count):
            last = 0
            for number, source in enumerate(sources):
                with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    last = max(last, readdressed(data, out, copy, number, shift_s))
            shift_s += last


def readdressed(data: mmap.mmap, out: IO[bytes], copy: int, number: int, shift_s: int) -> int:
    """Write the packets of one capture; how many seconds it lasts, rounded up."""
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    if struct.unpack(order + "I", data[20:24])[0] != 1:
        return 0
    head, first, seconds, at = struct.Struct(order + "4I"), None, 0, 24
    while at + 16 <= len(data):
        seconds, micros, captured, length = head.unpack_from(data, at)
        first = seconds if first is None else first
        packet = bytearray(data[at + 16 : at + 16 + captured])
        at += 16 + captured
        if packet[12:14] == b"\x08\x00":
            for place in (26, 30):
                packet[place : place + 2] = (0x2001 + copy).to_bytes(2, "big")
                packet[place + 2] = number
        out.write(struct.pack("<4I", seconds + shift_s, micros, captured, length) + packet)
    return seconds - (first or 0) + 1


def from_the_lab(folder: Path, megabytes: int) -> Path:
    """The capture of real clients; made where `folder` has none of that size."""
    capture = folder / "large.pcap"
    if not capture.exists() or capture.stat().st_size < megabytes * 1_000_000:
        print(f"making {megabytes} MB of traffic in the lab: some minutes", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        argv: list[str | Path] = [ROOT / "scripts" / "lab", "--users", str(USERS), "--out", folder, "--"]
        made = subprocess.run([*argv, ROOT / "scripts" / "make-traffic", str(megabytes)], check=False)
        if made.returncode:
            sys.exit("the lab made no capture: name a CAPTURE, or use --dense")
    return capture


def dense(folder: Path, count: int) -> Path:
    captures = ROOT.parent / "shared" / "captures"
    sources = [*sorted(captures.glob("torture_*.pcap")), captures / "zeek_smb_smb2_100_small_files.pcap"]
    if not all(path.exists() for path in sources):
        sys.exit(f"no captures in {captures} to make a dense one of: name a CAPTURE")
    target = folder / f"dense-{count}.pcap"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        copies(sources, count, target)
    return target


class Cost(NamedTuple):
    """What a command cost: `cpu_s` of all its processes, which other load on the machine changes least."""

    seconds: float
    cpu_s: float
    peak_mb: float


def measured(argv: list[str]) -> Cost:
    """Run a command to its end."""
    started, peak, ended = time.monotonic(), 0, 0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=errors)
        root = psutil.Process(process.pid)
        while not ended:
            peak = max(peak, resident(root))
            time.sleep(0.1)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(
                f"{argv[0]} ended with {process.returncode}: {errors.read().decode(errors='replace')[-500:]}"
            )
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak / 1e6)


def resident(root: psutil.Process) -> int:
    total = 0
    try:
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def main() -> None:
    arguments = argparse.ArgumentParser(usage=__doc__, add_help=False)
    arguments.add_argument("-h", "--help", action="help")
    arguments.add_argument("capture", type=Path, nargs="?")
    arguments.add_argument("--dense", type=int)
    arguments.add_argument("--size", type=int, default=1000)
    arguments.add_argument("--keep", type=Path)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--times", type=int, default=3)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as scratch:
        keep = options.keep or Path(scratch)
        capture = options.capture
        if capture is None:
            capture = dense(keep, options.dense) if options.dense else from_the_lab(keep, options.size)
        compare(capture, options, Path(scratch))
        if options.times > 1:
            lengthened(capture, options, keep, Path(scratch))


def compare(capture: Path, options: argparse.Namespace, scratch: Path) -> None:
    """Both sides in turn, so that what else the machine does meets both."""
    bare = ["tshark", "-n", "-r", str(capture), "-Y", "smb2", "-T", "fields"]
    bare += [part for field in FIELDS for part in ("-e", field)]
    sides = {f"bare tshark, {len(FIELDS)} fields": bare, "ingest": ingesting(capture, options, scratch)}
    print(
        f"{capture.name}: {capture.stat().st_size / 1e6:,.0f} MB, {options.jobs} jobs, "
        f"each {options.repeat} times"
    )
    runs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(options.repeat):
        for name, argv in sides.items():
            runs[name].append(measured(argv))
    bare_cost, ingest_cost = (report(name, costs) for name, costs in runs.items())
    of_time, of_cpu = (
        format_ratio(ours / theirs, 2, Bad.HIGH)
        for ours, theirs in zip(ingest_cost[:2], bare_cost[:2], strict=True)
    )
    print(f"{'ratio':>32}: {of_time} of the bare tshark's time, {of_cpu} of its CPU")
    exchanges = told(scratch)
    print(f"{'':>32}  {exchanges:,} exchanges, {exchanges / ingest_cost.seconds:,.0f} a second")


def lengthened(capture: Path, options: argparse.Namespace, keep: Path, scratch: Path) -> None:
    """Memory, and time, of a capture several times as long."""
    long = keep / f"{capture.stem}-x{options.times}.pcap"
    if not long.exists():
        keep.mkdir(parents=True, exist_ok=True)
        copies([capture], options.times, long)
    report(f"ingest, {options.times} times as long", [measured(ingesting(long, options, scratch))])
    print(f"{'':>32}  {long.stat().st_size / 1e6:,.0f} MB, {told(scratch):,} exchanges")


def ingesting(capture: Path, options: argparse.Namespace, scratch: Path) -> list[str]:
    tool = shutil.which("smbench-mount", path=str(Path(sys.executable).parent)) or "smbench-mount"
    output = str(scratch / "x.workload")
    return [tool, "ingest", str(capture), "-o", output, "--jobs", str(options.jobs), "--quiet", "--force"]


def told(scratch: Path) -> int:
    """Exchanges of what was ingested last."""
    manifest = json.loads((scratch / "x.workload" / "manifest.json").read_text(encoding="utf-8"))
    return int(manifest["trace"]["exchanges"])


def report(name: str, costs: list[Cost]) -> Cost:
    """Print and give the medians, and the highest peak."""
    seconds, cpu_s = (statistics.median(values) for values in list(zip(*costs, strict=True))[:2])
    cost = Cost(seconds, cpu_s, max(one.peak_mb for one in costs))
    each = " ".join(f"{one.seconds:.1f}" for one in costs)
    print(
        f"{name:>32}: {seconds:6.1f} s   CPU {cpu_s:6.1f} s   peak {cost.peak_mb:6.0f} MB   ({each})",
        flush=True,
    )
    return cost

"""The decoder against tshark's dissection as pyshark shows it, exchange by exchange and field by field."""

from __future__ import annotations

import calendar
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.tshark import ask
from smbench.trace.model import Command, Exchange

pytestmark = pytest.mark.captures

NUMBERS: dict[tuple[int, bool], dict[str, str]] = {
    (0, False): {"security_mode": "sec_mode", "capabilities": "capabilities"},
    (0, True): {"dialect": "dialect", "max_read": "max_read_size", "max_write": "max_write_size",
                "max_transact": "max_trans_size", "capabilities": "capabilities"},
    (1, False): {"previous_session_id": "previous_sesid"},
    (1, True): {"session_flags": "session_flags"},
    (3, True): {"share_type": "share_type", "share_flags": "share_flags", "max_access": "smb_access_mask"},
    (5, False): {"access": "smb_access_mask", "share_access": "smb_share_access",
                 "options": "smb_create_options", "disposition": "create_disposition",
                 "attributes": "file_attribute", "oplock": "create_oplock",
                 "impersonation": "impersonation_level", "lease_state": "lease_lease_state",
                 "durable_timeout_ms": "dh2x_timeout"},
    (5, True): {"action": "create_action", "oplock": "create_oplock", "size": "eof",
                "attributes": "file_attribute", "allocation": "allocation_size",
                "lease_state": "lease_lease_state"},
    (6, False): {"flags": "close_flags"},
    (8, False): {"offset": "file_offset", "length": "read_length", "minimum": "min_count"},
    (9, False): {"offset": "file_offset", "length": "write_length", "flags": "write_flags"},
    (9, True): {"count": "write_count"},
    (11, False): {"function": "ioctl_function"},
    (14, False): {"level": "find_infolevel", "flags": "find_flags", "output_length": "output_buffer_len"},
    (15, False): {"filter": "smb_nt_notify_completion_filter", "output_length": "output_buffer_len"},
    (16, False): {"info_type": "class", "output_length": "max_response_size"},
    (17, False): {"info_type": "class"},
}  # fmt: skip
TEXTS = {
    (3, False): {"share_path": "tree"},
    (5, False): {"name": "filename"},
    (14, False): {"pattern": "find_pattern"},
}
TIMES = {"created_ns": "create_time", "accessed_ns": "last_access_time", "written_ns": "last_write_time",
         "changed_ns": "last_change_time"}  # fmt: skip
TIMED = {(5, True), (6, True), (17, False)}
WITH_FILE = {(command, False) for command in (6, 7, 8, 9, 10, 11, 14, 15, 16, 17)} | {(5, True)}

SMALL = [
    "torture_compound.pcap", "torture_lease.pcap", "torture_notify.pcap", "torture_oplock.pcap",
    "oisf_smb2-delete.pcap", "zeek_dce-rpc_kerberos445_auth.pcapng", "zeek_smb_smb2readwrite.pcap",
    "oisf_smb2-01_smb2-peter.pcap", "smbclient_311_plain.pcap", "smbclient_202_plain.pcap",
    "zeek_krb_kerberos_tso.pcapng",
]  # fmt: skip


def number(layer: Any, name: str) -> Any:
    field = layer.get_field(name)
    if field is None:
        return None
    shown = field.show
    return int(shown == "True") if shown in ("True", "False") else int(shown, 0)


def raw(layer: Any, name: str) -> str | None:
    field = layer.get_field(name)
    return None if field is None else field.raw_value.lower()


TIME_SHOWN = {
    "up to 4.4": (r"(\w+ +\d+, \d+ \d+:\d+:\d+)\.(\d+)", "%b %d, %Y %H:%M:%S"),
    "from 4.6": (r"(\d+-\d+-\d+[T ]\d+:\d+:\d+)\.(\d+)", "%Y-%m-%dT%H:%M:%S"),
}
"""How PDML shows absolute times, by the version of tshark."""


def nanoseconds(layer: Any, name: str) -> int | None:
    field = layer.get_field(name)
    if field is None:
        return None
    for pattern, form in TIME_SHOWN.values():
        if found := re.match(pattern, field.show):
            text = found[1].replace(" ", "T") if "T" in form else found[1]
            return calendar.timegm(time.strptime(text, form)) * 10**9 + int(found[2].ljust(9, "0"))
    return None


PACKET = re.compile(rb"<packet>.*?</packet>", re.DOTALL)


def dissected(path: Path) -> Iterator[tuple[int, Any]]:
    """(frame, SMB2 layer) of every message that pyshark shows of tshark's dissection."""
    from pyshark.tshark.output_parser.tshark_xml import packet_from_xml_packet

    shown = ask(["-Y", "smb2", "-T", "pdml"], path)
    for found in PACKET.finditer(shown):
        packet = packet_from_xml_packet(found[0])
        for layer in packet.layers:
            if layer.layer_name == "smb2" and layer.get_field("cmd") is not None:
                yield int(packet.number), layer


@pytest.mark.parametrize("name", SMALL)
def test_every_field_of_every_exchange(name: str, captures: Path, tmp_path: Path) -> None:
    exchanges = list(decode([captures / name], tmp_path).exchanges)
    requests = {(e.frame, e.message_id, e.command): e for e in exchanges}
    responses = {
        (e.response_frame, e.message_id, e.command): e for e in exchanges if e.response_frame is not None
    }
    cancels = {e.frame for e in exchanges if e.command == Command.CANCEL}
    compared: Counter[str] = Counter()
    for frame, layer in dissected(captures / name):
        command, answered = number(layer, "cmd"), number(layer, "flags_response") == 1
        key = (frame, number(layer, "msg_id"), command)
        unsolicited = key[1] == 2**64 - 1
        if answered and number(layer, "nt_status") == 0x103:
            continue
        exchange = responses.get(key) if answered and not unsolicited else requests.get(key)
        if answered and exchange is None:
            # An orphan: Wireshark knows of no request either.
            assert layer.get_field("response_to") is None
            continue
        assert exchange is not None, f"frame {frame}: no exchange for message {key}"
        compare(layer, exchange, command, answered and not unsolicited, compared, frame, cancels)
    assert compared["message"] == len(exchanges) + len(responses)
    assert compared["field"] > 5 * compared["message"]


def compare(  # noqa: C901 - a list: one field after the other
    layer: Any,
    exchange: Exchange,
    command: int,
    answered: bool,
    compared: Counter[str],
    frame: int,
    cancelled: set[int],
) -> None:
    compared["message"] += 1
    message: Any = exchange.response if answered else exchange.request
    where = f"frame {frame}, command {command}, {'response' if answered else 'request'}"

    def same(what: str, ours: object, theirs: object) -> None:
        compared["field"] += 1
        assert ours == theirs, f"{where}: {what}"

    same("credit charge", exchange.credit_charge, number(layer, "credit_charge"))
    if answered:
        same("status", exchange.status, number(layer, "nt_status"))
        # Wireshark takes a CANCEL, which repeats the id, for the request that is answered.
        if number(layer, "response_to") not in cancelled:
            same("request", exchange.frame, number(layer, "response_to"))
    elif not exchange.notification:
        same("credits", exchange.credits_requested, number(layer, "credits_requested"))
        same("related", exchange.related, bool(number(layer, "flags_chained")))
        same("signed", exchange.signed, bool(number(layer, "flags_signature")))
    if answered and layer.get_field("error_data") is not None and exchange.status:
        return
    kind = (command, answered)
    for attribute, field in NUMBERS.get(kind, {}).items():
        if (theirs := number(layer, field)) is not None:
            same(attribute, getattr(message, attribute), theirs)
    for attribute, field in TEXTS.get(kind, {}).items():
        if (found := layer.get_field(field)) is not None:
            same(attribute, getattr(message, attribute), found.show)
    if kind in TIMED and layer.get_field("create_time") is not None:
        for attribute, field in TIMES.items():
            ours, theirs = getattr(message, attribute), nanoseconds(layer, field)
            if ours is not None:
                same(attribute, ours, theirs)
    if kind in WITH_FILE and (file_id := raw(layer, "fid")) is not None:
        same("file id", message.file_id, file_id)
    if kind == (5, False):
        tags = layer.get_field("tag")
        same("contexts", len(message.contexts), 0 if tags is None else len(tags.all_fields))
    if kind == (10, False):
        theirs_locks = [
            [int(field.show, 0) for field in layer.get_field(name).all_fields]
            for name in ("file_offset", "lock_length", "lock_flags")
        ]
        ours_locks = [(lock.offset, lock.length, lock.flags) for lock in message.locks]
        same("locks", ours_locks, list(zip(*theirs_locks, strict=True)))
    if kind == (14, True) and (names := layer.get_field("filename")) is not None:
        same("entries", [entry.name for entry in message.entries], [name.show for name in names.all_fields])


@pytest.mark.parametrize(
    "name", ["torture_lock.pcap", "zeek_smb_smb2_100_small_files.pcap", "torture_notify.pcap"]
)
def test_answered_exchanges_are_those_of_tsharks_service_response_times(
    name: str, captures: Path, tmp_path: Path
) -> None:
    argv = ["tshark", "-n", "-q", "-r", str(captures / name), "-z", "smb2,srt"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    rows = re.finditer(r"^ +(\d+) {2}\S.*? +(\d+)(?: +\d+\.\d+){4}$", shown, re.MULTILINE)
    theirs = {int(row[1]): int(row[2]) for row in rows}
    ours = Counter(
        e.command for e in decode([captures / name], tmp_path, DecodeOptions()).exchanges
        if e.response_ns is not None
    )  # fmt: skip
    assert theirs
    assert {command: ours[command] for command in theirs} == theirs

"""What operations moved in the capture: bytes of reads, writes and copies, entries of listings. Pure.

None where the capture does not tell, or where it is the server's free choice: how many entries one answer of
a listing holds is, how many the whole directory has is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from smbench.lift.rule import Opened
from smbench.lift.rules.data import moved
from smbench.smb2.constants import SCAN_AGAIN
from smbench.smb2.information import DOTS, NAME_AT
from smbench.smb2.ntstatus import Status
from smbench.smb2.patterns import MATCHES_ALL
from smbench.trace.messages import IoctlResponse, QueryDirectoryRequest, QueryDirectoryResponse
from smbench.trace.model import Exchange
from smbench.workload.calls import Call, CopyRange, List, Read, Write

Amounts = tuple[int | None, ...]


def amounts(opened: Opened | None, exchanges: Sequence[Exchange], calls: Sequence[Call]) -> Amounts:
    """Of each call that stands for the exchanges, all of one open; nothing for calls of other kinds."""
    first = calls[0] if calls else None
    if isinstance(first, Read | Write):
        return (_moved(exchanges),)
    if isinstance(first, CopyRange):
        return _copied(exchanges[-1], [call.length for call in calls if isinstance(call, CopyRange)])
    if isinstance(first, List) and opened is not None:
        return (_listed(opened, exchanges),)
    return ()


def _moved(exchanges: Sequence[Exchange]) -> int | None:
    """Of all pieces; a piece that is not told of leaves the whole unknown."""
    counts = [moved(exchange) for exchange in exchanges]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _copied(exchange: Exchange, lengths: Sequence[int]) -> Amounts:
    """The total of the answer, dealt out in the order in which the server copies ([MS-SMB2] 3.3.5.15.6)."""
    response = exchange.response
    if exchange.status != Status.SUCCESS or not isinstance(response, IoctlResponse) or response.count is None:
        return (None,) * len(lengths)
    left, found = response.count, []
    for length in lengths:
        found.append(min(length, left))
        left -= found[-1]
    return tuple(found)


def _listed(opened: Opened, exchanges: Sequence[Exchange]) -> int | None:
    """Without `.` and `..`, where all of the directory was read: from its beginning to NO_MORE_FILES."""
    first, last = exchanges[0], exchanges[-1]
    asked = first.request
    if not isinstance(asked, QueryDirectoryRequest) or last.status != Status.NO_MORE_FILES:
        return None
    from_start = opened.first_query == first.index or bool((asked.flags or 0) & SCAN_AGAIN)
    if not from_start or (asked.pattern or "*") not in MATCHES_ALL:
        return None
    total = 0
    for exchange in exchanges[:-1]:
        response = exchange.response
        if not isinstance(response, QueryDirectoryResponse) or not _is_whole(response, asked.level):
            return None
        total += sum(entry.name not in DOTS for entry in response.entries)
    return total


def _is_whole(response: QueryDirectoryResponse, level: int | None) -> bool:
    """Whether the entries that were read are all that the answer has bytes for: of a message that was cut,
    or of a class that is not known, they are fewer. Each begins on 8 bytes ([MS-FSCC] 2.4)."""
    name_at = NAME_AT.get(level or 0)
    if name_at is None or not response.entries:
        return False
    end = 0
    for entry in response.entries:
        end = (end + 7 & ~7) + name_at + len(entry.name.encode("utf-16-le", "surrogatepass"))
    return response.count is not None and response.count <= end + 7

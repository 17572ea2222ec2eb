"""What a listing tells of the names in its directory."""

from __future__ import annotations

from collections.abc import Callable

from smbench.lift.outside import Look, OutsideChanges
from smbench.lift.present import Name
from smbench.lift.sight import Sight
from smbench.lift.sizes import Holding
from smbench.smb2.constants import ATTRIBUTE_DIRECTORY, ATTRIBUTE_REPARSE_POINT, SCAN_AGAIN
from smbench.smb2.ntstatus import Status
from smbench.smb2.patterns import has_wildcard
from smbench.trace.messages import QueryDirectoryRequest, QueryDirectoryResponse


def learn_listing(sight: Sight, its: Holding, changes: OutsideChanges, child: Callable[[str], Name]) -> None:
    """Learn from the answer to a QUERY_DIRECTORY; `child` gives the name in the directory."""
    exchange = sight.exchange
    asked, response = exchange.request, exchange.response
    request = asked if isinstance(asked, QueryDirectoryRequest) else QueryDirectoryRequest()
    first = not its.scan_ns or bool((request.flags or 0) & SCAN_AGAIN)
    if first:
        its.scan_ns = exchange.time_ns
    look = Look(exchange, its.scan_ns, sight.answered_ns)
    pattern = request.pattern or "*"
    nothing = first and exchange.status == Status.NO_SUCH_FILE and not has_wildcard(pattern)
    if nothing and _is_name(pattern):
        changes.absent(child(pattern), look)
    if exchange.status == Status.NO_MORE_FILES and pattern == "*":
        its.name.listed_ns = max(its.name.listed_ns, look.at_ns)
    if not isinstance(response, QueryDirectoryResponse):
        return
    for entry in response.entries:
        if _is_name(entry.name):
            name = child(entry.name)
            attributes = entry.attributes
            name.odd |= bool((attributes or 0) & ATTRIBUTE_REPARSE_POINT)
            directory = None if attributes is None else bool(attributes & ATTRIBUTE_DIRECTORY)
            changes.there(name, Look(exchange, look.asked_ns, look.at_ns, directory, entry.size))


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and {"/", "\\", ":"}.isdisjoint(name)

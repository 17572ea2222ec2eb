"""Rules for what the rest of a capture implies: opens from before it began, and closes that the server made.

They take no exchange, so they are in no look-up: the recogniser gives their calls.
"""

from __future__ import annotations

from smbench.lift.rule import Rule
from smbench.workload.model import Disposition

OPENED_BEFORE = Rule(
    name="opened-before-capture",
    disposition=Disposition.APPROXIMATE,
    reason="the open is not in the capture: it is made up from what is done with the file",
    evidence="a handle in use whose CREATE the capture lacks; stands for no exchange",
)
CLOSED_WITH_TREE = Rule(
    name="closed-with-tree",
    disposition=Disposition.EXACT,
    evidence="[MS-SMB2] 3.3.5.6, 3.3.5.8: LOGOFF and TREE_DISCONNECT close every open; for no exchange",
)

CLOSED_BY_SERVER = Rule(
    name="closed-by-server",
    disposition=Disposition.EXACT,
    evidence="[MS-SMB2] 3.3.5.2.10: FILE_CLOSED for a handle that was open; for no exchange",
)

RULES: tuple[Rule, ...] = (OPENED_BEFORE, CLOSED_WITH_TREE, CLOSED_BY_SERVER)

"""What a CREATE asks for: the parameters that five calls share (`smbench.workload.calls`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from smbench.smb2.constants import OPEN, OPLOCK_LEVEL_NONE, SHARE_ALL


@dataclass(frozen=True, slots=True)
class Create:
    """What a CREATE asks for, in the wire's numbers ([MS-SMB2] 2.2.13). An executor that can use them all
    (win32, library) does; posix derives its flags and says what it could not keep."""

    access: int
    share_access: int = SHARE_ALL
    disposition: int = OPEN
    options: int = 0
    attributes: int = 0
    oplock: int = OPLOCK_LEVEL_NONE
    lease_state: int = 0
    lease_key: str = field(default="", compare=False)
    """32 hexadecimal digits, or empty; so is its parent's."""
    parent_lease_key: str = field(default="", compare=False)
    lease_version: int = field(default=1, compare=False)
    """Of the lease context: 2 has an epoch and may have a parent."""
    contexts: str = field(default="", compare=False)
    """The tags of its contexts, with commas between them."""
    impersonation: int = field(default=2, compare=False)

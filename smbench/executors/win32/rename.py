"""The new name of a rename or link as NT's own calls take it: relative to a directory's handle. Pure."""

from __future__ import annotations

import struct

from smbench.smb2.information import takes_flags


def rename_information(replace: bool, root: int, name: str, level: int) -> bytes:
    """FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION (ntifs.h), for a name relative to `root`'s handle."""
    encoded = name.encode("utf-16-le", "surrogatepass")
    head = struct.pack("@IPI" if takes_flags(level) else "@BPI", replace, root, len(encoded))
    # A name of one letter is shorter than the structure's own end, and the I/O manager wants all of that.
    return (head + encoded).ljust(struct.calcsize("@BPIH0P"), b"\0")

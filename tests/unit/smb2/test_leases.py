"""What an open takes back of others' leases."""

from __future__ import annotations

import pytest

from smbench.smb2 import constants as c
from smbench.smb2.leases import ALL, WRITE, broken_by_open


@pytest.mark.parametrize(
    ("access", "disposition", "broken"),
    [
        (c.GENERIC_READ, c.OPEN, WRITE),
        (c.FILE_WRITE_DATA, c.OPEN_IF, WRITE),
        (c.DELETE, c.OPEN, WRITE),
        (c.FILE_READ_ATTRIBUTES | c.SYNCHRONIZE, c.OPEN, 0),
        (c.FILE_WRITE_ATTRIBUTES | c.READ_CONTROL, c.OPEN, 0),
        (c.FILE_READ_ATTRIBUTES, c.OVERWRITE, ALL),
        (c.GENERIC_WRITE, c.SUPERSEDE, ALL),
    ],
)
def test_by_its_access_and_disposition(access: int, disposition: int, broken: int) -> None:
    assert broken_by_open(access, disposition) == broken

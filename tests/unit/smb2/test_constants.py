"""What follows from several numbers, against what Windows' headers (winnt.h) and the kernel's have for it."""

from __future__ import annotations

from smbench.smb2 import constants


def test_what_generic_rights_stand_for() -> None:
    assert constants.FILE_GENERIC_READ == 0x00120089
    assert constants.FILE_GENERIC_WRITE == 0x00120116
    assert constants.FILE_GENERIC_EXECUTE == 0x001200A0
    assert constants.FILE_ALL_ACCESS == 0x001F01FF


def test_rights_that_move_data() -> None:
    assert constants.READS_DATA == 0xB2000021
    assert constants.WRITES_DATA == 0x52000006
    assert not constants.DATA_ACCESS & constants.LOOK_ONLY


def test_dispositions_and_actions_are_counted_from_0() -> None:
    assert (constants.SUPERSEDE, constants.OPEN, constants.CREATE) == (0, 1, 2)
    assert (constants.OPEN_IF, constants.OVERWRITE, constants.OVERWRITE_IF) == (3, 4, 5)
    assert (constants.SUPERSEDED, constants.OVERWRITTEN) == (0, 3)
    assert (constants.INFO_FILE, constants.INFO_QUOTA) == (1, 4)

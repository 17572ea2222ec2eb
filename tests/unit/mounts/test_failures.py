"""What mount.cifs said, word by word as it was met in the lab, and what the user is told."""

import pytest

from smbench.mounts.failures import explain, hung_up, mount_errno

REFER = "Refer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)\n"
DENIED = "mount error(13): Permission denied\n"
STATUS = "CIFS: Status code returned "
CLOSED = (
    "mount error: Server abruptly closed the connection.\n"
    "This can happen if the server does not support the SMB version you are trying to use.\n"
    "The default SMB version recently changed from SMB1 to SMB2.1 and above. Try mounting with vers=1.0.\n"
    "mount error(112): Host is down\n"
)
ATTEMPT = "CIFS: Attempting to mount \\\\127.0.0.1\\share\n"


@pytest.mark.parametrize(
    ("stderr", "kernel_log", "why"),
    [
        (DENIED, f"{STATUS}0xc000006d STATUS_LOGON_FAILURE\n",
         "wrong user name or password"),
        (DENIED, f"{STATUS}0xc0000022 STATUS_ACCESS_DENIED\n",
         "the server denies it the share"),
        (DENIED, ATTEMPT, "permission denied by the share, as the kernel logged no refused password"),
        (DENIED, "", "permission denied"),
        ("mount error(2): No such file or directory\n", ATTEMPT, "the server has no such share"),
        ("mount error(111): could not connect to 127.0.0.1Unable to find suitable address.\n", ATTEMPT,
         "the server refuses the connection"),
        ("mount error(22): Invalid argument\n", "cifs: Unknown parameter 'foo'\n", "Unknown parameter 'foo'"),
        ("mount error(22): Invalid argument\n", "Unknown vers= option specified: 9\n", "vers= option"),
        ("mount error(95): Operation not supported\n", ATTEMPT, "support the dialect"),
        (CLOSED, ATTEMPT, "the server does not answer"),
        ("mount.cifs: permission denied: no match for /mnt/c found in /etc/fstab\n", "", "no match"),
        ("", "", "mount.cifs gave no reason"),
        ("mount error(127): Key has expired\n", "", "Key has expired"),
    ],
)  # fmt: skip
def test_a_failure_is_explained(stderr: str, kernel_log: str, why: str) -> None:
    failure = explain(stderr + REFER, kernel_log)
    assert why in failure.why
    assert failure.next
    assert "Refer to" not in failure.why


@pytest.mark.parametrize(
    ("greeting", "why"),
    [
        # smbd with hosts deny, or without this machine in hosts allow.
        (b"\x83\x00\x00\x01\x81", "the server denies this machine all sessions"),
        (b"", "takes the connection and closes it at once"),
        (None, "ended the connection when it was asked for a dialect"),
        (b"HTTP/1.1 400 Bad Request\r\n", "is no SMB server"),
    ],
)
def test_a_server_that_hangs_up_is_told_by_its_greeting(greeting: bytes | None, why: str) -> None:
    assert why in hung_up(greeting).why
    assert ("hosts deny" in hung_up(greeting).next) == (greeting in (b"", b"\x83\x00\x00\x01\x81"))


def test_kerberos_without_a_ticket_is_no_missing_share() -> None:
    stderr = "mount error(2): No such file or directory\n"
    assert "ticket" in explain(stderr, ATTEMPT, kerberos=True).why
    assert mount_errno(stderr) == 2
    assert mount_errno("mount: nothing") is None

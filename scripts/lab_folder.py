"""The folder that the guest of scripts/lab reads: accounts, smb.conf, the command, an empty disk."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from lab_parts import Parts

GUEST = Path(__file__).resolve().parent / "lab-guest"
DISK_SIZE = 16 << 30  # sparse: it costs what is written
Round = tuple[Callable[[int, int, int], int], int, Sequence[int], Sequence[int]]
"""Of MD4, RFC 1320 3.4: function, constant, order of the words, shifts."""


def nt_hash(password: str) -> str:
    """MD4 of the UTF-16 password ([MS-NLMP] 3.3.1), which OpenSSL 3 no longer offers."""
    data = password.encode("utf-16-le")
    padded = data + b"\x80" + b"\0" * ((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    rounds: tuple[Round, ...] = (
        (lambda x, y, z: x & y | ~x & z, 0, range(16), (3, 7, 11, 19)),
        (
            lambda x, y, z: x & y | x & z | y & z,
            0x5A827999,
            [i % 4 * 4 + i // 4 for i in range(16)],
            (3, 5, 9, 13),
        ),
        (
            lambda x, y, z: x ^ y ^ z,
            0x6ED9EBA1,
            [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
            (3, 9, 11, 15),
        ),
    )
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for start in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, start)
        a, b, c, d = state
        for function, constant, order, shifts in rounds:
            for step, index in enumerate(order):
                total = (a + function(b, c, d) + words[index] + constant) & 0xFFFFFFFF
                shift = shifts[step % 4]
                a, b, c, d = d, (total << shift | total >> (32 - shift)) & 0xFFFFFFFF, b, c
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state).hex().upper()


def write_accounts(run: Path, count: int) -> None:
    """users.toml and its password files for the client; passwd and smbpasswd lines for smbd."""
    users = run / "users"
    users.mkdir()
    toml, passwd, smbpasswd = [], [], []
    for number in range(1, count + 1):
        name = f"user{number:02d}"
        uid = 100000 + number
        # Told apart, so that credentials that got mixed up are refused and noticed.
        password = f"lab-{name}"
        secret = users / f"{name}.pw"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        toml.append(f'[[user]]\nname = "{name}"\npassword_file = "{name}.pw"\n')
        passwd.append(f"{name}:x:{uid}:65534::/nonexistent:/usr/sbin/nologin\n")
        smbpasswd.append(f"{name}:{uid}:{'X' * 32}:{nt_hash(password)}:[U          ]:LCT-65000000:\n")
    (users / "users.toml").write_text("\n".join(toml))
    (run / "passwd").write_text("".join(passwd))
    (run / "smbpasswd").write_text("".join(smbpasswd))


def write_run(run: Path, args: argparse.Namespace, parts: Parts, path: str) -> None:
    """All that the guest reads. Names that the caller chose stand in files and links, never on
    the kernel's command line or in mount options, where a blank or a comma would end them."""
    shutil.copy(GUEST, run / "guest")
    (run / "guest").chmod(0o755)
    write_accounts(run, args.users)
    (run / "smb.conf.extra").write_text("".join(f"{line}\n" for line in args.smb_conf))
    (run / "server").write_text(args.server)
    (run / "netem").write_text(args.netem)
    out = args.out.resolve() if args.out else Path("/run/lab/out")
    (run / "out-path").write_text(str(out))
    if args.out:
        (run / "out").symlink_to(out)
    (run / "modules").symlink_to(parts.modules)
    if parts.over:
        (run / "over").symlink_to(parts.over.resolve())
    # The guest's root is this user to the host's files, and root's home there may be closed to it.
    state = {} if os.geteuid() == 0 else {"XDG_STATE_HOME": "/run/state"}
    environment = {
        **os.environ,
        **state,
        "PATH": path,
        "HOME": "/root",
        "USER": "root",
        "LOGNAME": "root",
        "TMPDIR": "/tmp",
        "LAB": "1",
        "LAB_OUT": str(out),
        "LAB_USERS": "/run/lab/users/users.toml",
        "LAB_SERVER": "127.0.0.1",
        "LAB_SHARE": "//127.0.0.1/share",
        "LAB_SHARE_PATH": "/srv/lab/share",
        "LAB_SMB_CONF": "/run/lab/samba/smb.conf",
    }
    variables = [f"{key}={value}" for key, value in environment.items()]
    command = shlex.join(["/usr/bin/env", "-i", *variables, *args.command])
    (run / "command").write_text(f"cd {shlex.quote(str(Path.cwd()))} && exec {command}\n")
    for stream in ("stdout", "stderr", "console"):
        (run / stream).touch()
    with (run / "disk").open("wb") as disk:
        disk.truncate(DISK_SIZE)

"""A command that root was asked for by sudo becomes whoever called that, before a capture, a workload, a
target or an output is opened. What takes root is the helper's from then on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from smbench.confined import give_up
from smbench.errors import UsageError
from smbench.identity import Identity, acting_as, is_root, refuse_unreachable, sudo_caller
from smbench.privileged import client
from smbench.privileged.system import PATH
from smbench.quoting import quoted

_HOMES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")


def become_caller(run_as: str | None) -> str | None:
    """This process, if it is root, is from here on who called sudo, with that user's groups and nothing of
    root's; the helper is started before. Where root itself called it, it is the user `run_as`; where that is
    root or nobody is said, it stays root, and only its workers and tshark are somebody else
    (`smbench.identity`).

    What comes back is what is to be known: where that user cannot read this program, it stays root as well.
    Raises UsageError for a user that is none, or whom who called sudo may not say: the right to call this
    command by sudo is none to be anybody. SetupError for one whom this root cannot become.
    """
    if not is_root() or sys.platform != "linux":
        if run_as is not None:
            raise UsageError("--run-as says as whom root works, and this is not root: leave it, or use sudo")
        return None
    caller = sudo_caller()
    user = caller if run_as is None else _named(run_as)
    if caller is not None and user is not None and user.uid != caller.uid:
        raise UsageError(
            f"--run-as {quoted(run_as or '')} is root's own to say, and {caller.name} called sudo: leave it, "
            "or call this as root, without sudo"
        )
    if user is None or user.uid == 0:
        return None
    refuse_unreachable(user, "what root does not do itself is done as that user")
    if (closed := _closed_to(user)) is not None:
        why = f"{user.name} may not read {closed}, where this program is installed"
        if run_as is not None:
            raise UsageError(f"--run-as {quoted(run_as)} cannot be: {why}")
        # Whoever called sudo may have said there which programs are root's.
        os.environ["PATH"] = PATH
        return f"{why}: what {user.name} should do is done by root"
    client.start()
    give_up(user.uid, user.gid, _groups(user))
    _move_home(user)
    return None


def _closed_to(user: Identity) -> Path | None:
    """What of this program that user cannot reach; None: nothing."""
    needed = (Path(sys.executable), Path(os.__file__), Path(__file__), Path(client.HELPER))
    with acting_as(user):
        return next((one for one in needed if not os.access(one, os.R_OK, effective_ids=True)), None)


def _named(name: str) -> Identity:
    import pwd  # not everywhere

    try:
        found = pwd.getpwuid(int(name)) if name.isascii() and name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise UsageError(f"--run-as {quoted(name)} is no user of this machine") from None
    return Identity(found.pw_uid, found.pw_gid, found.pw_name)


def _groups(user: Identity) -> list[int]:
    """That user's; who has no name here is in no other than the own one."""
    try:
        return os.getgrouplist(user.name, user.gid)
    except (KeyError, OSError):
        return [user.gid]


def _move_home(user: Identity) -> None:
    """Where that user keeps things, and not where root does."""
    import pwd  # not everywhere

    try:
        home = pwd.getpwuid(user.uid).pw_dir
    except KeyError:
        home = "/nonexistent"
    if os.environ.get("HOME") != home:
        for name in _HOMES:
            os.environ.pop(name, None)
    os.environ.update(HOME=home, USER=user.name, LOGNAME=user.name)

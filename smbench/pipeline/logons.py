"""Accounts of users.toml as what opens encrypted captures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from smbench.capture.logons import Logon
from smbench.mounts.accounts import Account, load_accounts
from smbench.pipeline.progress import SILENT, Progress


def logons_of(accounts: Iterable[Account]) -> tuple[Logon, ...]:
    """Those that have a password, each once."""
    found = {
        (one.name, one.password): Logon(one.name, one.password)
        for one in accounts
        if one.password is not None
    }
    return tuple(found.values())


def load_logons(users: Path, progress: Progress = SILENT) -> tuple[Logon, ...]:
    """The accounts of users.toml that have a password. UsageError for whatever cannot be used there."""
    loaded = load_accounts(users)
    for warning in loaded.warnings:
        progress.warn(warning)
    return logons_of(loaded.accounts)

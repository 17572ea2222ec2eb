"""Finding out, by the first mount of a target, whether it is in DFS, where that leads, and what it holds."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from smbench.advice import how_to_install
from smbench.errors import SetupError
from smbench.mounts.cifs import Mounting, Refusal, require_server
from smbench.mounts.debugdata import read_connections
from smbench.mounts.dfs import NODFS, Lead, following, keeps_off, led, read_referrals
from smbench.mounts.failures import Failure
from smbench.mounts.target import ShareTarget
from smbench.mounts.verify import tree_of
from smbench.quoting import quoted

_MAY_BE_DFS = {errno.EOPNOTSUPP, errno.EREMOTE, errno.ENOENT}
"""What a mount with nodfs of something in DFS fails with (docs/cifs-client.md, 10)."""
_AT_A_LINK = {errno.EOPNOTSUPP, errno.EREMOTE}
_MOST_FOLDERS = 1_000
"""How many of a target's own folders are looked at: a namespace has tens of links, a share any number of
folders."""


def mount_first(mounting: Mounting, target: ShareTarget) -> Lead:
    """Mount it, and say what was mounted and is to be mounted for every other user. Raises SetupError.

    With `nodfs` of this program's own, what DFS leads to is mounted in the target's place; it is dropped only
    where links are met in there. Without it, or with one that was given, the client does as it was told.
    """
    refusal = mounting.tried(target)
    if not keeps_off(mounting.options):
        return _as_told(mounting, target, refusal)
    place = target
    if refusal is not None:
        place = _led_by_the_client(mounting, target, refusal) or target
        if place == target:
            raise _of_a_link(mounting, target, refusal)
        _require(place, target)
        mounting.mount(place, target)
    lead = Lead(place, None if place == target else place)
    if _in_dfs(mounting.where):
        if _has_link(mounting.where):
            lead = Lead(target, lead.leads_to, follows=True)
        # Anew: who looked left what it saw in the client's caches.
        mounting.undone()
        replace(mounting, options=lead.options(mounting.options)).mount(lead.mounted, target)
    return lead


def _in_dfs(root: Path) -> bool:
    """Whether the server says so of the share that is mounted there."""
    tree = tree_of(root)
    ours = (
        each
        for connection in read_connections()
        for session in connection.sessions
        if tree is not None and session.session_id == tree.session_id
        for each in session.trees
        if each.tree_id == tree.tree_id
    )
    return any(each.dfs for each in ours)


def _has_link(root: Path) -> bool:
    """Whether a folder that is mounted with `nodfs` has DFS links among its own."""
    with suppress(OSError), os.scandir(root) as entries:
        folders = (entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        return any(_is_link(folder) for folder in islice(folders, _MOST_FOLDERS))
    return False


def _is_link(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        return error.errno in _AT_A_LINK
    return False


def _as_told(mounting: Mounting, target: ShareTarget, refusal: Refusal | None) -> Lead:
    off = any(option.name == NODFS for option in mounting.options)
    place = None if off else led(target, read_referrals())
    if refusal is None:
        return Lead(target, place)
    if place is None:
        raise _of_a_link(mounting, target, refusal) if off else mounting.refused(target, refusal)
    _require(place, target)
    if refusal[0] == errno.ENOKEY and not mounting.account.kerberos:
        why = f"the kernel cannot resolve the name {place.server}"
        refusal = None, Failure(why, f"{how_to_install('key.dns_resolver')}, or name {place} as the target")
    raise mounting.refused(place, refusal, target)


def _require(place: ShareTarget, target: ShareTarget) -> None:
    """That there is a server where DFS leads."""
    try:
        require_server(place)
    except SetupError as error:
        raise SetupError(f"{target} is in DFS, which leads to {place}: {error}") from error


def _led_by_the_client(mounting: Mounting, target: ShareTarget, refusal: Refusal) -> ShareTarget | None:
    """Where the client's referrals lead, once it was asked to follow them, whatever became of that."""
    if refusal[0] not in _MAY_BE_DFS:
        return None
    replace(mounting, options=following(mounting.options)).mounts(target)
    return led(target, read_referrals())


def _of_a_link(mounting: Mounting, target: ShareTarget, refusal: Refusal) -> SetupError:
    """A refusal that is a link's, where the share alone can be mounted, and else its own."""
    if refusal[0] in _AT_A_LINK and target.folder and mounting.mounts(replace(target, folder="")):
        why = f"{quoted(target.folder)} is in DFS, behind a link"
        if keeps_off(mounting.options):
            why += ", and the client was given nothing that it leads to"
            instead = "name the share that the link leads to as the target"
        else:
            why += ", which --mount-option nodfs keeps the client from following"
            instead = "leave that option out"
        refusal = None, Failure(why, instead)
    return mounting.refused(target, refusal)

"""Which mount options a user may give: those that say how the client talks and what it keeps. Pure.

Mounting is done as root, and what is not known is not passed on: neither what would say whose the mount is,
where it leads or what may be run from it, nor what some later mount.cifs may take for any of that. Names and
values are those of mount.cifs(8) and of fs/smb/client/fs_context.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from smbench.errors import UsageError
from smbench.quoting import quoted

_NUMBER = r"\d{1,10}"
ALLOWED: Mapping[str, Mapping[str, str | None]] = {
    "caching": {
        "cache": "strict|none|loose|ro|singleclient",
        **dict.fromkeys(("actimeo", "acregmax", "acdirmax", "closetimeo", "handletimeout"), _NUMBER),
        **dict.fromkeys(
            ("handlecache", "nohandlecache", "strictsync", "nostrictsync", "nolease", "locallease")
        ),
        "max_cached_dirs": _NUMBER,
    },
    "the connection": {
        "vers": r"2\.0|2\.1|3|3\.0|3\.0\.2|3\.02|3\.1\.1|3\.11|default",
        "sec": "ntlmssp|ntlmsspi|krb5|krb5i",
        **dict.fromkeys(("seal", "sign", "rdma", "compress", "tcpnodelay", "noblocksend", "noautotune")),
        **dict.fromkeys(("sharesock", "nosharesock", "multichannel", "nomultichannel", "hard", "soft")),
        **dict.fromkeys(
            ("max_channels", "max_credits", "echo_interval", "retrans", "min_enc_offload"), _NUMBER
        ),
        **dict.fromkeys(
            ("persistenthandles", "nopersistenthandles", "resilienthandles", "noresilienthandles")
        ),
    },
    "sizes": dict.fromkeys(("rsize", "wsize", "rasize", "bsize"), _NUMBER),
    "names and numbers": {
        **dict.fromkeys(("mapposix", "nomapposix", "mapchars", "nomapchars", "nocase", "ignorecase")),
        **dict.fromkeys(("serverino", "noserverino", "dfs", "nodfs")),
        "iocharset": "[a-z0-9-]{1,32}",
        "snapshot": r"\d{1,20}|@GMT-[0-9.-]{1,30}",
    },
    "what calls mean": {
        **dict.fromkeys(("perm", "noperm", "brl", "nobrl", "forcemandatorylock", "sparse", "nosparse")),
        **dict.fromkeys(("unix", "nounix", "posix", "noposix", "linux", "nolinux", "mfsymlinks")),
        **dict.fromkeys(
            ("acl", "noacl", "cifsacl", "modefromsid", "idsfromsid", "user_xattr", "nouser_xattr")
        ),
        **dict.fromkeys(("ro", "noatime", "nodiratime", "relatime", "strictatime")),
    },
}
"""By what it concerns: name, and what its value may be, as a regular expression; None: it has none."""

_REFUSED: Mapping[str, str] = {
    "accounts and passwords stand in users.toml":
        "pass password password2 credentials cred user username domain dom workgroup domainauto guest",
    "what a share holds is neither run here nor a device of this machine":
        "suid dev exec nosuid nodev noexec defaults sfu",
    "whose the mount is follows from who the workers are, and it is for them alone":
        "uid gid forceuid forcegid cruid file_mode dir_mode setuids nosetuids multiuser backupuid backupgid "
        "dynperm users owner group",
    "which server and share it is, the target says":
        "unc source target path ip addr srcaddr port prefixpath servern netbiosname",
    "a mount of its own is made, and nothing is done to others":
        "remount bind rbind move shared rshared private slave loop",
}  # fmt: skip
_WHY_NOT = {name: why for why, names in _REFUSED.items() for name in names.split()}
_FORM = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_]*)(?:=(?P<value>[^,\s]+))?\Z", re.ASCII)
_VALUE_OF = {name: value for group in ALLOWED.values() for name, value in group.items()}


def may_be_given(name: str) -> bool:
    """Whether an option of this name may stand on a mount as a user, or a capture, asks for it."""
    return name in _VALUE_OF


def checked(text: str) -> tuple[str, str | None]:
    """Name and value of an option that a user gave, `name` or `name=value`. UsageError if it may not be."""
    match = _FORM.match(text)
    if match is None:
        raise UsageError(
            f"the mount option {quoted(text)} cannot be read: write it as name or name=value, one at a time."
        )
    name, value = match["name"], match["value"]
    if name not in _VALUE_OF:
        raise UsageError(f"the mount option {quoted(name)} cannot be given: {_why_not(name)}.")
    wanted = _VALUE_OF[name]
    if (wanted is None) != (value is None) or not re.fullmatch(wanted or "", value or "", re.ASCII):
        takes = "takes no value" if wanted is None else f"takes {_in_words(wanted)}"
        raise UsageError(f"the mount option {quoted(text)} cannot be given: {name} {takes}.")
    return name, value


def _why_not(name: str) -> str:
    plain = name.lower()
    if plain in _VALUE_OF:
        return f"it is written {plain}"
    if plain in _WHY_NOT:
        return _WHY_NOT[plain]
    groups = "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in ALLOWED.items())
    return f"it is none of those that may be ({groups})"


def _in_words(pattern: str) -> str:
    if pattern == _NUMBER:
        return "a number"
    if "[" in pattern:
        return "a value of another form (mount.cifs(8))"
    return ", ".join(pattern.replace("\\", "").split("|"))

"""From a workload's paths to the names that NtCreateFile takes, and no way out of the target. Pure.

Names go to the system as NT names: no `.` or `..` is resolved, no trailing dot or space is lost, and no
length but the NT one (32,767 characters) binds, because nothing passes Win32's path translation. What
that translation would have made of a name is refused here all the same: a drive letter, a device name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from smbench.paths.own_names import WHY, is_own
from smbench.quoting import quoted

_LONGEST_NAME_BYTES = 0xFFFE
"""A UNICODE_STRING counts bytes in 16 bits."""
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"]
    + [f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"]
)
_STREAM_TYPE = "$DATA"
_UNC = re.compile(r"\\\\(?P<server>[^\\?.:][^\\:]*)\\(?P<share>[^\\:]+)(?P<folder>(?:\\[^\\:]+)*)\\?\Z")
_DRIVE = re.compile(r"(?P<drive>[A-Za-z]):\\(?P<folder>(?:[^\\:]+\\)*[^\\:]*)\Z")


class NameRefusedError(ValueError):
    """A name that no file beneath a target can have; a server would say OBJECT_NAME_INVALID."""


def nt_root(path: str) -> str:
    r"""`\\server\share\folder` → `\??\UNC\server\share\folder`, `C:\folder` → `\??\C:\folder`.

    `/` counts as `\`; `\\?\` before either is understood. NameRefusedError for a relative path, a device, a
    path with `.` or `..` in it.
    """
    text = path.replace("/", "\\")
    if text.upper().startswith("\\\\?\\UNC\\"):
        text = "\\\\" + text[8:]
    elif text.startswith("\\\\?\\"):
        text = text[4:]
    if any(part in (".", "..") for part in text.split("\\")):
        raise NameRefusedError(f"the target {quoted(path)} has . or .. in it")
    if match := _UNC.match(text):
        return f"\\??\\UNC\\{match['server']}\\{match['share']}{match['folder']}"
    if match := _DRIVE.match(text):
        # The root of a drive keeps its backslash: without it the name is the volume, not its directory.
        folder = match["folder"].rstrip("\\")
        return f"\\??\\{match['drive'].upper()}:\\{folder}"
    raise NameRefusedError(
        f"the target {quoted(path)} is neither \\\\server\\share nor a directory with its drive"
    )


def extended_root(path: str) -> str:
    r"""The same for Win32, which then takes names literally: `\\?\UNC\server\share`, `\\?\C:\folder`."""
    return "\\\\?\\" + nt_root(path)[4:]


def is_remote(nt_path: str) -> bool:
    """Whether a root that `nt_root` made is a share."""
    return nt_path.upper().startswith("\\??\\UNC\\")


@lru_cache(maxsize=1 << 16)
def relative_name(path: str, *, captured: bool = True) -> str:
    """A workload's path (`/` between components) → the name relative to the root's handle.

    Raises NameRefusedError for what leads, or might lead, elsewhere: an absolute path, `.`, `..`, a
    backslash, NUL, a device name with or without an extension, a `:` that is not that of one stream of
    the last component; and, where a capture named it (`captured`), this program's own names. `""` is the
    root.
    """
    if not path:
        return ""
    components = path.split("/")
    for component in components[:-1]:
        _check(path, component, captured)
    last, *stream = components[-1].split(":")
    _check(path, last, captured)
    if stream:
        _check_stream(path, stream)
    name = "\\".join(components)
    if len(name.encode("utf-16-le", "surrogatepass")) > _LONGEST_NAME_BYTES:
        raise NameRefusedError(f"the path {quoted(path[:40])}… is longer than any name that NT knows")
    return name


def _check(path: str, component: str, captured: bool) -> None:
    if component in ("", ".", ".."):
        raise NameRefusedError(f"the path {quoted(path)} has the component {quoted(component)}")
    if "\\" in component or "\0" in component or ":" in component:
        raise NameRefusedError(f"the path {quoted(path)} has a backslash, a colon or NUL in a component")
    if is_device(component):
        raise NameRefusedError(f"the path {quoted(path)} has the device name {quoted(component)}")
    if captured and is_own(component):
        raise NameRefusedError(f"the path {quoted(path)} is refused: {WHY}")


def _check_stream(path: str, parts: list[str]) -> None:
    name, *kind = parts
    if not name or len(kind) > 1 or (kind and kind[0].upper() != _STREAM_TYPE):
        raise NameRefusedError(f"the path {quoted(path)} names something else than one data stream")
    if "\\" in name or "\0" in name or name in (".", ".."):
        raise NameRefusedError(f"the path {quoted(path)} has a backslash or NUL in its stream")


def is_device(component: str) -> bool:
    """Whether Win32 takes a name for a device: `con`, `NUL.txt`, `com1 .x`, `LPT¹` ([MS-FSCC] 2.1.5)."""
    stem = re.split(r"[.:]", component, maxsplit=1)[0]
    return stem.rstrip(" ").upper() in _DEVICES

"""The parameters of calls, flat: a call's own and those of its CREATE, as columns name them.

Every parameter has a column of its own name and type, so that adding a parameter to a call adds its column.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_type_hints

from smbench.smb2.constants import DELETE_ON_CLOSE, SETS_EA
from smbench.workload.calls import CALLS, Call, Create, MakeDirectory, Open, RemoveDirectory, Stat, Unlink

CREATE = "create"
_OF_A_NAME = ("access", "share_access", "options", "oplock", "lease_state", "lease_key", "contexts")
OF_CREATE: dict[type[Call], tuple[str, ...]] = {
    Open: tuple(field.name for field in fields(Create)),
    Stat: _OF_A_NAME,
    Unlink: _OF_A_NAME,
    RemoveDirectory: _OF_A_NAME,
    MakeDirectory: (*_OF_A_NAME, "attributes"),
}
"""What of a CREATE may differ between calls of a kind, and is stored; the rest is as `IMPLIED` has it."""

IMPLIED: dict[type[Call], Create] = {
    Open: Create(0),
    Stat: Stat("").create,
    Unlink: Unlink("").create,
    RemoveDirectory: RemoveDirectory("").create,
    MakeDirectory: MakeDirectory("").create,
}
"""The CREATE that a kind of call makes by itself."""

OWN: dict[type[Call], tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind) if field.name != CREATE) for kind in CALLS.values()
}
"""Those that are no CREATE's, in the order of the call's constructor."""

PARAMETERS: dict[type[Call], tuple[str, ...]] = {
    kind: (*own, *OF_CREATE.get(kind, ())) for kind, own in OWN.items()
}


HINTS: dict[type[Create | Call], dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (Create, *CALLS.values())
}
"""The types of a CREATE's parameters and of each kind's own: reading them is slow."""


def hints() -> dict[str, Any]:
    """The type of every parameter, by its name: those of one name go into one column."""
    return {name: hint for its in HINTS.values() for name, hint in its.items() if name != CREATE}


def parameter(call: Call, name: str) -> Any:
    """A call's parameter; None where its kind has none of that name."""
    if name in OF_CREATE.get(type(call), ()):
        return getattr(getattr(call, CREATE), name)
    return getattr(call, name, None)


def brought_eas(asked: Create) -> bool:
    """Whether a CREATE brought extended attributes that its handle has no right to set: a SetEa on it is what
    became of them."""
    return "ExtA" in asked.contexts.split(",") and not asked.access & SETS_EA


def removal(call: Unlink | RemoveDirectory) -> Create:
    """The CREATE of a removal, whose options say what `on_close` says."""
    asked = call.create
    if call.on_close and not asked.options & DELETE_ON_CLOSE:
        return replace(asked, options=asked.options | DELETE_ON_CLOSE)
    return asked

"""How a message shows what somebody gave or named: in quotes, as it is."""

from __future__ import annotations


def quoted(text: str) -> str:
    r"""`text` in quotes, on one line. A backslash stands once: `DOM\alice`, and not as repr has it."""
    shown = "".join(one if one == "\\" or one.isprintable() else repr(one)[1:-1] for one in text)
    mark = '"' if "'" in shown and '"' not in shown else "'"
    return f"{mark}{shown}{mark}"

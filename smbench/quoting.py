"""How text that others gave (a capture, a server, a file's name) is shown: nothing in it does anything."""

from __future__ import annotations


def visible(text: str, keeps: str = "") -> str:
    r"""`text` with what a terminal or a reader's eye would be led by spelled out: controls (ESC becomes
    \x1b), bidirectional ones and others of no width (\u202e), lone surrogates, blanks that are none. `keeps`:
    what stands as it is."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keeps else _spelled(one) for one in text)


def _spelled(one: str) -> str:
    return repr(one)[1:-1]


def quoted(text: str) -> str:
    r"""`text` in quotes, on one line. A backslash stands once: `DOM\alice`, and not as repr has it."""
    shown = visible(text)
    mark = '"' if "'" in shown and '"' not in shown else "'"
    return f"{mark}{shown}{mark}"

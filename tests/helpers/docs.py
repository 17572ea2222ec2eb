"""The documents in the package as tests read them: sections, tables, and what a real document has beside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.command import PROJECT

PACKAGE = PROJECT / "smbench"
DOCS = PACKAGE / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The text below each heading of the second level, up to the next."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def all_rows(text: str) -> list[list[str]]:
    """The rows of all tables, without their headings' lines; `\\|` is no border."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines]


def rows(text: str) -> list[list[str]]:
    """Those whose first cell is a name in backticks."""
    return [row for row in all_rows(text) if row[0].startswith("`")]


def listed(text: str) -> list[str]:
    """The names that the tables of a text list."""
    return [row[0].strip("`") for row in rows(text)]


def leaves(value: object, path: str = "") -> Iterator[str]:
    """The keys of a document down to plain values: `a.b`, `[]` for what a list holds."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value or [None]:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path


def covers(pattern: str, leaf: str) -> bool:
    """Whether a line of the document says what this key is; `*` is any one name, a file's too. What is empty
    has its line deeper down."""
    wanted, found = pattern.split("."), re.sub(r"\.(parquet|json)(?=\.|$)", "", leaf).split(".")
    alike = all(one in ("*", other) for one, other in zip(wanted, found, strict=False))
    # An empty list, or null in the place of an object, ends above the line for what it would hold.
    return alike and (len(wanted) >= len(found))


def unknown(document: object, heading: str) -> set[str]:
    """The keys of a real document that the section has no line for."""
    patterns = listed(FORMATS[heading])
    return {leaf for leaf in leaves(document) if not any(covers(pattern, leaf) for pattern in patterns)}


def keys_of(text: str) -> set[str]:
    return set(re.findall(r'"(\w+)"', text))


FORMATS, CLI = (sections(text_of(f"{name}.md")) for name in ("formats", "cli"))

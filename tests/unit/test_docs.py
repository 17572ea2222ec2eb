"""The documents in the package say what is there: evidence that rules cite, files, columns, keys, options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.command import PROJECT

from smbench.lift.rules.table import CLOSED_BY_SERVER, CLOSED_WITH_TREE, OPENED_BEFORE, RULES

PACKAGE = PROJECT / "smbench"
DOCS = PACKAGE / "docs"
DOCUMENTS = [PROJECT / "README.md", PROJECT / "vagrant" / "README.md", *sorted(DOCS.glob("*.md"))]
NAMES = [path.relative_to(PROJECT).as_posix() for path in DOCUMENTS]

_CITED = re.compile(r"cifs-client (§\d+(?:(?:, | and |, and )§\d+)*)")


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The text below each heading of the second level, up to the next."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# What is cited


def cited() -> Iterator[tuple[str, str]]:
    """(where, section) of all that the package's code cites of the evidence."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for found in _CITED.findall(path.read_text(encoding="utf-8")):
            for number in re.findall(r"\d+", found):
                yield path.relative_to(PROJECT).as_posix(), number


def test_the_evidence_that_rules_cite_is_there() -> None:
    numbered = {heading.partition(". ")[0] for heading in sections(text_of("cifs-client.md"))}
    everything = list(cited())
    assert [(where, number) for where, number in everything if number not in numbered] == []
    # That the pattern finds them at all: each rule that names the document is among what was found.
    of_rules = [
        rule.evidence for rule in (*RULES, OPENED_BEFORE, CLOSED_WITH_TREE, CLOSED_BY_SERVER)
        if "cifs-client" in rule.evidence
    ]  # fmt: skip
    assert of_rules
    assert [evidence for evidence in of_rules if not _CITED.search(evidence)] == []
    assert len(everything) >= len(of_rules)


def test_sections_of_the_evidence_keep_their_numbers() -> None:
    numbers = [int(heading.partition(". ")[0]) for heading in sections(text_of("cifs-client.md"))]
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))


# What is linked and named


def prose(path: Path) -> str:
    """Without indented and fenced blocks, whose brackets are no links."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def anchors(path: Path) -> set[str]:
    """The fragments that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    path = PROJECT / name
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        there = path.parent / file if file else path
        if not there.exists() or (fragment and fragment not in anchors(there)):
            broken.append(target)
    assert broken == []


def missing(name: str) -> list[str]:
    """What a document names in backticks as a file or folder of the project, and is not there."""
    modules = {path.name for path in PACKAGE.rglob("*.py")}
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    top = {path.name for path in PROJECT.iterdir()}
    gone = []
    for token in re.findall(r"`([\w./*-]+)`", prose(PROJECT / name)):
        first = token.partition("/")[0]
        if "/" in token and first in top:
            there = any(PROJECT.glob(token.rstrip("/")))
        elif "/" in token and first in packages:
            there = any(PACKAGE.glob(token.rstrip("/")))
        elif re.fullmatch(r"[a-z]\w+\.py", token):
            there = token in modules
        else:
            continue
        if not there:
            gone.append(token)
    return gone


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_named_are_there(name: str) -> None:
    assert missing(name) == []


def test_what_is_gone_would_be_found(tmp_path: Path) -> None:
    story = tmp_path / "story.md"
    story.write_text("`smbench/gone.py` `trace/gone.py` `gone.py` `trace/model.py` `first.run/run.json`\n")
    assert missing(str(story)) == ["smbench/gone.py", "trace/gone.py", "gone.py"]

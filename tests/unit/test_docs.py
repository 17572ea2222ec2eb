"""The documents in the package say what is there: evidence that rules cite, files, columns, keys, options."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pyarrow as pa
import pytest
from helpers.command import PROJECT
from helpers.docs import CLI, DOCS, FORMATS, PACKAGE, all_rows, covers, listed, rows, sections, text_of
from msgspec import inspect

from smbench.cli import COMMANDS, main
from smbench.fidelity import differences
from smbench.lift.rules.table import RULES
from smbench.measure import validity
from smbench.mounts.state import RunState
from smbench.privileged.allowed import ALLOWED
from smbench.privileged.system import RUNTIME_FOLDER
from smbench.run import columns as run_columns
from smbench.run.model import Run
from smbench.trace import store as trace_store
from smbench.trace.grade import GRADES
from smbench.trace.values import field_names
from smbench.workload import columns as workload_columns
from smbench.workload.calls import CALLS
from smbench.workload.parameters import PARAMETERS

DOCUMENTS = [PROJECT / "README.md", PROJECT / "vagrant" / "README.md", *sorted(DOCS.glob("*.md"))]
NAMES = [path.relative_to(PROJECT).as_posix() for path in DOCUMENTS]

_CITED = re.compile(r"cifs-client (§\d+(?:(?:, | and |, and )§\d+)*)")


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
    of_rules = [rule.evidence for rule in RULES if "cifs-client" in rule.evidence]
    assert of_rules
    assert [evidence for evidence in of_rules if not _CITED.search(evidence)] == []
    assert len(everything) >= len(of_rules)


def test_sections_of_the_evidence_keep_their_numbers() -> None:
    numbers = [int(heading.partition(". ")[0]) for heading in sections(text_of("cifs-client.md"))]
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_documents_and_sections_that_docstrings_name_are_there() -> None:
    named = [
        (path.name, document, section)
        for path in sorted(PACKAGE.rglob("*.py"))
        for document, section in re.findall(
            r'docs/([\w-]+\.md)(?:,? \(?"([^"]+)")?', path.read_text(encoding="utf-8")
        )
    ]
    assert named
    gone = [each for each in named if not (DOCS / each[1]).exists()]
    assert gone == []
    assert [each for each in named if each[2] and each[2] not in sections(text_of(each[1]))] == []


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


def test_the_map_is_that_of_the_layers() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    contract = [
        {name.strip().removeprefix("smbench.") for name in layer.split("|")} & folders for layer in layers
    ]
    lines = [
        line
        for line in sections(text_of("architecture.md"))["The map"].splitlines()
        if line.startswith("    ")
    ]
    # Names first, then, after more than two spaces, what they are.
    shown = [set(re.split(r" {3,}", line.strip())[0].split()) & folders for line in lines]
    assert [those for those in reversed(shown) if those] == [those for those in contract if those]


# What is stored


def spelled(kind: pa.DataType) -> str:
    """A type as the document has it."""
    if pa.types.is_dictionary(kind):
        return "word"
    if pa.types.is_list(kind):
        return f"list of {spelled(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{field.name}: {spelled(field.type)}" for field in kind) + "}"
    return str(kind)


TABLES: list[tuple[str, pa.Schema]] = [
    ("`operations.parquet` of a workload", workload_columns.OPERATIONS_SCHEMA),
    ("`namespace.parquet`", workload_columns.NAMESPACE_SCHEMA),
    ("`breaks.parquet`", workload_columns.BREAKS_SCHEMA),
    ("`coverage.parquet`", workload_columns.COVERAGE_SCHEMA),
    ("`operations.parquet` of a run", run_columns.OPERATIONS_SCHEMA),
    ("`resources.parquet`", run_columns.RESOURCES_SCHEMA),
    ("`compare --differences FILE.parquet`", differences.SCHEMA),
]


@pytest.mark.parametrize(("heading", "schema"), TABLES, ids=[heading for heading, _ in TABLES])
def test_every_column_is_written_down(heading: str, schema: pa.Schema) -> None:
    assert [(row[0].strip("`"), row[1]) for row in rows(FORMATS[heading])] == [
        (field.name, spelled(field.type)) for field in schema
    ]


def test_every_column_of_exchanges_is_written_down() -> None:
    header, _, message = FORMATS["`exchanges.parquet`"].partition("### Fields of messages")
    sides = ("request", "response")
    assert [(row[0].strip("`"), row[1]) for row in rows(header)] == [
        (field.name, "struct" if field.name in sides else spelled(field.type)) for field in trace_store.SCHEMA
    ]
    for side in sides:
        fields = trace_store.SCHEMA.field(side).type
        assert [(row[0].strip("`"), row[1]) for row in rows(message)] == [
            (field.name, spelled(field.type)) for field in fields
        ]
    for name, _, of, _ in rows(message):
        having = [
            kind for kind, message in trace_store.KINDS.items() if name.strip("`") in field_names(message)
        ]
        assert of == (", ".join(having) if len(having) < 4 else "most messages")


def test_calls_and_their_parameters_are_written_down() -> None:
    for name, _, of, _ in rows(FORMATS["`operations.parquet` of a workload"]):
        having = [kind for kind, call in CALLS.items() if name.strip("`") in PARAMETERS[call]]
        assert of in ("all", ", ".join(having)), name


def of_model(kind: inspect.Type, path: str = "") -> Iterator[tuple[str, bool]]:
    """The keys of a model down to plain values, and whether each may be null."""
    optional = isinstance(kind, inspect.UnionType) and kind.includes_none
    if isinstance(kind, inspect.UnionType):
        inner = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        kind = inner[0]
    if isinstance(kind, inspect.StructType | inspect.DataclassType):
        for field in kind.fields:
            yield from of_model(field.type, f"{path}.{field.encode_name}" if path else field.encode_name)
    elif isinstance(kind, inspect.DictType):
        yield from of_model(kind.value_type, f"{path}.*")
    elif isinstance(kind, inspect.VarTupleType):
        yield from of_model(kind.item_type, f"{path}[]")
    elif isinstance(kind, inspect.TupleType):
        yield f"{path}[]", optional
    else:
        yield path, optional


def test_every_key_of_a_run_is_written_down() -> None:
    """None is missing, and none is there that no run has."""
    keys = dict(of_model(inspect.type_info(Run)))
    del keys["directory"]  # where it was read from: no key of the file
    lines = {row[0].strip("`"): row[2] for row in rows(FORMATS["`run.json`"])}

    of = {
        pattern: {key for key in keys if key.count(".") == pattern.count(".") and covers(pattern, key)}
        for pattern in lines
    }
    assert set(keys) - set().union(*of.values()) == set()
    assert [pattern for pattern, found in of.items() if not found] == []
    # Of what may be null it is said when.
    assert [
        pattern for pattern, null in lines.items() if not null and any(keys[key] for key in of[pattern])
    ] == []


def test_the_state_file_of_mounts_is_written_down() -> None:
    keys = listed(FORMATS[f"`{RUNTIME_FOLDER}/RUN.json`"])
    assert keys == ["schema", *RunState.__dataclass_fields__]


# What is judged

VALIDITY = sections(text_of("validity.md"))


LIMITS = {
    "issued late": (f"{100 * validity.LATENESS_SHARE:g} %", f"{validity.LATENESS_FLOOR_NS / 1e6:g} ms"),
    "had no processor": (
        f"{100 * validity.WAIT_SHARE:g} %", f"{validity.WAIT_FLOOR_NS / 1e6:g} ms",
        f"{validity.WAIT_IN_ALL_NS / 1e9:g} s",
    ),
    "processors were busy": (
        f"{validity.CPU_LIMIT_PERCENT:g} %", f"{100 * validity.BUSY_SHARE:g} %",
        f"{validity.BUSY_FLOOR_S:g} s",
    ),
    "steal": (f"{validity.STEAL_LIMIT_PERCENT:g} %",),
    "memory": (f"{validity.MEMORY_FLOOR_PERCENT:g} %",),
    "swapped": (f"{validity.SWAP_LIMIT_BYTES / 1e6:g} MB",),
    "overdue": (f"{validity.OVERDUE_NS / 1e6:g} ms",),
}  # fmt: skip
"""Of the rules, by words of their rows."""


@pytest.mark.parametrize("rule", LIMITS)
def test_a_rule_has_its_limits_in_the_table(rule: str) -> None:
    (limit,) = [row[1] for row in all_rows(VALIDITY["A run is valid, or not"]) if rule in row[0]]
    assert [one for one in LIMITS[rule] if not re.search(rf"(?<![\d.]){re.escape(one)}", limit)] == []


def test_every_count_of_a_grade_is_in_the_table() -> None:
    table = [(row[0].strip("`"), row[1], row[2] == "yes") for row in rows(VALIDITY["How good a capture is"])]
    assert table == [(grade.name, grade.called, grade.lacks) for grade in GRADES]


# The command line

COMMON = "Options of all commands"


def options_of(command: click.Command) -> set[str]:
    """The long options of a command."""
    return {
        name
        for parameter in command.params if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--")
    }  # fmt: skip


def written(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_contract(name: str) -> None:
    """And none that is not there: of the section's own, and of those that all commands have."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    common = written(CLI[COMMON]) - {"--help"}
    assert options_of(command) >= common
    own = options_of(command) - common
    assert own - written(CLI[name]) == set()
    assert written(CLI[name]) - options_of(command) == set()


def test_every_mount_option_that_may_be_given_is_in_the_contract() -> None:
    table = {row[0]: row[1] for row in all_rows(CLI["mount"])}
    assert {what: re.findall(r"`(\w+)`", table[what]) for what in ALLOWED} == {
        what: sorted(names) for what, names in ALLOWED.items()
    }


def test_every_command_is_in_the_contract() -> None:
    assert set(CLI) - {COMMON, "Exit statuses"} == set(COMMANDS)

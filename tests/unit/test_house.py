"""The house's own rules, where no tool checks them: how long, and each thing defined once.

Complexity is ruff's (C901), layers are import-linter's. What offends today stands in a list that has to be
true in both ways: who mends one strikes it out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import smbench

PACKAGE = Path(smbench.__file__).parent
FILE_LINES = 350
FUNCTION_LINES = 60
PARAMETERS = 8
"""Without self; those of click's commands are the command line."""

TABLES = ["smb2/ntstatus.py"]
"""Files of constants, which may be as long as what they list."""
LONG_FILES: list[str] = []
LONG_FUNCTIONS: list[str] = []
WIDE_FUNCTIONS: list[str] = []

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its file."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


MODULES = modules()


def functions() -> Iterator[tuple[str, Function]]:
    """Every function of the package, with its file and name."""
    for file, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, Function):
                yield f"{file}: {node.name}", node


def parameters(function: Function) -> int:
    """How many a caller may give, one for `*rest` and one for `**more`."""
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return (
        len(named)
        - (named[:1] in (["self"], ["cls"]))
        + (given.vararg is not None)
        + (given.kwarg is not None)
    )


def is_command(function: Function) -> bool:
    """Whether click calls it with what stood on the command line."""
    return any(re.match(r"\w+\.(command|group)\(", ast.unparse(one)) for one in function.decorator_list)


def test_no_file_is_long() -> None:
    lines = {file: len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) for file in MODULES}
    long = {file: count for file, count in lines.items() if count > FILE_LINES and file not in TABLES}
    assert sorted(long) == LONG_FILES, f"more than {FILE_LINES} lines: {long}"


def test_tables_are_tables() -> None:
    """Most of their lines give names to values, in enumerations too."""
    for file in TABLES:
        statements = [*MODULES[file].body]
        statements += [part for node in statements if isinstance(node, ast.ClassDef) for part in node.body]
        named = [node for node in statements if isinstance(node, ast.Assign | ast.AnnAssign)]
        lines = len((PACKAGE / file).read_text(encoding="utf-8").splitlines())
        assert lines > FILE_LINES, f"{file} is no longer long"
        assert sum((node.end_lineno or 0) - node.lineno + 1 for node in named) > lines / 2, file


def test_no_function_is_long() -> None:
    long = {
        name: length
        for name, function in functions()
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES
    }
    assert sorted(long) == LONG_FUNCTIONS, f"more than {FUNCTION_LINES} lines: {long}"


def test_no_function_is_wide() -> None:
    wide = {
        name: count
        for name, function in functions()
        if (count := parameters(function)) > PARAMETERS and not is_command(function)
    }
    assert sorted(wide) == WIDE_FUNCTIONS, f"more than {PARAMETERS} parameters: {wide}"


# --- each defined once ------------------------------------------------------------------------


def names_given(node: ast.AST) -> list[str]:
    """What an assignment gives a name to, `A, B = …` too."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def named(pattern: str) -> Callable[[ast.AST], bool]:
    """Definitions by such a name, private ones too."""
    return lambda node: any(re.fullmatch(f"_?{pattern}", name) for name in names_given(node))


def literal(*values: object) -> Callable[[ast.AST], bool]:
    """Such a value written out."""
    return lambda node: (
        isinstance(node, ast.Constant) and type(node.value) is not bool and node.value in values
    )


@pytest.mark.parametrize(
    ("found", "where"),
    [
        pytest.param(named("(FILE_)?DELETE_ON_CLOSE"), "smb2/constants.py", id="DELETE_ON_CLOSE"),
        pytest.param(literal(116444736000000000, 11644473600), "smb2/filetime.py", id="FILETIME's epoch"),
        pytest.param(literal(0xC0000000), "smb2/ntstatus.py", id="0xC0000000"),
        pytest.param(literal("run.json"), "run/store.py", id="run.json"),
        pytest.param(named("MEASURES"), "run/measures.py", id="MEASURES"),
    ],
)  # fmt: skip
def test_each_is_defined_once(found: Callable[[ast.AST], bool], where: str) -> None:
    places = [
        f"{file}:{getattr(node, 'lineno', 0)}"
        for file, module in MODULES.items()
        for node in ast.walk(module)
        if found(node)
    ]
    assert [place.partition(":")[0] for place in places] == [where], places


def called() -> Iterator[tuple[str, str]]:
    """(file, name) of everything that is called by its name, or as an attribute of a module: `click.echo`."""
    for file, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                yield file, ast.unparse(node.func)


def imported(name: str) -> set[str]:
    """The files that import a module, or from it."""
    return {
        file
        for file, module in MODULES.items()
        for node in ast.walk(module)
        if (isinstance(node, ast.Import) and name in [alias.name for alias in node.names])
        or (isinstance(node, ast.ImportFrom) and node.module == name)
    }


def test_text_of_others_has_one_way_to_each_edge() -> None:
    """`smbench.quoting.visible` stands at each: where words are printed, in pages, in tables for others."""
    assert {file for file, name in called() if name in ("Console", "RichConsole", "Terminal")} == {
        "cli/common.py"
    }
    assert {file for file, name in called() if name in ("print", "click.echo", "click.secho")} == {
        "capture/jobs/worker.py",  # to the process that started them
        "confined.py", "cli/common.py", "cli/completion.py", "cli/guard.py", "cli/streams.py",
    }  # fmt: skip
    assert imported("html") == {"report/html.py"}
    assert imported("csv") == {"report/csv.py"}


READS = (
    r"open|np\.load|pq\.(ParquetFile|read_\w+)|.*\.(read_text|read_bytes)|(?!os).*\.open\((|'r[^w+]*'.*)\)"
)
"""What reads a file by its name; `open` of a path with its mode."""
ELSEWHERE = ("capture/", "executors/", "measure/", "paths/")
"""Packages that read captures, the target, the system, what a run has made for itself."""
NO_ARTEFACTS = {
    "stored.py": "keys, from pipes too; all else by its own way",
    "anonymize/scan.py": "its own", "tables.py": "what `stored` opened",
    "plan/store.py": "what `stored` opened",
    "clients/profile.py": "the package", "report/html.py": "the package",
    "runner/call_file.py": "its run's own", "runner/result.py": "its run's own", "spill.py": "its own",
    "cli/doctor.py": "the system", "identity.py": "the system", "owner.py": "the system",
    "privileged/runs.py": "the system", "mounts/debugdata.py": "the system",
    "mounts/mountinfo.py": "the system", "mounts/dfs.py": "the system",
    "pipeline/machine.py": "the system", "pipeline/sole.py": "the system",
}  # fmt: skip
"""Who else reads files, and of what."""


def test_artefacts_are_read_in_one_way() -> None:
    """By `smbench.stored.open_stored`."""
    reading = {
        file
        for file, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and re.fullmatch(READS, ast.unparse(node if ast.unparse(node.func).endswith(".open") else node.func))
    }
    assert {file for file in reading if not file.startswith(ELSEWHERE)} == NO_ARTEFACTS.keys()

"""`anonymize` as a user runs it: no original string is left anywhere, and the operations are the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.command import PROJECT, THREE_USERS, run

from smbench.anonymize.columns import KEPT
from smbench.anonymize.extensions import EXTENSIONS
from smbench.anonymize.numbers import TIMES
from smbench.anonymize.pseudonyms import CONTEXTS
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.workload.store import read

SHARED = PROJECT.parent / "shared" / "captures"
CAPTURES = [
    THREE_USERS,
    *(
        SHARED / name
        for name in (
            "zeek_smb_smb2readwrite.pcap", "oisf_smb-length-5786.pcap", "zeek_krb_smb2_krb.pcap",
            "torture_streams.pcap", "torture_notify.pcap", "oisf_smb2-07_20171220_smb_psexec_add_user.pcap",
            "zeek_smb_smb3_multichannel.pcap", "smbclient_311_plain.pcap",
        )
    ),
]  # fmt: skip
LONG = 6
"""Characters from which a string is looked for inside others; chance makes shorter ones anywhere."""
SHORTEST = 3
_BREAKS = re.compile(r"[/\\:*?<>\"|\x00-\x1f]+")
_OURS = re.compile(
    r"unknown(-[0-9a-f]+)?|\$[A-Z_]+|IPC\$|\.+|([0-9a-f])\2*|@GMT-[\d.-]+|[. ]*", re.IGNORECASE
)


def parts(text: str) -> set[str]:
    """The names that a string of a capture is made of, without what a pseudonym keeps by intent."""
    found = {part for part in _BREAKS.split(text) if not _OURS.fullmatch(part)}
    return {part for part in ({*found, text} if found else found) if len(part) >= SHORTEST}


def cells(name: str, array: pa.Array) -> Iterator[tuple[str, str]]:
    """All strings of a column, with the name of the column or field that they stand in."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_struct(kind):
        for at, field in enumerate(kind):
            yield from cells(field.name, array.field(at))
    elif pa.types.is_list(kind):
        yield from cells(name, array.flatten())
    elif pa.types.is_dictionary(kind):
        yield from cells(name, array.cast(pa.string()))
    elif pa.types.is_string(kind):
        yield from ((name, value) for value in set(array.to_pylist()) if value is not None)


def columns(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.parquet")):
        table = pq.read_table(file)
        for name in table.column_names:
            for column, value in cells(name, table.column(name)):
                yield f"{file.name}:{column}", value


def leaves(value: Any) -> Iterator[str]:
    """All strings of a JSON document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


def names_of(folder: Path) -> set[str]:
    """Everything that the workload calls by a name of the capture."""
    named = {
        part
        for column, value in columns(folder)
        if column.partition(":")[2] not in {*KEPT, "reason", "changes", "streams", "contexts"}
        for part in parts(value)
    }
    trace = json.loads((folder / "manifest.json").read_text())["trace"]
    told = [trace["captures"], trace["users"], [tree["share"] for tree in trace["trees"]]]
    told += [[c["client"], c["server"], c["client_guid"]] for c in trace["connections"]]
    told += [[s["account"], s["domain"], s["workstation"]] for s in trace["sessions"]]
    return (named | {part for text in leaves(told) for part in parts(text)}) - {*CONTEXTS, "krb5", "ntlmssp"}


@pytest.fixture(scope="module", params=CAPTURES, ids=lambda path: path.stem)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not request.param.exists():
        pytest.skip(f"the folder of public captures is not here: {SHARED}")
    folder = tmp_path_factory.mktemp("anonymize")
    assert run("ingest", request.param, "-o", folder / "a.workload").status == 0
    ran = run("anonymize", folder / "a.workload", "-o", folder / "b.workload", "--key-file", folder / "key")
    assert ran.status == 0, ran.err
    return folder / "a.workload", folder / "b.workload"


def test_no_original_string_is_left(both: tuple[Path, Path]) -> None:
    before, after = both
    originals = names_of(before)
    assert originals
    values = [value for column, value in columns(after) if column.partition(":")[2] not in KEPT]
    values += leaves(json.loads((after / "manifest.json").read_text()))
    words = {word.lower() for value in values for word in (value, *re.split(r"[/\\:, ]+", value))}
    text = "\n".join(values).lower()
    raw = b"\0".join(file.read_bytes() for file in sorted(after.iterdir()))
    ours = "".join(str(pq.read_schema(file)) for file in after.glob("*.parquet"))
    for original in originals:
        assert original.lower() not in words
        if len(original) >= LONG:
            assert original.lower() not in text
            assert original.encode() not in raw or original in ours
            assert original.encode("utf-16-le") not in raw


def test_the_operations_are_the_same(both: tuple[Path, Path]) -> None:
    before, after = both
    tables = [pq.read_table(folder / "operations.parquet") for folder in both]
    strings = {
        field.name for field in tables[0].schema if pa.types.is_string(field.type) and field.name not in KEPT
    }
    times = {name for name in tables[0].column_names if name in TIMES}
    kept = [name for name in tables[0].column_names if name not in strings | times]
    assert tables[0].select(kept).equals(tables[1].select(kept))
    for name in times:
        assert tables[0].column(name).is_null().equals(tables[1].column(name).is_null())
    one, other = read(before).info, read(after).info
    for name in ("operations", "lanes", "operations_by_user"):
        assert getattr(one, name) == getattr(other, name)
    assert [(row.disposition, row.command, row.count) for row in one.coverage] == [
        (row.disposition, row.command, row.count) for row in other.coverage
    ]
    assert one.trace.grade == other.trace.grade


def test_the_structure_and_the_extensions_are_the_same(both: tuple[Path, Path]) -> None:
    for table in ("operations.parquet", "namespace.parquet"):
        paths = [pq.read_table(folder / table, columns=["path"]).column(0).to_pylist() for folder in both]
        if table == "operations.parquet":
            pairs = list(zip(*paths, strict=True))
            assert len({other for _, other in pairs}) == len({one.lower() for one, _ in pairs})
            for one, other in pairs:
                assert one.count("/") == other.count("/")
                assert (one == "") == (other == "")
                extension = one.rpartition("/")[2].rpartition(".")[2]
                if re.fullmatch(r"[\w ]+\.\w+", one.rpartition("/")[2]) and extension in EXTENSIONS:
                    assert other.endswith("." + extension)
        assert sorted(path.count("/") for path in paths[0]) == sorted(path.count("/") for path in paths[1])
        seen: set[str] = {""}
        if table == "namespace.parquet":
            for path in paths[1]:
                assert path.rpartition("/")[0] in seen
                seen.add(path)


def test_listings_name_what_operations_name(both: tuple[Path, Path]) -> None:
    _, after = both
    exchanges = list(read_exchanges(after / EXCHANGES_FILE))
    assert len(exchanges) == read(after).info.trace.exchanges
    for exchange in exchanges:
        name = getattr(exchange.request, "name", None)
        if name and exchange.path is not None and not exchange.dfs and exchange.command == 5:
            assert name.replace("\\", "/").strip("/").lower() == exchange.path.lower()


def test_random_keys_differ_and_short_ones_are_refused(tmp_path: Path) -> None:
    run("ingest", THREE_USERS, "-o", tmp_path / "a.workload")
    for name in ("b", "c"):
        assert run("anonymize", tmp_path / "a.workload", "-o", tmp_path / f"{name}.workload").status == 0
    manifests = [(tmp_path / f"{name}.workload" / "manifest.json").read_text() for name in ("b", "c")]
    assert manifests[0] != manifests[1]
    (tmp_path / "key").write_text("short")
    (tmp_path / "key").chmod(0o600)
    output = tmp_path / "d.workload"
    refused = run("anonymize", tmp_path / "a.workload", "-o", output, "--key-file", tmp_path / "key")
    assert refused.status == 2
    assert "can be guessed" in refused.sentence
    inside = run("anonymize", tmp_path / "a.workload", "-o", tmp_path / "a.workload" / "b.workload")
    assert (inside.status, "lies in the workload itself" in inside.sentence) == (2, True)
    itself = run("anonymize", tmp_path / "a.workload", "-o", tmp_path / "a.workload", "--force")
    assert itself.status == 2
    for place in ("a.workload", "b.workload"):
        key = tmp_path / place / "key"
        told = run(
            "anonymize", tmp_path / "a.workload", "-o", tmp_path / "b.workload", "--force", "--key-file", key
        )
        assert (told.status, "name a place of its own with --key-file" in told.sentence) == (2, True)
        assert not key.exists()
    assert not output.exists()


def numbers_of(workload: Path) -> dict[str, Any]:
    table = pq.read_table(workload / "namespace.parquet")
    responses = pq.read_table(workload / EXCHANGES_FILE).column("response").combine_chunks()
    return {
        "sizes": sorted(table.column("size").to_pylist()),
        "written": sorted(table.column("written_ns").to_pylist(), key=repr),
        "told": {value for value in responses.field("size").to_pylist() if value},
        "capacity": {value for value in responses.field("capacity").to_pylist() if value},
        "start": json.loads((workload / "manifest.json").read_text())["trace"]["start_epoch_ns"],
    }


def test_each_level_keeps_what_it_says(tmp_path: Path) -> None:
    run("ingest", THREE_USERS, "-o", tmp_path / "a.workload")
    was = numbers_of(tmp_path / "a.workload")
    assert was["capacity"]
    assert was["told"]
    made, risks = {}, []
    for keep in ("structure", "sizes", "all"):
        copy = tmp_path / f"{keep}.workload"
        done = run("anonymize", tmp_path / "a.workload", "-o", copy, "--keep", keep, "--json")
        document = json.loads(done.out)
        assert document["keep"] == keep
        risks.append(document["risk"])
        made[keep] = numbers_of(copy)
        assert not made[keep]["capacity"]
        assert not made[keep]["told"]
        assert made[keep]["sizes"] == was["sizes"], "each is needed by a read or a write"
        for told in ("written", "start"):
            assert (made[keep][told] == was[told]) == (keep == "all")
    assert risks[0] == risks[1] == risks[2]
    shares = [risks[0][keep]["unique"] for keep in ("structure", "sizes", "all")]
    assert 0 < shares[0] <= shares[1] <= shares[2] <= risks[0]["all"]["paths"] == len(was["sizes"])


def test_runs_and_captures_are_not_taken_for_workloads(tmp_path: Path) -> None:
    refused = run("anonymize", THREE_USERS, "-o", tmp_path / "b.workload")
    assert refused.status == 2
    assert "a capture holds names and the content of files in its packets" in refused.sentence
    run("ingest", THREE_USERS, "-o", tmp_path / "a.workload")
    target = tmp_path / "target"
    target.mkdir()
    run("replay", tmp_path / "a.workload", target, "--executor", "null", "-o", tmp_path / "a.run")
    assert (tmp_path / "a.run" / "run.json").exists()
    refused = run("anonymize", tmp_path / "a.run", "-o", tmp_path / "b.workload")
    assert refused.status == 2
    assert (
        "not to be sent are run.json (accounts, servers, shares, paths and this machine)" in refused.sentence
    )


def test_what_another_tool_added_does_not_leave(tmp_path: Path) -> None:
    """A column of a table that was written anew, and what it said of its schema."""
    run("ingest", THREE_USERS, "-o", tmp_path / "a.workload")
    manifest = json.loads((tmp_path / "a.workload" / "manifest.json").read_text())
    del manifest["files"]
    (tmp_path / "a.workload" / "manifest.json").write_text(json.dumps(manifest))
    path = tmp_path / "a.workload" / "namespace.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"pandas": "of the ledger"}), path)
    assert run("anonymize", tmp_path / "a.workload", "-o", tmp_path / "b.workload").status == 0
    assert b"pandas" in path.read_bytes()
    assert b"pandas" not in (tmp_path / "b.workload" / "namespace.parquet").read_bytes()
    note = pa.array(["of the ledger"] * len(table), pa.large_string())
    pq.write_table(table.append_column("note", note), path)
    refused = run("anonymize", tmp_path / "a.workload", "-o", tmp_path / "c.workload")
    assert refused.status == 2
    assert "it has a column note of large_string, which no workload has" in refused.sentence
    assert not (tmp_path / "c.workload").exists()


def test_a_workload_without_its_exchanges_can_be_anonymized(tmp_path: Path) -> None:
    run("ingest", THREE_USERS, "-o", tmp_path / "a.workload")
    (tmp_path / "a.workload" / EXCHANGES_FILE).unlink()
    assert run("anonymize", tmp_path / "a.workload", "-o", tmp_path / "b.workload").status == 0
    shown = json.loads(run("inspect", tmp_path / "b.workload", "--json").out)
    assert sum(shown["coverage"].values()) == 310

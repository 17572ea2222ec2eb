"""The copy is searched for what was replaced: an original is found wherever it stands, and chance is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.anonymize.scan import Originals, scan

KEPT = frozenset(("docx", "data"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ledger 2020.docx", "ledger 2020"),
        ("/a/LEDGER 2020/b", "ledger 2020"),
        ("xxledger 2020yy", "ledger 2020"),
        ("bob", "bob"),
        ("/home/bob/x", "bob"),
        ("bobby", None),
        ("abcledgerdef234567", None),
        ("a.docx", None),
        ("ledger 202", None),
    ],
)
def test_an_original_is_found_wherever_it_stands(text: str, found: str | None) -> None:
    originals = Originals(["ledger 2020", "bob", "docx", "ledger"[:2]], {"abcledgerdef234567"}, KEPT)
    assert originals.count == 2
    assert originals.found_in(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("d/unknown-2024", None),
        ("@GMT-1985.01.02-03.04.05/x", None),
        ("@GMT-2023.01.02-03.04.05/x", "@gmt-2023.01.02-03.04.05"),
        ("unknown-2024/1985", "1985"),
        ("xunknown-2024", "2024"),
    ],
)
def test_numbers_that_this_program_made_up_are_no_folder_of_that_name(text: str, found: str | None) -> None:
    assert Originals(["2024", "1985", "@gmt-2023.01.02-03.04.05"], set(), KEPT).found_in(text) == found


@given(st.lists(st.text("abcd/. -_0é", min_size=1, max_size=30), min_size=1, max_size=8))
def test_what_was_replaced_is_not_found_in_what_was_made(paths: list[str]) -> None:
    names = Pseudonyms(b"0123456789abcdef")
    made = [names.path(path) for path in paths]
    originals = Originals(names.replaced, names.made, frozenset())
    extensions = {part.rpartition(".")[2] for path in paths for part in path.split("/")}
    for path in made:
        found = originals.found_in(path)
        assert found is None or found in extensions, (path, found)


def test_tables_and_the_manifest_are_searched_in_every_type(tmp_path: Path) -> None:
    originals = Originals(["ledger 2020"], set(), frozenset())
    trace: dict[str, list[Any]] = {
        "captures": [],
        "connections": [],
        "sessions": [{"account": "x", "mechanism": "ledger 2020"}],
        "trees": [],
        "users": [],
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"trace": trace}))
    for column in (
        pa.array(["ledger 2020"]),
        pa.array(["ledger 2020"]).dictionary_encode(),
        pa.array([["x", "ledger 2020"]]),
        pa.array([{"path": "ledger 2020"}]),
    ):
        pq.write_table(pa.table({"path": column}), tmp_path / "namespace.parquet")
        assert scan(tmp_path, originals).found == "namespace.parquet, path"
    pq.write_table(
        pa.table({"path": ["x"]}).replace_schema_metadata({"a": "ledger 2020"}), tmp_path / "n.parquet"
    )
    (tmp_path / "namespace.parquet").unlink()
    assert scan(tmp_path, originals).found == "n.parquet, metadata"
    (tmp_path / "n.parquet").unlink()
    done = scan(tmp_path, originals)
    assert (done.found, done.files, done.texts) == (None, 1, 1)
    trace["users"] = ["CORP\\ledger 2020"]
    (tmp_path / "manifest.json").write_text(json.dumps({"trace": trace}))
    assert scan(tmp_path, originals).found == "manifest.json, users"

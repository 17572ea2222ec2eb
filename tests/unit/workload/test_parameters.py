"""A call's parameters as columns have them, its CREATE's among them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.load import Load

from smbench.plan import plan_run
from smbench.runner.call_file import calls_of, stored, write_calls
from smbench.smb2.constants import DELETE, DELETE_ON_CLOSE, DIRECTORY_FILE, NON_DIRECTORY_FILE
from smbench.workload.calls import CALLS, Create, MakeDirectory, Read, RemoveDirectory, Stat, Unlink
from smbench.workload.parameters import IMPLIED, OF_CREATE, PARAMETERS, parameter, removal
from smbench.workload.store import MANIFEST, OPERATIONS, read, write


def test_every_kind_with_a_create_says_what_of_it_is_its_own() -> None:
    making = {kind for kind in CALLS.values() if "create" in {field.name for field in fields(kind)}}
    assert OF_CREATE.keys() == IMPLIED.keys() == making
    for names in PARAMETERS.values():
        assert len(names) == len(set(names))
        assert "create" not in names


def test_a_parameter_is_found_wherever_it_stands() -> None:
    call = Stat("x", create=Create(0x81, options=DIRECTORY_FILE))
    assert [parameter(call, name) for name in ("path", "options", "disposition", "offset")] == [
        "x", DIRECTORY_FILE, None, None
    ]  # fmt: skip
    assert parameter(Read(1, 2, 3), "offset") == 2


@pytest.mark.parametrize("kind", [Unlink, RemoveDirectory])
def test_a_removal_says_by_its_options_what_on_close_says(kind: type[Unlink | RemoveDirectory]) -> None:
    assert removal(kind("x", on_close=True)).options & DELETE_ON_CLOSE
    assert removal(kind("x", on_close=False)) == kind("x").create
    marked = Create(DELETE, options=NON_DIRECTORY_FILE | DELETE_ON_CLOSE)
    assert removal(kind("x", True, marked)) is marked


def test_what_a_stored_row_does_not_say_of_its_create_is_as_its_kind_implies(tmp_path: Path) -> None:
    load = Load()
    asked: list[Unlink | MakeDirectory | Stat] = [
        Unlink("a", create=Create(0x10080, 3)),
        MakeDirectory("d", replace(IMPLIED[MakeDirectory], access=0x81, share_access=1)),
        Stat("s", create=Create(0x81, 1, options=DIRECTORY_FILE)),
    ]
    for call in asked:
        load.add(0, call)
    write(tmp_path, load.workload)
    table = pq.read_table(tmp_path / OPERATIONS)
    place = table.schema.get_field_index("options")
    options = table.schema.field(place)
    table = table.set_column(place, options, pa.nulls(len(asked), options.type))
    pq.write_table(table.drop_columns(["lease_key"]), tmp_path / OPERATIONS)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["files"]  # as of an older version, which did not say how long they are
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    wanted = [
        replace(call, create=replace(call.create, options=IMPLIED[type(call)].options)) for call in asked
    ]
    workload = read(tmp_path)
    assert [repr(operation.call) for operation in workload.operations] == list(map(repr, wanted))
    plan = plan_run(workload, load.users)
    lanes = write_calls(stored(workload, tmp_path), plan, tmp_path / "calls")
    assert [repr(call) for batch in lanes.of_lane(0) for call in calls_of(batch)] == list(map(repr, wanted))

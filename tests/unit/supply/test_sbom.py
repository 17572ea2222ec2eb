"""The bill of materials: what CycloneDX 1.5 requires of it, and what it says of this project."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from supply import lock, sbom

import smbench

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
PINS = lock.read()
BILL = sbom.bill(PINS, WHEN)
PARTS = {(part["name"], part["version"]): part for part in BILL["components"]}


def licence_is_allowed(part: dict[str, Any]) -> bool:
    """One expression, or any number of names (the schema's licenseChoice)."""
    given = part.get("licenses", [{"expression": "none given"}])
    if [set(each) for each in given] == [{"expression"}]:
        return bool(given[0]["expression"])
    return all(set(each) == {"license"} and each["license"].get("name") for each in given)


def test_the_document_is_of_its_kind() -> None:
    assert (BILL["bomFormat"], BILL["specVersion"], BILL["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", BILL["serialNumber"])
    assert BILL["metadata"]["timestamp"] == "2026-01-02T00:00:00+00:00"
    about = BILL["metadata"]["component"]
    assert (about["type"], about["name"], about["version"]) == (
        "application", "smbench-mount", smbench.__version__
    )  # fmt: skip
    assert about["licenses"] == [{"expression": "MIT"}]


def test_every_pin_is_a_component_with_the_hashes_of_its_files() -> None:
    assert [(pin.name, pin.version) for pin in PINS] == list(PARTS)
    for pin in PINS:
        part = PARTS[pin.name, pin.version]
        assert part["type"] == "library"
        assert part["purl"] == part["bom-ref"] == f"pkg:pypi/{pin.name}@{pin.version}"
        (files,) = part["externalReferences"]
        assert files["type"] == "distribution"
        assert files["url"]
        assert files["hashes"] == [{"alg": "SHA-256", "content": one} for one in pin.sha256]
        assert licence_is_allowed(part), part


def test_who_needs_what_is_said_of_each_once() -> None:
    known = [BILL["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in BILL["components"])]
    assert len(set(known)) == len(known)
    assert [each["ref"] for each in BILL["dependencies"]] == known
    for each in BILL["dependencies"]:
        assert set(each["dependsOn"]) <= set(known)
        assert len(set(each["dependsOn"])) == len(each["dependsOn"])
    (pyshark,) = [each for each in BILL["dependencies"] if each["ref"].startswith("pkg:pypi/pyshark@")]
    assert {ref.partition("@")[0] for ref in pyshark["dependsOn"]} >= {"pkg:pypi/lxml", "pkg:pypi/appdirs"}


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("numpy", "required"), ("pywin32", "required"), ("lxml", "required"),  # by another: pyshark
        ("smbprotocol", "optional"), ("pytest", "excluded"), ("ruff", "excluded"),
    ],
)  # fmt: skip
def test_scopes(name: str, scope: str) -> None:
    assert {part["scope"] for (of, _), part in PARTS.items() if of == name} == {scope}


def test_licences_are_those_of_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, lines in {
        "spdx": "License-Expression: MIT OR 0BSD",
        "named": "License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License",
        "classed": "Classifier: License :: DFSG approved\nClassifier: License :: OSI Approved :: MIT License",
        "silent": "Summary: nothing",
    }.items():
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert sbom.licences("spdx", "1.0") == {"licenses": [{"expression": "MIT OR 0BSD"}]}
    assert sbom.licences("named", "1.0") == {"licenses": [{"license": {"name": "BSD-3-Clause"}}]}
    assert sbom.licences("classed", "1.0") == {"licenses": [{"license": {"name": "MIT License"}}]}
    assert (
        sbom.licences("silent", "1.0") == sbom.licences("spdx", "2.0") == sbom.licences("no-such", "1") == {}
    )


def test_the_command_writes_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(WHEN.timestamp())))
    monkeypatch.setattr(sys, "argv", ["sbom"])
    assert sbom.main() == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == BILL
    assert "licence not known, as they are not installed here: " in said.err  # pywin32, to begin with
    monkeypatch.setattr(sys, "argv", ["sbom", "-o", str(tmp_path / "it.json")])
    assert sbom.main() == 0
    assert (tmp_path / "it.json").read_text(encoding="utf-8") == said.out


def test_what_cannot_be_done_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sbom", "-o", str(tmp_path)])
    assert sbom.main() == 1
    assert capsys.readouterr().err.startswith(f"scripts/sbom: {tmp_path} cannot be written: ")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(SystemExit, match="2"):
        sbom.main()
    assert "SOURCE_DATE_EPOCH is to be a number of seconds, not 'today'" in capsys.readouterr().err

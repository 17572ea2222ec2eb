"""Write what the project is made of: a software bill of materials, CycloneDX 1.5 in JSON.

Every package of scripts/requirements.txt with its version, package URL, the hashes of its files, its licence
where it is installed here, and what it needs itself. `required` is what users get, `optional` what only the
extra `library` brings; what is for development alone is `excluded`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from supply import lock
from supply.lock import Pin

PROJECT = "smbench-mount"
LIBRARY, DEV = "library", "dev"  # extras of pyproject.toml
SYSTEMS = [
    {"python_version": version, "python_full_version": f"{version}.0", **system}
    for version in ("3.11", "3.12", "3.13", "3.14")
    for system in (
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    )
]
"""Where the project runs, as markers ask for it."""
Json = dict[str, Any]

EPILOG = """\
Versions are those that development and CI run with: a user may have others, within pyproject.toml's bounds.
What the distribution brings (Python, tshark, mount.cifs, the kernel) is not in it. Two calls with the same
SOURCE_DATE_EPOCH in their environment write the same.

exit status: 0; 1 FILE cannot be written; 2 usage.

examples:
  scripts/sbom -o smbench.cdx.json
  scripts/sbom | jq -r '.components[] | [.name, .version, .scope] | @tsv'
"""


def needs(name: str, extras: Iterable[str] = ()) -> set[str]:
    """The packages that an installed one asks for, anywhere; none of one that is not installed."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    places = [{**system, "extra": extra} for system in SYSTEMS for extra in ("", *extras)]
    return {
        spelled(requirement.name)
        for requirement in map(Requirement, lines)
        if requirement.marker is None or any(map(requirement.marker.evaluate, places))
    }


def spelled(name: str) -> str:
    """A distribution's name as indexes have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: set[str]) -> set[str]:
    """They, and all that they need."""
    found: set[str] = set()
    while names:
        found |= names
        names = {needed for name in names for needed in needs(name)} - found
    return found


def url(name: str, version: str) -> str:
    """[Package URL] of the type pypi."""
    return f"pkg:pypi/{name}@{version}"


def licences(name: str, version: str) -> Json:
    """As the installed package says it: an SPDX expression, or else its own words."""
    try:
        about = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return {}
    if about["version"] != version:
        return {}
    if expression := about.get("license_expression"):
        return {"licenses": [{"expression": expression}]}
    words = str(about.get("license", "")).strip()
    classes = [line.split(" :: ") for line in about.get("classifier", [])]
    # Some have the whole text where its name belongs.
    approved = [each[-1] for each in classes if each[:2] == ["License", "OSI Approved"]]
    said = [words] if 0 < len(words) < 80 else approved
    return {"licenses": [{"license": {"name": each}} for each in said]} if said else {}


def component(pin: Pin, scope: str) -> Json:
    purl = url(pin.name, pin.version)
    files = [{"alg": "SHA-256", "content": sha256} for sha256 in pin.sha256]
    return {
        "type": "library", "bom-ref": purl, "name": pin.name, "version": pin.version, "scope": scope,
        "purl": purl,
        **licences(pin.name, pin.version),
        # Each is of one file of the version: its sources, or a wheel for one system.
        "externalReferences": [{"type": "distribution", "url": purl, "hashes": files}],
        **({"properties": [{"name": "smbench:marker", "value": pin.marker}]} if pin.marker else {}),
    }  # fmt: skip


def bill(pins: list[Pin], when: datetime) -> Json:
    """The whole document."""
    version = metadata.version(PROJECT)
    of_users, of_library = closure(needs(PROJECT)), closure(needs(PROJECT, [LIBRARY]))
    this = {"type": "application", "bom-ref": url(PROJECT, version), "name": PROJECT, "version": version}
    refs: dict[str, list[str]] = {}
    for pin in pins:
        refs.setdefault(pin.name, []).append(url(pin.name, pin.version))

    def depends(ref: str, names: set[str]) -> Json:
        return {"ref": ref, "dependsOn": [each for name in sorted(names) for each in refs.get(name, [])]}

    parts = {
        "components": [
            component(
                pin,
                "required" if pin.name in of_users else "optional" if pin.name in of_library else "excluded",
            )
            for pin in pins
        ],
        "dependencies": [
            depends(url(PROJECT, version), needs(PROJECT, [LIBRARY, DEV])),
            *(depends(url(pin.name, pin.version), needs(pin.name)) for pin in pins),
        ],
    }
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([this, parts, str(when)]))}",
        "metadata": {
            "timestamp": when.isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "scripts/sbom", "version": version}]},
            "component": {**this, "purl": url(PROJECT, version), **licences(PROJECT, version)},
        },
        **parts,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/sbom", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to (default: standard output)"
    )
    args = parser.parse_args()
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not epoch.isdecimal():
        parser.error(f"SOURCE_DATE_EPOCH is to be a number of seconds, not {epoch!r}")
    when = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    text = json.dumps(document := bill(lock.read(), when), indent=2) + "\n"
    try:
        if args.output:
            args.output.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
    except OSError as error:
        print(f"scripts/sbom: {args.output or 'standard output'} cannot be written: {error}", file=sys.stderr)
        return 1
    unknown = [each["purl"] for each in document["components"] if "licenses" not in each]
    if unknown:
        print(f"scripts/sbom: licence not known, as they are not installed here: {', '.join(unknown)}",
              file=sys.stderr)  # fmt: skip
    return 0

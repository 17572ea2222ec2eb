"""A client profile: what one client put on the wire for each call, as a small TOML file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from smbench.errors import UsageError
from smbench.stored import read_toml

SCHEMA = 1
_HEAD = "# What this client puts on the wire, call by call: made by smbench-mount calibrate."


class ClientProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which client it was, and what it sent."""

    schema: int = SCHEMA
    kernel: str
    """`uname -r` of its kernel."""
    module: str
    """The client's own version."""
    server: str
    """What was spoken to: the dialect, and what is known of the server."""
    options: str
    """Of the mount, as the kernel had them."""
    calls: dict[str, list[str]]
    """By call (`smbench.clients.trials`), its messages in order (`smbench.clients.wording`); the last may be
    the error that it ended with, in brackets."""


def to_toml(profile: ClientProfile) -> str:
    """As `read` takes it. A JSON string is a TOML string as well."""
    values = msgspec.to_builtins(profile)
    lines = [_HEAD, *(f"{name} = {json.dumps(value)}" for name, value in values.items() if name != "calls")]
    calls = [f"{json.dumps(name)} = {json.dumps(sent)}" for name, sent in profile.calls.items()]
    return "\n".join([*lines, "", "[calls]", *calls, ""])


def read(path: Path) -> ClientProfile:
    """UsageError where the file is no client profile."""
    remedy = "make one by smbench-mount calibrate"
    document = read_toml(path, "the client profile", remedy)
    try:
        profile = msgspec.convert(document, ClientProfile)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is no client profile ({error}): {remedy}") from None
    if profile.schema != SCHEMA:
        raise UsageError(f"{path} is a client profile of schema {profile.schema}, not {SCHEMA}: {remedy}")
    return profile


def shipped() -> Iterator[tuple[str, ClientProfile]]:
    """By name, those that come with smbench."""
    for file in sorted(files("smbench.clients").joinpath("profiles").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            profile = msgspec.convert(tomllib.loads(file.read_text("utf-8")), ClientProfile)
            yield file.name.removesuffix(".toml"), profile


def unlike(one: ClientProfile, other: ClientProfile) -> list[str]:
    """The calls that both know, and for which they send something else."""
    return [name for name, sent in one.calls.items() if other.calls.get(name, sent) != sent]


def nearest(profile: ClientProfile, among: Mapping[str, ClientProfile]) -> str | None:
    """The name of the one that is unlike it in the fewest calls; of several the one of the nearest kernel."""
    if not among:
        return None
    return min(
        among, key=lambda name: (len(unlike(profile, among[name])), among[name].kernel != profile.kernel)
    )

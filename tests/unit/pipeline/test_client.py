"""What of a mount's client is told, by the mount's options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from smbench.clients.telling import TELLING, Told
from smbench.pipeline import client
from smbench.run.surroundings import Mount

GROWS = "fallocate to more"


@pytest.mark.parametrize(
    ("options", "without", "unsent"),
    [
        ("rw,vers=3.1.1,nosparse,soft", set(), ()),
        ("rw,vers=3.1.1,nostrictsync,soft", set(), ("FLUSH",)),
        ("rw,vers=3.0,nolease", {GROWS}, ()),
        ("rw,vers=2.1,nostrictsync", {GROWS}, ("FLUSH",)),
        (None, set(), ()),
    ],
)
def test_what_the_options_change_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: str | None, without: set[str],
    unsent: Collection[str],
) -> None:  # fmt: skip
    asked: list[tuple[Sequence[str], Collection[str]]] = []

    def tell(
        _root: Path, _identity: object, _read: Callable[[], Any], names: Sequence[str], kept: Collection[str]
    ) -> Told:
        asked.append((names, kept))
        return Told({})

    monkeypatch.setattr(client, "tell", tell)
    client._told(tmp_path, None, Mount(user="a", root=str(tmp_path), options=options))
    ((names, kept),) = asked
    assert ({*TELLING} - {*names}, kept) == (without, unsent)

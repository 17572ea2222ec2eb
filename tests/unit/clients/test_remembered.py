"""Client profiles in the caller's cache."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from smbench.clients.profile import shipped
from smbench.clients.remembered import place_of, recall, remember

ONE = dict(shipped())["linux-7.2"]


def test_what_is_kept_is_found_again_by_kernel_module_and_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = place_of("2.40", "nas:445")
    assert place.parent == tmp_path / "smbench/clients"
    assert place.name.startswith(f"linux-{platform.release()}-")
    assert recall(place) is None
    remember(place, ONE)
    assert recall(place_of("2.40", "nas:445")) == ONE
    others = {place_of("2.41", "nas:445"), place_of("2.40", "other:445")}
    monkeypatch.setattr(platform, "version", lambda: "#2 built anew")
    assert len({place, place_of("2.40", "nas:445"), *others}) == 4
    remember(place, dict(shipped())["linux-6.1"])
    assert recall(place) != ONE
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("value", ["", "relative"])
def test_without_a_cache_of_its_own_it_is_the_home_s(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert place_of("2.40", "nas:445").parent == Path.home() / ".cache/smbench/clients"


def test_who_has_no_home_has_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("could not determine home directory")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert place_of("2.40", "nas:445").parent == Path("/var/cache/smbench/clients")


def test_what_cannot_be_read_is_not_recalled(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[")
    assert recall(tmp_path / "a.toml") is None
    (tmp_path / "b.toml").mkdir()
    assert recall(tmp_path / "b.toml") is None


def test_what_cannot_be_kept_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(OSError, match="directory"):
        remember(tmp_path / "a.toml", ONE)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.toml"]

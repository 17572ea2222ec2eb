"""Files of artefacts are ordinary files of a bounded size, or are told of in a sentence."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from smbench.errors import UsageError
from smbench.stored import (
    MOST_BYTES,
    MOST_KEY_BYTES,
    MOST_TEXT_BYTES,
    copy_stored,
    open_stored,
    read_content,
    read_document,
    read_given,
    read_toml,
)

REMEDY = "make it again"
needs_kinds = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and devices")


class Document(msgspec.Struct):
    name: str
    size: int = 0


def zero(path: Path) -> None:
    """A device itself, where this user may make one."""
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("needs root, to make a device")


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


KINDS: dict[str, Callable[[Path], Any]] = {
    "directory": Path.mkdir, "FIFO": lambda path: os.mkfifo(path), "device": zero, "socket": bound_socket,
}  # fmt: skip


@needs_kinds
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_ordinary_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, given: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    KINDS[kind](Path("it"))
    with pytest.raises(UsageError, match=r"^it is no ordinary file: make it again$"):
        open_stored(Path("it"), REMEDY, given=given)


@needs_kinds
def test_no_link_is_followed_within_an_artefact_and_those_of_the_caller_are(tmp_path: Path) -> None:
    (tmp_path / "artefact").mkdir()
    (tmp_path / "it").write_bytes(b"content")
    (tmp_path / "artefact" / "it").symlink_to(tmp_path / "it")
    (tmp_path / "way").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UsageError, match=r"/it is a link, which leads out of its folder: put the file there"):
        open_stored(tmp_path / "artefact" / "it", REMEDY)
    assert read_content(tmp_path / "artefact" / "it", REMEDY, given=True) == b"content"
    assert read_content(tmp_path / "way" / "it", REMEDY) == b"content"
    (tmp_path / "artefact" / "zero").symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="no ordinary file"):
        open_stored(tmp_path / "artefact" / "zero", REMEDY, given=True)


@needs_kinds
@pytest.mark.parametrize("kind", ["FIFO", "link"])
def test_what_is_exchanged_between_the_look_and_the_opening_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"content")
    (tmp_path / "other").write_bytes(b"other")
    really = os.open

    def exchanged(name: Any, flags: int, *more: Any) -> int:
        path.unlink()
        os.mkfifo(path) if kind == "FIFO" else path.symlink_to(tmp_path / "other")
        return really(name, flags, *more)

    monkeypatch.setattr(os, "open", exchanged)
    with pytest.raises(UsageError, match="no ordinary file" if kind == "FIFO" else "cannot read"):
        open_stored(path, REMEDY)


def test_what_is_missing_is_its_readers_to_tell(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_stored(tmp_path / "it", REMEDY)
    with pytest.raises(UsageError, match=r"^cannot read '.*null"):
        open_stored(tmp_path / "i\0t", REMEDY)


def test_of_a_document_that_is_far_too_large_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hole of a terabyte, and a byte more than may be."""
    (tmp_path / "it").write_bytes(b"{}")
    for size, read in ((1 << 40, read_document), (MOST_BYTES + 1, read_document)):
        os.truncate(tmp_path / "it", size)
        with pytest.raises(UsageError, match="far larger than any document"):
            read(tmp_path / "it", Document, REMEDY)
    os.truncate(tmp_path / "it", MOST_TEXT_BYTES + 1)
    with pytest.raises(UsageError, match="far larger than any document"):
        read_toml(tmp_path / "it", "the text", REMEDY)
    os.truncate(tmp_path / "it", MOST_KEY_BYTES + 1)
    with pytest.raises(UsageError, match="holds more than 16 MiB"):
        read_given(tmp_path / "it", "key file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such FIFO")
def test_a_key_may_come_by_a_pipe_that_a_shell_made_and_by_no_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "it")
    (tmp_path / "link").symlink_to(tmp_path / "it")
    for name in ("it", "link"):
        with pytest.raises(UsageError, match=f"the key file .*{name} is a FIFO, whose writer may never come"):
            read_given(tmp_path / name, "key file")
    read = "import pathlib, sys; from smbench.stored import read_given; "
    read += "print(read_given(pathlib.Path(sys.argv[1]), 'key file'))"
    told = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" <(echo 0123)', sys.executable, read],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert told.stdout == "b'0123\\n'\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name": "\\ud800"}', None),
        ('{"name": "a\\u0000b"}', None),
        ('{"name": "a", "name": "b"}', None),
        ('{"name": "a", "more": ' + "9" * 5000 + "}", None),
        ('{"name": "a", "size": ' + "9" * 5000 + "}", "is not whole"),
        ('{"name": "a", "size": 1e999}', "is no"),
        ('{"name": "a", "size": NaN}', "is no JSON"),
        ('{"name": "\\ud800", "size": NaN}', "is no JSON"),
        ('{"name": 1}', "is not whole"),
        ("[" * 100_000, "is not whole"),
        ('{"a":' * 100_000, "is no JSON"),
        ('{"name": "a", "more": ' + "[" * 200_000 + "]" * 200_000 + "}", "is no JSON"),
        ('{"name": "\\ud800", "more": ' + "[" * 200_000 + "]" * 200_000 + "}", "is no JSON"),
        ("", "is no JSON"),
        ("\0", "is no JSON"),
        ('{"name": "\xff"}', None),
        (b'{"name": "\xff"}', "is no JSON"),
    ],
)
def test_strange_json_is_read_or_refused_in_a_sentence(
    tmp_path: Path, text: str | bytes, why: str | None
) -> None:
    (tmp_path / "it").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    try:
        read_document(tmp_path / "it", Document, REMEDY)
        said = None
    except UsageError as error:
        said = str(error)
    assert (said is None) == (why is None), said
    assert said is None or (why or "") in said
    assert "\n" not in (said or "")


@pytest.mark.parametrize(
    "text",
    ["a." * 100_000 + "a = 1", '"a" . ' * 100_000 + "a = 1", "[" + "a." * 100_000 + "a]",
     "x = {" + "'a'.b." * 100_000 + "a = 1}"],
)  # fmt: skip
def test_a_key_of_many_parts_is_refused_before_it_is_parsed(tmp_path: Path, text: str) -> None:
    """tomllib takes minutes for one."""
    (tmp_path / "it").write_text(text)
    with pytest.raises(UsageError, match="has a key of more than 64 parts"):
        read_toml(tmp_path / "it", "the text", REMEDY)


def test_many_dots_that_are_no_key(tmp_path: Path) -> None:
    (tmp_path / "it").write_text(f'a.b.c = "{"..." * 1000}"\nd = 1.5')
    assert read_toml(tmp_path / "it", "the text", REMEDY)["d"] == 1.5


def test_a_copy_is_of_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"content")
    copy_stored(tmp_path / "it", tmp_path / "copy", REMEDY)
    assert (tmp_path / "copy").read_bytes() == b"content"
    with pytest.raises(FileExistsError):
        copy_stored(tmp_path / "it", tmp_path / "copy", REMEDY)

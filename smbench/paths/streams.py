"""Names beneath two roots of one share: those with an alternate data stream by a mount of their own.

A mount that reaches `file:stream` is another one than the ordinary (mounts/options.py says why), so that what
names a stream goes beneath that one, and everything else beneath the first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from smbench.paths.beneath import Beneath, Directory
from smbench.paths.stream_names import has_stream

Result = TypeVar("Result")


def beneath(root: Path | str, streams: Path | str | None, *, captured: bool = True) -> Beneath:
    """The names beneath a root; streams beneath another one, where there is one."""
    first = Beneath(root, captured=captured)
    return first if streams is None else StreamsBeneath(first, Beneath(streams, captured=captured))


class StreamsBeneath(Beneath):
    """`Beneath`, with a second root for streams; `streams` is what lies beneath that."""

    def __init__(self, first: Beneath, streams: Beneath) -> None:
        super().__init__(first.root, captured=first.captured, openat2=first.uses_openat2)
        self.streams = streams

    def inside(self, path: str) -> Beneath:
        return StreamsBeneath(super().inside(path), self.streams.inside(path))

    def locate(self, path: str) -> tuple[Directory, str]:
        return self.streams.locate(path) if has_stream(path) else super().locate(path)

    def call(self, path: str, action: Callable[[int, str], Result]) -> Result:
        return self.streams.call(path, action) if has_stream(path) else super().call(path, action)

    def rename(self, source: str, target: str, *, replace: bool = True) -> None:
        if has_stream(source) or has_stream(target):
            self.streams.rename(source, target, replace=replace)
            return
        super().rename(source, target, replace=replace)

    def link(self, source: str, target: str) -> None:
        if has_stream(source) or has_stream(target):
            self.streams.link(source, target)
            return
        super().link(source, target)

    def pin(self, path: str, fd: int | None = None) -> None:
        if has_stream(path):
            self.streams.pin(path, fd)
        else:
            super().pin(path, fd)

    def pinned(self, path: str) -> Directory | None:
        return self.streams.pinned(path) if has_stream(path) else super().pinned(path)

    def unpin(self, path: str) -> None:
        if has_stream(path):
            self.streams.unpin(path)
        else:
            super().unpin(path)

    def forget(self, path: str) -> None:
        super().forget(path)
        self.streams.forget(path)

    def close(self) -> None:
        super().close()
        self.streams.close()

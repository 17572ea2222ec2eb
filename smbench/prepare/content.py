"""The bytes of prepared files: holes, or data that is seeded and does not compress."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b

import numpy

CHUNK = 4 << 20
DEFAULT_MAX_BYTES = 10 << 30


class Content(StrEnum):
    FULL = "full"
    SPARSE = "sparse"


def fill(
    descriptor: int, path: str, size: int, content: Content, seed: int, written: Callable[[int], None]
) -> None:
    """Give an empty file `size` bytes; `written` hears of each chunk. Raises OSError.

    The data follows from the path and the seed, so that no two files hold the same.
    """
    if content is Content.SPARSE:
        os.ftruncate(descriptor, size)
        written(size)
        return
    digest = blake2b(os.fsencode(path), digest_size=16, key=seed.to_bytes(8, "little", signed=True)).digest()
    generator = numpy.random.Generator(numpy.random.SFC64(int.from_bytes(digest, "little")))
    left = size
    while left:
        data = memoryview(generator.bytes(min(CHUNK, left)))
        while data:
            count = os.write(descriptor, data)
            data = data[count:]
            left -= count
            written(count)

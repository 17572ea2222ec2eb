"""Arrays as long as a workload: short ones in memory, long ones in files without a name.

What a file holds is the system's to keep in memory or to write out, so that a workload may be longer than
the memory: whoever works on such an array goes through it in blocks, since every expression over the whole
of it would be in memory again. TMPDIR says where the files are.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

IN_MEMORY_BYTES = 8 << 20
BLOCK = 1 << 18
"""Numbers to go through at once."""


def long_array(length: int, dtype: DTypeLike) -> NDArray[Any]:
    """Zeros. Workers that are forked share it, whichever kind it is."""
    size = length * np.dtype(dtype).itemsize
    if size <= IN_MEMORY_BYTES:
        return np.zeros(length, dtype)
    with tempfile.TemporaryFile(prefix="smbench-") as file:
        file.truncate(size)
        return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)


def blocks(length: int, size: int | None = None) -> Iterator[slice]:
    """Neighbouring slices of `size` (BLOCK) that cover so many numbers."""
    size = size or BLOCK
    return (slice(first, min(first + size, length)) for first in range(0, length, size))

"""Latencies as HDR histograms (hdrhistogram), filled by numpy: one range everywhere, nothing lost silently.

`Histogram.record` counts exactly as HdrHistogram.record_value does, thousands of values at a time, and
keeps the count of values that the library would refuse without a word.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from smbench.ranks import Percent, rank
from smbench.run.model import Percentiles

LOWEST_NS = 1
HIGHEST_NS = 3_600_000_000_000
DIGITS = 3
"""One range for every histogram, so that all of them can be added: 1 ns to 1 h, 0.1 % apart."""

_LAYOUT = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
BUCKETS: int = _LAYOUT.counts_len
_HALF_MAGNITUDE: int = _LAYOUT.sub_bucket_half_count_magnitude
_HALF: int = _LAYOUT.sub_bucket_half_count
_MASK: int = _LAYOUT.sub_bucket_mask

_DAMAGED = (HdrCookieException, HdrHistogramSettingsException, HdrLengthException, zlib.error, IndexError)

_OUTER = 8
"""Bytes of the header before what is compressed: cookie and length (HdrHistogram's V2 encoding)."""
_INNER = struct.Struct(">4I2Q")
"""What is compressed begins so: cookie, length, offset, digits, lowest and highest value."""
_LONGEST = 40 + 9 * BUCKETS
"""Bytes: the inner header, and nine at most for each count."""
_MOST_COUNTED = 1 << 48

PERCENTILES = {"p50_ns": 50.0, "p90_ns": 90.0, "p99_ns": 99.0, "p99_9_ns": 99.9}

Counts = NDArray[np.int64]


def bucket_of(values_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index that HdrHistogram counts each value at; -1 where it is out of range."""
    in_range = (values_ns >= 0) & (values_ns < HIGHEST_NS * 2)
    values = np.where(in_range, values_ns, 0)
    # Values below 2^53 are exact as floats, so that frexp's exponent is their bit length.
    magnitude = np.frexp((values | _MASK).astype(np.float64))[1].astype(np.int64)
    bucket = magnitude - (_HALF_MAGNITUDE + 1)
    index = ((bucket + 1) << _HALF_MAGNITUDE) + (values >> bucket) - _HALF
    in_range &= index < BUCKETS
    return np.where(in_range, index, -1)


def _refuse_strange(encoded: str) -> None:
    """ValueError where the compressed form is of another range than every histogram's here: the library would
    make room for whatever range it names, and unpack whatever it holds."""
    try:
        packed = base64.b64decode(encoded, validate=True)
        unpacking = zlib.decompressobj()
        told = unpacking.decompress(packed[_OUTER:], _LONGEST)
        *_, digits, lowest, highest = _INNER.unpack_from(told)
    except (binascii.Error, zlib.error, struct.error) as error:
        raise ValueError(f"no histogram: {error}") from None
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("no histogram: it is longer or shorter than one")
    if (lowest, highest, digits) != (LOWEST_NS, HIGHEST_NS, DIGITS):
        raise ValueError("a histogram of another range")


def _highest(index: int) -> int:
    return int(_LAYOUT.get_highest_equivalent_value(_LAYOUT.get_value_from_index(index)))


class Histogram:
    """Counts by bucket of times in nanoseconds."""

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(BUCKETS, np.int64)
        self.max_ns = 0
        self.out_of_range = 0

    def record(self, values_ns: NDArray[np.int64]) -> None:
        """Count all values."""
        index = bucket_of(values_ns)
        counted = index >= 0
        self.counts += np.bincount(index[counted], minlength=BUCKETS)
        self.max_ns = max(self.max_ns, int(values_ns[counted].max(initial=0)))
        self.out_of_range += int(len(values_ns) - counted.sum())

    def add(self, other: Histogram) -> None:
        """Count all that another histogram has counted."""
        self.counts += other.counts
        self.max_ns = max(self.max_ns, other.max_ns)
        self.out_of_range += other.out_of_range

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def percentile_ns(self, percent: Percent) -> int:
        """The value at the percentile's rank (`smbench.ranks`), as exact as its bucket: the bucket's highest
        value, as HdrHistogram says it, but never above the largest value itself; 0 where nothing was
        counted."""
        return self.percentiles_ns([percent])[0]

    def percentiles_ns(self, percents: Sequence[Percent]) -> list[int]:
        """`percentile_ns` of each."""
        below = np.cumsum(self.counts)
        total = int(below[-1])
        targets = [rank(percent, total) if total else 1 for percent in percents]
        return [
            0 if index >= BUCKETS else min(_highest(int(index)), self.max_ns)
            for index in np.searchsorted(below, targets)
        ]

    @property
    def mean_ns(self) -> float:
        """The mean, as exact as the buckets are; 0 where nothing was counted."""
        present = np.flatnonzero(self.counts)
        if not len(present):
            return 0.0
        values = np.array([_LAYOUT.get_value_from_index(int(index)) for index in present])
        sizes = np.array([_LAYOUT.get_highest_equivalent_value(int(value)) for value in values]) - values
        middle = values + sizes / 2
        return float(np.average(middle, weights=self.counts[present]))

    def percentiles(self) -> Percentiles:
        """The percentiles and the largest value, as a run has them; None where nothing was counted."""
        if not self.total:
            return Percentiles(**dict.fromkeys(PERCENTILES), max_ns=None)
        values = self.percentiles_ns(list(PERCENTILES.values()))
        return Percentiles(**dict(zip(PERCENTILES, values, strict=True)), max_ns=self.max_ns)

    def to_hdr(self) -> HdrHistogram:
        """The library's own histogram with these counts."""
        histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
        present = np.flatnonzero(self.counts)
        if len(present):
            np.ctypeslib.as_array(histogram.counts)[:] = self.counts
            histogram.set_internal_tacking_values(int(present[0]), int(present[-1]), self.total)
        return histogram

    def encode(self) -> str:
        """The compressed form (V2, base64) that all HdrHistogram tools read."""
        encoded: Any = self.to_hdr().encode()
        return str(encoded, "ascii")

    @classmethod
    def decode(cls, encoded: str) -> Histogram:
        """What `encode` made; `max_ns` is then as exact as its bucket. ValueError where it is damaged."""
        _refuse_strange(encoded)
        try:
            found = HdrHistogram.decode(encoded)
        except (*_DAMAGED, TypeError) as error:
            raise ValueError(f"no histogram: {error}") from None
        histogram = cls()
        histogram.counts[:] = np.ctypeslib.as_array(found.counts)
        if histogram.counts.min() < 0 or histogram.counts.max() >= _MOST_COUNTED:
            raise ValueError("no histogram: counts that nothing can have")
        histogram.max_ns = int(found.get_max_value()) if found.total_count else 0
        return histogram

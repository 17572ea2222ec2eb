"""Rows in the words of a comparison: paths relative to each side's folder, requests as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.paths import alike
from smbench.fidelity.rows import NONE, Rows, Vocabulary

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows with their paths relative to the side's folder: the numbers are words both sides share."""

    path: Numbers
    request: Numbers
    """Key and target: equal numbers are the same request of their path."""


def place(rows: Rows, texts: Sequence[str], vocabulary: Vocabulary) -> Placed:
    """Give a side's rows the words of the comparison. `texts`: the paths that are compared, by spelling."""
    words = [vocabulary.paths.number(alike(text)) for text in texts]
    of_spelling = np.array([*words, NONE], np.int64)  # the last one answers for NONE
    number = vocabulary.requests.number
    requests = [
        number(pair) for pair in zip(rows["key"].tolist(), of_spelling[rows["target"]].tolist(), strict=True)
    ]
    return Placed(of_spelling[rows["path"]], np.array(requests, np.int64))

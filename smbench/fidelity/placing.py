"""Rows in the words of a comparison: paths relative to each side's folder, requests as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.paths import Folders, without
from smbench.fidelity.rows import NONE, Rows, Vocabulary

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows with their paths relative to the side's folder: the numbers are words both sides share."""

    path: Numbers
    request: Numbers
    """Key and target: equal numbers are the same request of their path."""


def place(rows: Rows, folder: str, vocabulary: Vocabulary) -> Placed:
    """Give a side's rows the words of the comparison."""
    words = [vocabulary.paths.number(without(spelled, folder).casefold()) for spelled in rows.spellings]
    of_spelling = np.array([*words, NONE], np.int64)  # the last one answers for NONE
    number = vocabulary.requests.number
    requests = [
        number(pair) for pair in zip(rows["key"].tolist(), of_spelling[rows["target"]].tolist(), strict=True)
    ]
    return Placed(of_spelling[rows["path"]], np.array(requests, np.int64))


def sides_placed(
    reference: Rows, candidate: Rows, folders: Folders, vocabulary: Vocabulary
) -> tuple[Placed, Placed]:
    """Both sides in the words of the comparison."""
    return (
        place(reference, folders.reference, vocabulary),
        place(candidate, folders.candidate, vocabulary),
    )

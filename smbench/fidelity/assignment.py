"""The assignment of rows to columns that is worth most in all (H. W. Kuhn, 1955; with potentials, a row at a
time, as R. Jonker and A. Volgenant describe it, 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_NEVER = np.int64(1) << np.int64(62)


def assign(worth: Numbers) -> list[tuple[int, int]]:
    """(row, column) pairs, as many as the shorter side has, each used once; in the order of the rows."""
    if worth.shape[0] > worth.shape[1]:
        return sorted((row, column) for column, row in assign(worth.T))
    rows, columns = worth.shape
    # Row and column 0 are nobody's: a row that is to be placed begins there.
    of_row, of_column = np.zeros(rows + 1, np.int64), np.zeros(columns + 1, np.int64)
    taken = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        taken[0] = row
        way = np.zeros(columns + 1, np.int64)
        nearest = np.full(columns + 1, _NEVER)
        seen = np.zeros(columns + 1, bool)
        at = 0
        while True:
            seen[at] = True
            costs = -worth[taken[at] - 1] - of_row[taken[at]] - of_column[1:]
            better = ~seen[1:] & (costs < nearest[1:])
            nearest[1:][better], way[1:][better] = costs[better], at
            at = int(np.argmin(np.where(seen, _NEVER, nearest)))
            step = nearest[at]
            of_row[taken[seen]] += step
            of_column[seen] -= step
            nearest[~seen] -= step
            if not taken[at]:
                break
        while at:
            taken[at], at = taken[way[at]], int(way[at])
    return sorted((int(row) - 1, column) for column, row in enumerate(taken[1:].tolist()) if row)

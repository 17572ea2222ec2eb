"""What belongs to a run's warm-up: carried out and compared like all else, and in no figure of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def after_warm_up(intended_ns: NDArray[np.int64], warm_up_ns: int) -> NDArray[np.bool_]:
    """Which operations are due after it, by when they are due (since the start of the run)."""
    return np.asarray(intended_ns >= warm_up_ns)

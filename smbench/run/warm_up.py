"""What belongs to a run's warm-up: carried out and compared like all else, and in no figure of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.units import whole_ns


def after_warm_up(intended_ns: NDArray[np.int64], warm_up_ns: int) -> NDArray[np.bool_]:
    """Which operations are due after it, by when they are due (since the start of the run)."""
    return np.asarray(intended_ns >= warm_up_ns)


def warm_up_of(document: Mapping[str, Any]) -> int:
    """How long it was (ns), by run.json; 0 for none."""
    return whole_ns((document.get("warm_up") or {}).get("seconds", 0.0))

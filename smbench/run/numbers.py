"""The numbers that a run's document holds, by their types: what is outside their bounds is damage."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_MOST = (1 << 63) - 1
"""What a column of numbers holds."""
Copies = Annotated[int, Meta(ge=1, le=_MOST)]
Nanoseconds = Annotated[int, Meta(ge=0, le=_MOST)]
Seconds = Annotated[float, Meta(ge=0, le=_MOST / 1e9)]
Rate = Annotated[float, Meta(ge=0)]
"""What of something there is a second."""

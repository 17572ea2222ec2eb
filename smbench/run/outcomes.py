"""How the operations of a run ended, beside the capture and in their order; what was not carried out."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from smbench.run.numbers import Seconds
from smbench.stored import Count


class Outcomes(Struct, frozen=True, kw_only=True):
    """How many operations there were, and how they ended beside the capture."""

    planned: Count
    not_begun: Count | UnsetType = UNSET
    """Of the planned: those of loops that never began, which have no row in operations.parquet; where there
    are some."""
    executed: Count
    skipped: Count
    unfinished: Count | None = None
    """Were in flight when their worker ended; of none of the others. Older runs do not tell them."""
    matched: Count | None = None
    mismatched: Count | None = None
    errors: Count | None = None
    """Of the mismatched: failed here, and did not in the capture. All three are None where nothing was
    compared."""
    other_amounts: Count | None = None
    """Of the mismatched: succeeded as in the capture, with fewer or more bytes or entries. None also in older
    runs, which did not compare them."""
    unanswered: Count | None = None
    """Of the executed: those that the capture has no answer for."""
    compared: bool = True
    """Whether the executor's outcomes mean anything."""

    def __post_init__(self) -> None:
        if self.uncompared is None and self.mismatched is None:
            raise ValueError("it lacks `mismatched`, and outcomes were compared")
        for whole, part in _PARTS:
            if (getattr(self, part) or 0) > (getattr(self, whole) or 0):
                raise ValueError(f"`{part}` is more than `{whole}`")
        if self.alike < 0:
            raise ValueError("`mismatched` is more than were compared")

    @property
    def begun(self) -> int:
        """Of the planned: those of the loops that began; as many rows operations.parquet has."""
        return self.planned if self.not_begun is UNSET else self.planned - self.not_begun

    @property
    def answered(self) -> int:
        """Of the executed: those that the capture has an answer for. Older runs count all."""
        return self.executed - (self.unanswered or 0)

    @property
    def alike(self) -> int:
        """How many ended as in the capture; older runs count what it has no answer for among the matched."""
        return self.answered - (self.mismatched or 0)

    @property
    def uncompared(self) -> str | None:
        """Why no outcome was compared; None where some were."""
        if not self.compared:
            return "this executor has no outcomes"
        if not self.executed:
            return "nothing was carried out"
        return None if self.answered else "the capture has no answer"


_PARTS = (
    ("planned", "not_begun"),
    ("planned", "executed"),
    ("planned", "unfinished"),
    ("executed", "unanswered"),
    ("mismatched", "errors"),
    ("mismatched", "other_amounts"),
)


class WarmUp(Struct, frozen=True, kw_only=True):
    """What was due in the first `seconds`: carried out and compared, and in no time and no rate."""

    seconds: Seconds = 0.0
    operations: Count = 0


class Order(Struct, frozen=True, kw_only=True):
    """Happens-before edges: found, kept (without those that others imply), and what became of them."""

    edges: Count
    violated: Count
    edges_found: Count = 0
    released: Count = 0


class Workers(Struct, frozen=True, kw_only=True):
    lost: Count = 0
    killed: Count = 0


class LostUser(Struct, frozen=True, kw_only=True):
    """A user who could carry out nothing more, and why."""

    user: str
    why: str


class Shortfall(Struct, frozen=True, kw_only=True):
    """Calls of a kind that were skipped, or carried out without something, with the executor's reason."""

    kind: str
    reason: str
    count: Count


class Mismatch(Struct, frozen=True, kw_only=True):
    """An operation that ended otherwise than in the capture."""

    operation: Count
    user: str
    kind: str
    path: str
    expected: str | None
    got: str
    """As `ntstatus.outcome_name` calls outcomes, or how its amount compares (`workload.amounts.words`)."""
    warm_up: bool | None = None
    """Whether it was due in the warm-up."""
    captured_amount: Count | None = None
    """Bytes or entries, where the amount is what differs."""
    amount: Count | None = None


class Cause(Struct, frozen=True, kw_only=True):
    """All mismatches of one kind, expectation and outcome; `warm_up` of them were due in the warm-up."""

    kind: str
    expected: str | None
    got: str
    count: Count
    warm_up: Count = 0
    why: str | UnsetType = UNSET
    """Why the executor, and not the target, is to blame, where it is."""

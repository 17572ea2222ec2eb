"""How a run ended, in one word: `status` in run.json, and for people."""

from __future__ import annotations

DEADLINE = "deadline"
"""`Run.stopped` of a run that its deadline ended."""
GIVE_UP = "give-up"
"""`Run.stopped` of a run whose server was given up."""

KILLED = "killed"
"""`Run.stopped` of a run whose controller could not say what ended it."""

COMPLETE, CUT_OFF, GIVEN_UP, INTERRUPTED = "complete", "cut-off", "given-up", "interrupted"

_WORDS = {"": COMPLETE, DEADLINE: CUT_OFF, GIVE_UP: GIVEN_UP, KILLED: KILLED}
_SENTENCES = {
    CUT_OFF: "cut off by its deadline", GIVEN_UP: "given up", INTERRUPTED: "interrupted", KILLED: "killed",
}  # fmt: skip


def status_of(stopped: str | None) -> str:
    """The word for what stopped a run: nothing, the deadline, a dead server, a signal, or SIGKILL."""
    return _WORDS.get(stopped or "", INTERRUPTED)


def in_words(stopped: str | None) -> str:
    """The same for people; "" where it came to its end."""
    return _SENTENCES.get(status_of(stopped), "")

"""`--user REFERENCE=CANDIDATE`: who is compared with whom, as it was said; each name is of one user, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from smbench.errors import UsageError
from smbench.quoting import quoted

if TYPE_CHECKING:
    from smbench.fidelity.comparison import Comparison
    from smbench.fidelity.rows import Rows

_NAMED = 20
"""Users that a message names."""


def user_pairs(users: Sequence[str]) -> dict[str, str]:
    """The option's values as a table. UsageError where one is none, or says somebody again."""
    pairs: dict[str, str] = {}
    for pair in users:
        name, equals, other = pair.partition("=")
        if not (name and equals and other):
            raise UsageError(f"--user {quoted(pair)} names no two users: write REFERENCE=CANDIDATE")
        for side, taken, it in (("reference", pairs.keys(), name), ("candidate", pairs.values(), other)):
            if it.casefold() in map(str.casefold, taken):
                raise UsageError(
                    f"--user {quoted(pair)}: {it} of the {side} is paired twice; pair each user once"
                )
        pairs[name] = other
    return pairs


def check_users(
    users: Mapping[str, str], reference: str, candidates: Sequence[tuple[str, Comparison]]
) -> None:
    """UsageError where a name is of nobody, of more than one, or of somebody who was named before; of several
    candidates, one has to have the user. `candidates`: those with a wire."""
    if not users or not candidates:
        return
    _check(list(users), [(reference, candidates[0][1].rows[0])])
    _check(list(users.values()), [(name, compared.rows[1]) for name, compared in candidates])


def _check(wanted: Sequence[str], sides: Sequence[tuple[str, Rows]]) -> None:
    from smbench.fidelity.users import named

    found = [{name: named(rows.users, rows.senders(), name) for name in wanted} for _, rows in sides]
    for name in wanted:
        if not any(said[name] for said in found):
            known = "; ".join(f"the users of {side} are {_listed(rows)}" for side, rows in sides)
            raise UsageError(f"--user: there is no user {quoted(name)}: {known}")
    for (side, rows), said in zip(sides, found, strict=True):
        taken: dict[int, str] = {}
        for name, users in said.items():
            if len(users) > 1:
                each = ", ".join(rows.users[user] for user in users[:_NAMED])
                raise UsageError(
                    f"--user: {quoted(name)} is more than one user of {side}: say which of {each}"
                )
            for user in users:
                if user in taken:
                    raise UsageError(
                        f"--user: {quoted(taken[user])} and {quoted(name)} are both {rows.users[user]} of "
                        f"{side}: pair each user once"
                    )
                taken[user] = name


def _listed(rows: Rows) -> str:
    names = [rows.users[user] for user in rows.senders()]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "none"

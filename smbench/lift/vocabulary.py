"""The texts with which the lift gives its reasons: what in a reason is this program's own word."""

from __future__ import annotations

from smbench.lift.coverage import UNANSWERED
from smbench.lift.rules.control import INFRASTRUCTURE
from smbench.lift.rules.table import RULES

WORDS: frozenset[str] = frozenset(
    text for rule in RULES for text in (rule.name, rule.reason) if text
) | frozenset([*INFRASTRUCTURE.values(), UNANSWERED])
"""Names and reasons of all rules; what else stands in a reason is a detail, and may be a name."""
BEFORE_NAMES: frozenset[str] = frozenset(rule.reason for rule in RULES if rule.name == "pipe")
"""Reasons behind which nothing but a name stands, whatever it looks like."""

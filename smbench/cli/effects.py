"""Options that would have no effect beside the others: refused, so that nobody thinks that they had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import click
from click.core import ParameterSource

from smbench.errors import UsageError


class Needs(NamedTuple):
    """What an option, by the name of its parameter, needs to have an effect, and whether that is there."""

    parameter: str
    what: str
    there: bool


def refuse_without_effect(needs: Iterable[Needs]) -> None:
    """UsageError for the first option that was given on the command line for nothing. What stands in a
    configuration file may be meant for another call."""
    context = click.get_current_context()
    for parameter, what, there in needs:
        if not there and context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE:
            option = next(one for one in context.command.params if one.name == parameter)
            off = option.secondary_opts and context.params[parameter] is False
            raise UsageError(f"{(option.secondary_opts if off else option.opts)[0]} has no effect {what}")

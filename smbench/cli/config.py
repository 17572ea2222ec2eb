"""`--config FILE`: a TOML file with any of the long options, which mean what they do on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from smbench.errors import UsageError
from smbench.quoting import quoted
from smbench.stored import read_toml


class OptionalValue(click.Option):
    """An option that has the value `alone` where it is given without one."""

    def __init__(self, *args: Any, alone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alone = alone


def load_config(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """The file's values become the command's defaults. UsageError where one is none."""
    if path is None:
        return
    settings = read_toml(path, "the configuration", "write it as NAME = VALUE, an option a line")
    options = {
        option.removeprefix("--"): (parameter, option in parameter.secondary_opts)
        for parameter in ctx.command.params if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts) if option.startswith("--")
    }  # fmt: skip
    defaults: dict[str, Any] = {}
    for key, value in settings.items():
        name = key.replace("_", "-")
        if name not in options:
            known = ", ".join(sorted(options))
            raise UsageError(f"{path}: {ctx.info_name} has no option {quoted(key)}; it has {known}")
        parameter, negative = options[name]
        if not parameter.expose_value:  # --config, --run-as: in effect before a file is read
            raise UsageError(f"{path}: {key} is said on the command line only: leave it out of the file")
        given = _given(f"{path}: {key}", parameter, negative, value)
        if given is not None:
            try:
                parameter.type_cast_value(ctx, given)
            except click.BadParameter as error:
                raise UsageError(f"{path}: {key}: {error.message}") from None
            defaults[str(parameter.name)] = given
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _given(where: str, option: click.Option, negative: bool, value: Any) -> Any:
    """What the command line would have given; None where the file says that it would not have been there."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"{where} is true or false, not {value!r}")
        return value is not negative
    if isinstance(option, OptionalValue) and isinstance(value, bool):
        return option.alone if value else None
    if option.count and isinstance(value, bool):
        return str(int(value))
    if option.multiple:
        return [_word(where, each) for each in (value if isinstance(value, list) else [value])]
    return _word(where, value)


def _word(where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where} is a number or a text in quotes, not {_shown(value)}")
    return str(value)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"a {type(value).__name__}"

"""Options that several commands take, and how they say what they found."""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from devices import process
from devices.model import Placement
from incidents.directory import Channel
from rules.pipeline import Rules
from store.settings import load as load_settings

input_file = click.Path(path_type=Path, dir_okay=False)


placement_option = click.option(
    "--placement",
    type=click.Choice([placement.value for placement in Placement]),
    callback=lambda _context, _option, value: Placement(value),
    default=Placement.UNKNOWN.value,
    show_default=True,
    help="Where the wearable is worn.",
)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The options of whatever works on an installation, which is called with its settings."""

    @click.option("--config", metavar="anju.toml", type=input_file, help="Settings; none are needed.")
    @click.option("--state", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Folder of all that is kept.")
    @functools.wraps(command)
    def with_settings(config: Path | None, state: Path | None, **others: Any) -> None:  # noqa: ANN401  the command's own options
        process.log_lines(command.__name__)
        command(load_settings(config, state), **others)

    return with_settings


_WHOM = (
    click.option("--to", metavar="PERSON", required=True, help="A person's id."),
    click.option("--community", metavar="ID", help="Whose person it is; needed where there are several."),
)


_AT = (
    *_WHOM,
    click.option("--channel", type=click.Choice([one.value for one in Channel if one is not Channel.DEVICE]), required=True),
)


def of_method(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one contact method."""
    return functools.reduce(lambda made, option: option(made), reversed(_AT), command)


def of_person(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one person."""
    return functools.reduce(lambda made, option: option(made), reversed(_WHOM), command)


def print_lines(lines: Iterable[Mapping[str, Any]]) -> None:
    """As JSON Lines, to standard output."""
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")


def rules() -> Rules:
    """The rules that `app.py` composes."""
    composed: Rules = click.get_current_context().obj
    return composed

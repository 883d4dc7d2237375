"""The commands `anju rehearse` and `anju export-capture`: what happened as a capture, and what a change would have made of it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from notifier.rehearsal import Rules, rehearse
from store import community
from store.model import InputError
from web import terminal

_input_file = click.Path(path_type=Path, dir_okay=False)


def commands(rules: Rules) -> Iterator[click.Command]:
    """The commands, for the composition root.

    Parameters
    ----------
    rules
        Makes the rules over premises.
    """

    @click.command(name="rehearse")
    @click.argument("capture_file", metavar="CAPTURE.jsonl", type=_input_file)
    @click.option("--community", "today_file", metavar="COMMUNITY.yaml", type=_input_file, required=True, help="As it is today.")
    @click.option("--with", "changed_file", metavar="CHANGED.yaml", type=_input_file, required=True, help="The same with the change.")
    @click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of tables.")
    def rehearse_(capture_file: Path, today_file: Path, changed_file: Path, *, as_json: bool) -> None:
        """Run a capture under two configurations: incidents gained, lost, earlier or later, and SMS more or fewer."""
        _rehearse(capture_file, today_file, changed_file, rules, as_json=as_json)

    yield rehearse_


def _rehearse(capture_file: Path, today_file: Path, changed_file: Path, rules: Rules, *, as_json: bool) -> None:
    today, changed = community.load(today_file), community.load(changed_file)
    if today.id != changed.id:
        raise InputError(changed_file, "community.id", f"is {changed.id}, wanted {today.id} as in {today_file}")
    try:
        with terminal.waiting("Rehearsing …"):
            found = rehearse(capture_file, today, changed, rules)
    except FileNotFoundError:
        raise InputError(capture_file, "", "cannot be read: No such file or directory") from None
    if as_json:
        for line in found.lines():
            sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")
    else:
        terminal.show_rehearsal(found)
    for flood in found.floods:
        click.echo(f"warning: {flood}", err=True)

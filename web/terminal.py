"""What a person reads in a terminal."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich import box
from rich.console import Console
from rich.status import Status
from rich.table import Table

from devices.simulator.mqtt import Counters
from notifier.rehearsal import Change, Rehearsal, Sum, What
from rules.fall.evaluation import Evaluation, Group, PerHour, Share

PLAIN_WIDTH = 110
"""Columns of a table that goes into a file or a pipe."""


@contextmanager
def waiting(words: str) -> Iterator[Status]:
    """Say that something takes a while, where somebody looks; elsewhere nothing is said."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    with console.status(words) as status:
        yield status


@contextmanager
def counting(counters: Counters) -> Iterator[None]:
    """Say how much was published so far, while it goes on."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            status.update(f"{counters.published} messages published, {counters.acknowledged} acknowledged …")

    with waiting("Connecting …") as status:
        watch = threading.Thread(target=look, daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()


def show(evaluation: Evaluation) -> None:
    """Print how good a detector is: in all, then by activity."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    console.print(_groups(evaluation))
    console.print(_activities(evaluation))
    if evaluation.delay_s is not None:
        console.print("Known {:.1f} s after the impact (median), {:.1f} s (95 of 100), whole packets included.".format(*evaluation.delay_s))
    console.print(f"Detections in recordings of falls, but not at the fall: {evaluation.false_in_falls}.")


def _groups(evaluation: Evaluation) -> Table:
    table = Table("people", box=box.SIMPLE_HEAD, title="Falls found, and false alarms (95 % intervals)", title_justify="left")
    for heading in ("falls found", "other activity left quiet", "false alarms per hour"):
        table.add_column(heading, justify="right")
    for group in (evaluation.everyone, evaluation.elderly, evaluation.others):
        if group is not None:
            table.add_row(*_cells(group))
    return table


def _cells(group: Group) -> tuple[str, str, str, str]:
    return (group.name, _share(group.sensitivity), _share(group.specificity), _rate(group.false_alarms))


def _activities(evaluation: Evaluation) -> Table:
    table = Table("activity", box=box.SIMPLE_HEAD, title="By activity: F… falls found, D… left quiet", title_justify="left")
    table.add_column("right", justify="right")
    table.add_column("share and 95 % interval (Wilson)", justify="right")
    for activity in evaluation.activities:
        table.add_row(activity.name, f"{activity.right.count} of {activity.right.of}", _share(activity.right))
    return table


def _share(share: Share) -> str:
    if not share.of:
        return "none given"
    low, high = share.interval
    return f"{100 * share.value:.1f} % [{100 * low:.1f}–{100 * high:.1f}]"


def _rate(rate: PerHour) -> str:
    if not rate.hours:
        return "no hours given"
    low, high = rate.interval
    return f"{rate.value:.2f} [{low:.2f}–{high:.2f}] in {rate.hours:.2f} h"


def show_rehearsal(rehearsal: Rehearsal) -> None:
    """Print what a change changes: by kind and home, then incident by incident. What stays as it is is only counted."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    different = [one for one in rehearsal.sums if not one.is_same]
    table = Table("kind", "home", box=box.SIMPLE_HEAD, title="Incidents and SMS, today and with the change", title_justify="left")
    for heading in ("today", "changed", *_MOVES, "SMS today", "SMS changed"):
        table.add_column(heading, justify="right")
    for one in different:
        table.add_row(one.kind, one.home or "", *_counts(one))
    table.add_section()
    table.add_row("all", "", *_counts(rehearsal.total))
    console.print(table)
    moved = [one for one in rehearsal.changes if one.what is not What.SAME]
    if moved:
        console.print(_moved(moved))
    console.print(f"{rehearsal.total.whats.get(What.SAME, 0)} incidents open and are told at the same time.")


_MOVES = (What.GAINED, What.LOST, What.EARLIER, What.LATER)


def _counts(one: Sum) -> tuple[str, ...]:
    moves = (str(one.whats.get(what, 0) or "") for what in _MOVES)
    return (str(one.today), str(one.changed), *moves, str(one.sms_today), str(one.sms_changed))


def _moved(changes: Sequence[Change]) -> Table:
    table = Table("", "by", "kind", "who or where", "opened (UTC)", "told (UTC)", box=box.SIMPLE_HEAD, title_justify="left")
    for one in changes:
        said = one.said()
        it = said["changed"] or said["today"]
        by = "" if one.by_s is None else str(timedelta(seconds=abs(one.by_s)))
        table.add_row(one.what, by, one.either.kind, one.either.subject, it["at"], it["told"] or "nobody")
    return table

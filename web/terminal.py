"""What a person reads in a terminal."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.status import Status
from rich.table import Table

from devices.simulator.mqtt import Counters
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

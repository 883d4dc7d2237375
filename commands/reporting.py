"""What a property company is told of a month."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from commands.installation import database_of
from commands.options import with_settings
from devices.model import NS_PER_S, CommunityId
from incidents.report import TARGET_S, TARGET_SHARE, Figures, Report
from incidents.report import report as made_of
from store import reports
from store.capture import iso
from store.estates import Estates
from store.settings import Settings


@click.command()
@click.option("--community", "community_id", metavar="ID", required=True)
@click.option("--month", metavar="YYYY-MM", help="By the community's clock; else this one.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings
def report(settings: Settings, community_id: str, month: str | None, *, as_json: bool) -> None:
    """Say how many alarms there were in a month, how fast they were answered, and what was missing."""
    now_ns, whose = time.time_ns(), CommunityId(community_id)
    with database_of(settings).read() as session:
        zone = Estates().community(session, whose).directory.timezone
        span = reports.month(month or f"{datetime.fromtimestamp(now_ns // NS_PER_S, tz=zone):%Y-%m}", zone)
        found = made_of(reports.known(session, whose, span), reports.duties(session, whose, span), span, zone, now_ns)
    if as_json:
        click.echo(json.dumps(_said(found), ensure_ascii=False, sort_keys=True))
        return
    for line in _table(found):
        click.echo(line)


def _said(found: Report) -> dict[str, Any]:
    """With times as the contract writes them, and shares."""
    said = asdict(found)
    said |= {"since": iso(said.pop("since_ns")), "until": iso(said.pop("until_ns"))}
    said["all"] |= {"share": found.all.share, "is_met": found.all.is_met}
    said["days"] = [{"date": day.isoformat(), "raised": raised, "unanswered": missed} for day, raised, missed in found.days]
    for one in said["coverage"]:
        one["gaps"] = [[iso(at_ns) for at_ns in gap] for gap in one["gaps"]]
    for one in said["unanswered"]:
        for name in [name for name in one if name.endswith("_ns")]:
            at_ns = one.pop(name)
            one[name.removesuffix("_ns")] = None if at_ns is None else iso(at_ns)
    return said


def _table(found: Report) -> Iterator[str]:
    yield f"{iso(found.since_ns)} to {iso(found.until_ns)}, drills and tests left out"
    goal = f"target: {100 * TARGET_SHARE:g} % of {found.all.judged} life or urgent alarms within {TARGET_S} s"
    yield f"{goal}: {found.all.in_time}{_percent(found.all)}, {_WORDS[found.all.is_met]}"
    yield f"{'':32}{'alarms':>7}{'raised':>7}{'in time':>9}{'median s':>9}{'p90 s':>8}{'there s':>9}{'unanswered':>11}{'false':>6}"
    yield _line("all", found.all)
    for kind, one in found.kinds.items():
        yield _line(kind, one)
    for shift in found.shifts:
        yield _line(f"{shift.roster} {shift.clock} {'+'.join(shift.responders) or 'nobody'}", shift.figures)
    for false in found.false:
        yield f"false alarms: {false.count} {false.kind} {false.device or ''} {', '.join(false.causes)}".rstrip()
    for covered in found.coverage:
        yield f"roster {covered.roster}: somebody on duty {int(1000 * covered.share) / 10:g} % of the time, {len(covered.gaps)} gaps"
    for device in found.devices:
        what = ", ".join(f"{count} {kind}" for kind, count in device.faults.items())
        yield f"device {device.device}: {what}, {device.down_s / 3600:.1f} h{', still' if device.is_open else ''}"


_WORDS = {True: "met", False: "missed", None: "nothing to judge"}


def _line(name: str, one: Figures) -> str:
    times = (one.answer_median_s, one.answer_p90_s, one.arrive_median_s)
    median, p90, there = ("-" if value is None else f"{value:.0f}" for value in times)
    in_time = f"{one.in_time}/{one.judged}"
    return f"{name:32}{one.alarms:>7}{one.raised:>7}{in_time:>9}{median:>9}{p90:>8}{there:>9}{one.unanswered:>11}{one.false:>6}"


def _percent(one: Figures) -> str:
    return "" if one.share is None else f" ({int(1000 * one.share) / 10:g} %)"

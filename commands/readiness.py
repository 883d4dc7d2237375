"""Whether help would come: the red list, and drills."""

import json
import time
from collections.abc import Iterator
from typing import Any

import click

from commands.installation import database_of
from commands.options import with_settings
from commands.ways import spending_of
from devices.model import CommunityId, PersonId
from incidents.model import Drill, IncidentId, Refused
from notifier import drills as shown_by
from notifier import reachability
from notifier.drills import DrillReport
from notifier.reachability import Finding
from store import acts, drills, timelines, views
from store.capture import iso
from store.estates import Estates
from store.model import InputError
from store.session import Database
from store.settings import Settings


@click.command()
@click.option("--community", metavar="ID", help="Of this one; else of all.")
@click.option("--json", "as_json", is_flag=True, help="As JSON Lines.")
@with_settings
def readiness(settings: Settings, community: str | None, *, as_json: bool) -> None:
    """Say for whom help would not come as things are now, and what is missing: the red list."""
    estates, now_ns, spending = Estates(), time.time_ns(), spending_of(settings)
    with database_of(settings).read() as session:
        for community_id in _chosen(estates.ids(session), community):
            directory = estates.community(session, community_id).directory
            found = reachability.look(session, directory, spending, now_ns)
            for one in found:
                said = _finding(one)
                named = {"community": community_id, **said}
                click.echo(json.dumps(named, ensure_ascii=False, sort_keys=True) if as_json else _line(community_id, one, said))
            if not found and not as_json:
                click.echo(f"{community_id}: nothing is missing")


def _chosen(known: tuple[CommunityId, ...], community: str | None) -> tuple[CommunityId, ...]:
    if community is None:
        return known
    if community not in known:
        raise InputError("--community", community, f"is no community, wanted one of {', '.join(known) or 'none: there is none'}")
    return (CommunityId(community),)


def _finding(one: Finding) -> dict[str, Any]:
    """What is missing, without what says nothing of it."""
    said = {
        "resident": one.resident,
        "lack": one.lack,
        "kinds": list(one.kinds),
        "people": list(one.people),
        "devices": [{"device": device, "what": kind} for device, kind in one.devices],
        "roster": one.roster,
        "spans": [[iso(since_ns), iso(until_ns)] for since_ns, until_ns in one.spans],
        "stage": one.stage.name.lower() if one.stage else None,
    }
    return {name: value for name, value in said.items() if value}


def _line(community_id: CommunityId, one: Finding, said: dict[str, Any]) -> str:
    devices = [f"{device} {kind}" for device, kind in one.devices]
    spans = [f"{since} to {until}" for since, until in said.get("spans", [])]
    more = ", ".join([*one.kinds, *one.people, *devices, *([one.roster] if one.roster else []), *spans])
    return f"{community_id} {one.resident or 'everybody'}: {one.lack}{f' ({more})' if more else ''}"


@click.group()
def drill() -> None:
    """Drills: everybody is told as of a fall, and that it is none; the hospital is left out."""


_of_community = click.option("--community", metavar="ID", help="Needed where there are several.")


@drill.command()
@click.argument("resident", metavar="RESIDENT")
@click.option("--by", metavar="PERSON", required=True, help="The administrator who wants it.")
@_of_community
@with_settings
def begin(settings: Settings, resident: str, by: str, community: str | None) -> None:
    """Begin a drill: suppose that somebody has fallen just now. It ends when somebody ends it, or after 45 minutes."""
    database, estates = database_of(settings), Estates()
    community_id = _only(database, estates, community)
    outcome = acts.drill(database, estates, community_id, Drill(by=PersonId(by), resident=PersonId(resident)), time.time_ns())
    if isinstance(outcome, Refused):
        raise InputError("drill", resident, f"does not begin: {outcome.reason}")
    click.echo(outcome.incidents[0].id)


@drill.command()
@click.argument("drill_id", metavar="[ID]", required=False)
@_of_community
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings
def report(settings: Settings, drill_id: str | None, community: str | None, *, as_json: bool) -> None:
    """Say what a drill has shown, the newest one unless it is named: who was told when, who answered, where the chain broke."""
    database, estates = database_of(settings), Estates()
    community_id = _only(database, estates, community)
    with database.read() as session:
        known = {one.id: one for one in drills.read(session, community_id)}
        chosen = IncidentId(drill_id) if drill_id else next(iter(known), None)
        if chosen is None or chosen not in known:
            raise InputError("drill", drill_id or community_id, "has no drill" if chosen is None else "is no drill of this community")
        told = views.tellings(session, community_id, [chosen])[chosen]
        found = shown_by.report(known[chosen], told, (entry for _, entry in timelines.read(session, community_id, chosen)))
    if as_json:
        click.echo(json.dumps(_said(found), ensure_ascii=False, sort_keys=True))
        return
    for line in _table(found):
        click.echo(line)


def _only(database: Database, estates: Estates, community: str | None) -> CommunityId:
    with database.read() as session:
        known = _chosen(estates.ids(session), community)
    if len(known) != 1:
        raise InputError("--community", "", f"is not given, wanted one of {', '.join(known) or 'none: there is none'}")
    return known[0]


def _said(found: DrillReport) -> dict[str, Any]:
    drill_ = found.incident
    return {
        "id": drill_.id,
        "resident": drill_.subject,
        "by": drill_.headline.evidence.get("by"),
        "began": iso(drill_.opened_ns),
        "ended": None if drill_.ended_ns is None else iso(drill_.ended_ns),
        "state": drill_.state,
        "how": drill_.ended,
        "taken_by": found.taken_by,
        "taken_s": found.taken_s,
        "left_out": list(drill_.left_out),
        "breaks": [{"what": broke, "person": person} for broke, person in found.breaks],
        "people": [
            {
                "person": one.person,
                "told": [
                    {
                        "channel": way.channel,
                        "at": iso(way.at_ns),
                        "state": way.state,
                        "arrived": None if way.arrived_ns is None else iso(way.arrived_ns),
                        "code": way.code,
                    }
                    for way in one.ways
                ],
                "answer": one.do,
                "answer_s": one.answer_s,
            }
            for one in found.people
        ],
    }


def _table(found: DrillReport) -> Iterator[str]:
    drill_ = found.incident
    yield f"{drill_.id}: a drill about {drill_.subject}, begun {iso(drill_.opened_ns)}, {drill_.ended or drill_.state}"
    yield "nobody has taken it on" if found.taken_s is None else f"taken on by {found.taken_by} after {found.taken_s:.0f} s"
    for one in found.people:
        ways = ", ".join(
            f"{way.channel or 'by nothing'} {iso(way.at_ns)} {way.state}{f' ({way.code})' if way.code else ''}" for way in one.ways
        )
        after = "" if one.answer_s is None else f" after {one.answer_s:.0f} s"
        yield f"{one.person:24} {ways or 'no contact method'}; {f'{one.do}{after}' if one.do else 'no answer'}"
    if drill_.left_out:
        yield f"left out: {', '.join(drill_.left_out)}"
    for broke, person in found.breaks:
        yield f"broke: {broke}{f' {person}' if person else ''}"

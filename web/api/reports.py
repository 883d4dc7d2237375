"""A month as the property company is told of it."""

from dataclasses import asdict
from datetime import datetime
from math import floor

from fastapi import APIRouter, Request

from devices.model import NS_PER_S, DeviceId
from incidents import report as reporting
from incidents.report import Ailing, Figures, Report
from rules.kinds import EventKind
from store import reports
from store.model import InputError
from web.api.model import (
    AilingShown,
    CoverageShown,
    DayFigures,
    FalseFigures,
    FiguresShown,
    KindFigures,
    ReportShown,
    ShiftFigures,
    UnansweredShown,
)
from web.api.problems import ProblemError
from web.rights import Action
from web.scene import Scene
from web.site import TheSite, Visit
from web.words import Notice

router = APIRouter(prefix="/api/administration/report", tags=["administration"])


@router.get("")
def report(request: Request, site: TheSite, month: str = "") -> ReportShown:
    """What was in a month such as `2026-11`, by the community's clock; in this one without."""
    with site.visit(request) as visit:
        zone, now_ns = visit.community.directory.timezone, visit.scene.now_ns
        wanted = month or f"{datetime.fromtimestamp(now_ns // NS_PER_S, tz=zone):%Y-%m}"
        try:
            span = reports.month(wanted, zone)
        except InputError:
            raise ProblemError(422, Notice.REFUSED) from None
        known = reports.known(visit.session, visit.community.id, span)
        seen = [one for one in known if visit.who.may_about(Action.SEE_INCIDENTS, one[0])]
        duties = reports.duties(visit.session, visit.community.id, span)
        return _shown(wanted, reporting.report(seen, duties, span, zone, now_ns), visit)


def _shown(month: str, made: Report, visit: Visit) -> ReportShown:
    scene, words = visit.scene, visit.scene.words
    return ReportShown(
        month=month,
        since_words=scene.clock(made.since_ns),
        until_words=scene.clock(made.until_ns),
        target_s=reporting.TARGET_S,
        target_percent=100 * reporting.TARGET_SHARE,
        bins_s=list(reporting.BINS_S),
        all=_figures(made.all),
        days=[DayFigures(date=day.isoformat(), raised=raised, unanswered=missed) for day, raised, missed in made.days],
        kinds=[KindFigures(kind=kind, words=words.kinds[kind], figures=_figures(one)) for kind, one in made.kinds.items()],
        shifts=[
            ShiftFigures(
                roster=one.roster,
                clock=one.clock,
                people=[scene.name(person) for person in one.responders],
                times=one.times,
                duty_s=one.duty_s,
                figures=_figures(one.figures),
            )
            for one in made.shifts
        ],
        false=[
            FalseFigures(words=words.kinds[one.kind], device=_device(one.device, scene), count=one.count, causes=list(one.causes))
            for one in made.false
        ],
        unanswered=[
            UnansweredShown(id=one.id, words=words.kinds[one.kind], when_words=scene.clock(one.opened_ns)) for one in made.unanswered
        ],
        coverage=[
            CoverageShown(
                roster=one.roster,
                share_percent=floor(1000 * one.share) / 10,  # 100 % is nothing less
                gaps_words=[
                    words.from_to.format(since=scene.clock(since_ns), until=scene.clock(until_ns)) for since_ns, until_ns in one.gaps
                ],
            )
            for one in made.coverage
        ],
        devices=[_ailing(one, scene) for one in made.devices],
    )


def _figures(one: Figures) -> FiguresShown:
    share_percent = None if one.share is None else floor(1000 * one.share) / 10
    return FiguresShown(**asdict(one), share_percent=share_percent, is_met=one.is_met)


def _ailing(one: Ailing, scene: Scene) -> AilingShown:
    device = scene.directory.devices.get(one.device)
    home = scene.directory.homes.get(device.home) if device and device.home else None
    return AilingShown(
        id=one.device,
        name_words=_device(one.device, scene),
        where_words=home.address or home.id if home else scene.name(device.wearer) if device and device.wearer else "",
        faults_words=scene.words.list_gap.join(_faults(kind, count, scene) for kind, count in one.faults.items()),
        down_s=one.down_s,
        is_open=one.is_open,
    )


def _faults(kind: EventKind, count: int, scene: Scene) -> str:
    return scene.words.kinds[kind] if count == 1 else scene.words.many_things.format(n=count, thing=scene.words.kinds[kind])


def _device(device_id: DeviceId | None, scene: Scene) -> str:
    """A device in words, with its id; "" of none."""
    device = scene.directory.devices.get(device_id) if device_id else None
    if device is None:
        return device_id or ""
    noun = scene.wording.contacts[device.covers] if device.covers else scene.wording.devices[device.kind]
    return scene.words.thing.format(thing=noun, id=device.id)

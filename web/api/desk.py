"""The desk in the app: what is wrong, what is broken, and what a shift leaves to the next."""

from fastapi import APIRouter, Request

from incidents.model import Incident
from store import desk_notes, views
from web.api.model import DeskCard, DeskNoteShown, DeskShown, DutyShown, LackShown, NoteWish, ShiftShown, SilenceShown
from web.api.problems import ProblemError
from web.api.shown import card_shown
from web.desk import SHIFT_NS, lacks, on_duty, parted, places, shift_began_ns
from web.gate import TheWho
from web.silences import silence
from web.site import TheSite, Visit
from web.words import Notice

MOST_OVER = 200
MOST_NOTES = 20

router = APIRouter(prefix="/api/desk", tags=["desk"])


@router.get("")
def desk(request: Request, site: TheSite) -> DeskShown:
    """What is wrong and which devices are broken, each the gravest first, and what is silenced; as of one moment."""
    with site.visit(request) as visit:
        return _desk(visit)


@router.get("/lacks")
def broken(request: Request, site: TheSite) -> list[LackShown]:
    """What is broken besides devices: whose falls go unnoticed, who cannot be told, the money for messages, and the red list."""
    with site.visit(request) as visit:
        return _lacks(visit)


@router.get("/shift")
def shift(request: Request, site: TheSite) -> ShiftShown:
    """What the next shift has to know: what is open, what ended in this one, what is broken or silenced, and who comes."""
    with site.visit(request) as visit:
        return _shift(visit)


@router.post("/notes")
def note(request: Request, site: TheSite, who: TheWho, wish: NoteWish) -> ShiftShown:
    """Leave a note to the next shift."""
    with site.database.write() as session:
        if not desk_notes.write(session, who.community_id, by=who.id, text=wish.text, at_ns=site.clock()):
            raise ProblemError(422, Notice.NO_NOTE)
    with site.visit(request) as visit:
        return _shift(visit)


def _desk(visit: Visit) -> DeskShown:
    wrong, faults, silences = parted(visit.open_incidents())
    where = places((*wrong, *faults), visit)
    return DeskShown(
        at_ns=visit.scene.now_ns,
        wrong=[_card(one, where.get(one.id), visit) for one in wrong],
        faults=[_card(one, where.get(one.id), visit) for one in faults],
        silences=[_silence(one, visit) for one in silences],
    )


def _card(incident: Incident, place: tuple[float, float] | None, visit: Visit) -> DeskCard:
    return DeskCard(
        **card_shown(incident, visit).model_dump(),
        is_mine=incident.acknowledged_by == visit.who.id,
        is_for_me=incident.handed_to == visit.who.id,
        lon_deg=place[0] if place else None,
        lat_deg=place[1] if place else None,
    )


def _silence(incident: Incident, visit: Visit) -> SilenceShown:
    shown = silence(incident, visit.scene)
    return SilenceShown(id=incident.id, words=shown.line, life_words=shown.life)


def _lacks(visit: Visit) -> list[LackShown]:
    return [LackShown(lack=lack, words=words) for lack, words in lacks(visit, visit.open_incidents()).items()]


def _shift(visit: Visit) -> ShiftShown:
    since_ns, scene, community_id = shift_began_ns(visit), visit.scene, visit.community.id
    over = visit.seen(views.ended_since(visit.session, community_id, since_ns, MOST_OVER))
    notes = desk_notes.read(visit.session, community_id, since_ns - SHIFT_NS, MOST_NOTES)  # what the shift before left to this one
    return ShiftShown(
        since_words=scene.clock(since_ns),
        at_words=scene.clock(scene.now_ns),
        desk=_desk(visit),
        over=[card_shown(one, visit) for one in over],
        lacks=_lacks(visit),
        duties=[DutyShown(roster=one.roster, now_words=one.now, next_words=one.following) for one in on_duty(scene)],
        notes=[DeskNoteShown(at_words=scene.clock(one.at_ns), by_words=scene.name(one.by), text=one.text) for one in notes],
    )

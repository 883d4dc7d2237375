"""What people add to an incident's timeline: notes and photos."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import UploadFile

from devices.model import PersonId
from incidents.model import Incident, IncidentId
from store import timelines, views
from store.consents import DataPurpose
from store.model import StoreBusyError
from web.api.answers import Sent, back_to_incident, incident, said
from web.gate import TheWho
from web.rights import Action
from web.site import NotFoundError, Site, TheSite
from web.who import Who
from web.words import Notice

_MOST_DIGITS = 18
"""Of a number in the database."""
_KEPT = "private, max-age=3600, immutable"
"""A photo never changes, and a page that is live would ask for it again and again."""

router = APIRouter()


@router.post("/notes")
def note(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Write a note: `text` about `incident`."""
    text = said(form, "text").replace("\r\n", "\n")  # a form's line ends are two characters, and count as one

    def add(session: Session, about: Incident, by: PersonId) -> Notice:
        number = timelines.note(session, about.community_id, about.id, by=by, text=text, at_ns=site.clock())
        return Notice.ADDED if isinstance(number, int) else Notice.NO_NOTE

    return _add(site, who, form, add)


@router.post("/photos")
def photo(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Upload a photo: `photo` of `incident`."""
    upload = form.get("photo")
    content = upload.file.read(timelines.LARGEST_PHOTO + 1) if isinstance(upload, UploadFile) else b""
    drawn = timelines.drawn_anew(content)

    def add(session: Session, about: Incident, by: PersonId) -> Notice:
        number = timelines.add_photo(session, about.community_id, about.id, by=by, photo=drawn, at_ns=site.clock())
        return Notice.ADDED if isinstance(number, int) else Notice.NO_PHOTO

    return _add(site, who, form, add)


@router.get("/incidents/{community_id}/{incident_id}/photos/{number}")  # noqa: FAST003  the gate takes the community
def picture(request: Request, site: TheSite, who: TheWho, incident_id: str, number: str) -> Response:
    """A photo as it was uploaded."""
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFoundError
    with site.visit(request) as visit:
        about = views.incident(visit.session, who.community_id, IncidentId(incident_id))
        sees = about is not None and visit.sees_person(about, DataPurpose.PICTURES)
        found = timelines.photo(visit.session, who.community_id, about.id, int(number)) if about and sees else None
    if found is None:
        raise NotFoundError
    headers = {"Cache-Control": _KEPT, "Vary": "Cookie", "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.post("/break-glass")
def break_glass(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Say why one has to see what one otherwise may not: `reason` about `incident`. It stands in the timeline, and the family sees it."""

    def add(session: Session, about: Incident, by: PersonId) -> Notice:
        number = timelines.break_glass(session, about.community_id, about.id, by=by, reason=said(form, "reason"), at_ns=site.clock())
        return Notice.ADDED if isinstance(number, int) else Notice.GLASS_REASON

    return _add(site, who, form, add, Action.BREAK_GLASS)


def _add(
    site: Site, who: Who, form: Sent, add: Callable[[Session, Incident, PersonId], Notice], action: Action = Action.ACT
) -> RedirectResponse:
    about = None
    try:
        about = incident(site, who, action, said(form, "incident"))
        if about is None:
            notice = Notice.REFUSED
        else:
            with site.database.write() as session:
                notice = add(session, about, who.id)
    except StoreBusyError:
        notice = Notice.BUSY
    return back_to_incident(about, who, notice)

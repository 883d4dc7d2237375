"""What people add to an incident's timeline: notes and photos."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import UploadFile

from devices.model import PersonId
from incidents.model import Incident
from store import timelines
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

    def add(session: Session, about: Incident, by: PersonId) -> Notice:
        number = timelines.add_photo(session, about.community_id, about.id, by=by, content=content, at_ns=site.clock())
        return Notice.ADDED if isinstance(number, int) else Notice.NO_PHOTO

    return _add(site, who, form, add)


@router.get("/incidents/{community_id}/{incident_id}/photos/{number}")  # noqa: FAST003  the gate takes the community
def picture(site: TheSite, who: TheWho, incident_id: str, number: str) -> Response:
    """A photo as it was uploaded."""
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFoundError
    about = incident(site, who, Action.SEE_PERSON, incident_id)
    with site.database.read() as session:
        found = timelines.photo(session, who.community_id, about.id, int(number)) if about else None
    if found is None:
        raise NotFoundError
    headers = {"Cache-Control": _KEPT, "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)


def _add(site: Site, who: Who, form: Sent, add: Callable[[Session, Incident, PersonId], Notice]) -> RedirectResponse:
    about = None
    try:
        about = incident(site, who, Action.ACT, said(form, "incident"))
        if about is None:
            notice = Notice.REFUSED
        else:
            with site.database.write() as session:
                notice = add(session, about, who.id)
    except StoreBusyError:
        notice = Notice.BUSY
    return back_to_incident(about, who, notice)

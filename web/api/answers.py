"""What every form has in common: what was sent, who it is about, and the page that answers it (POST, redirect, GET)."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from devices.model import CommunityId
from incidents.model import Incident, IncidentId
from store import views
from web.cards import href
from web.rights import Action
from web.site import Site
from web.who import Who
from web.words import Notice


async def _sent(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


Sent = Annotated[FormData, Depends(_sent)]
"""A form as it was sent: fields of several homes or incidents stand in one, each under its own name."""


def said(form: FormData, name: str) -> str:
    """What a form says in a field; "" where it says nothing, or sends a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def incident(site: Site, who: Who, action: Action, incident_id: str) -> Incident | None:
    """An incident as it is now; None if there is none of this id that somebody may do something about."""
    found = incident_of(site, who.community_id, incident_id)
    return found if found is not None and who.may_about(action, found) else None


def incident_of(site: Site, community_id: CommunityId, incident_id: str) -> Incident | None:
    """An incident as it is now, whoever asks; None if there is none of this id."""
    with site.database.read() as session:
        return views.incident(session, community_id, IncidentId(incident_id))


def back_to_incident(about: Incident | None, who: Who, notice: Notice) -> RedirectResponse:
    """Back to an incident's page; to the console where there is no such incident."""
    return back(href(about) if about else "/", "", who, notice)


def back(path: str, place: str, who: Who, notice: Notice, **more: str) -> RedirectResponse:
    """Back to a place on a page, which says what became of it."""
    query = urlencode({"community": who.community_id, "said": notice, **more})
    return RedirectResponse(f"{path}?{query}#{place}".rstrip("#"), 303)

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
from web.site import NotFoundError, Site, me_cookie
from web.words import GOOD, Notice

_YEAR_S = 365 * 24 * 3600


async def _sent(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


Sent = Annotated[FormData, Depends(_sent)]
"""A form as it was sent: fields of several homes or incidents stand in one, each under its own name."""


def said(form: FormData, name: str) -> str:
    """What a form says in a field; "" where it says nothing, or sends a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def check(site: Site, community: str) -> None:
    """Ask whether there is such a community.

    Raises
    ------
    NotFoundError
        There is none.
    """
    with site.database.read() as session:
        if community not in site.estates.ids(session):
            raise NotFoundError


def incident(site: Site, community: str, incident_id: str) -> Incident | None:
    """An incident as it is now; None if there is none of this id."""
    with site.database.read() as session:
        return views.incident(session, CommunityId(community), IncidentId(incident_id))


def is_known(site: Site, community_id: CommunityId, person: str) -> bool:
    """Whether somebody is of a community."""
    with site.database.read() as session:
        return person in site.estates.community(session, community_id).directory.people


def back_to_incident(about: Incident | None, community: str, by: str, notice: Notice) -> RedirectResponse:
    """Back to an incident's page; to the console where there is no such incident."""
    return back(href(about) if about else "/", "", community, by, notice)


def back(path: str, place: str, community: str, by: str, notice: Notice, **more: str) -> RedirectResponse:
    """Back to a place on a page, which says what became of it and remembers who it was."""
    query = urlencode({"community": community, "said": notice, **more})
    answer = RedirectResponse(f"{path}?{query}#{place}".rstrip("#"), 303)
    if notice in GOOD:  # so somebody of this community, whose id fits into a cookie
        answer.set_cookie(me_cookie(community), by, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer

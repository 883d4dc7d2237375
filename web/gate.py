"""The one place where it is decided who may ask for what, before any route is run: `web.rights` says it."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from web.rights import ROUTES, WITHOUT_SIGN_IN, Action
from web.site import FrontDoor, NotFoundError, Site, TheSite
from web.who import NotAllowedError, Who

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOST_PARTS = 100
"""Of a form with a file: more than any of ours has."""


async def admit(request: Request, site: TheSite) -> None:
    """Let a request through to its route, with who asks as `request.state.who`.

    Raises
    ------
    web.who.NotSignedInError
        Somebody has to sign in first.
    web.who.NotAllowedError
        They may not, or the route is in no table.
    """
    route = request.scope["route"].path
    if (request.method, route) not in ROUTES:
        raise NotAllowedError
    action = ROUTES[request.method, route]
    if action is WITHOUT_SIGN_IN:
        return
    if _is_form(request):
        await run_in_threadpool(_known, site, request)  # before it is read: nobody's photo takes up our room
    try:
        request.state.who = await run_in_threadpool(_may, site, request, action, await _named(request))
    except BaseException:
        await request.close()
        raise


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(_FORMS)


def _known(site: Site, request: Request) -> None:
    with site.database.read() as session:
        site.members(session, request)


def _may(site: Site, request: Request, action: Action, named: str | None) -> Who:
    with site.database.read() as session:
        who = site.who(session, request, named)
    if not who.may(action):
        raise NotAllowedError
    return who


async def _named(request: Request) -> str | None:
    """The community that a request is about, as far as it says so: in its path, in its form, or in its query."""
    if (in_path := request.path_params.get("community_id")) is not None:
        return str(in_path)
    if _is_form(request):
        said = (await request.form(max_files=1, max_fields=_MOST_PARTS)).get("community")
        if isinstance(said, str) and said:
            return said
    return request.query_params.get("community") or None


def _who(request: Request) -> Who:
    who: Who = request.state.who
    return who


TheWho = Annotated[Who, Depends(_who)]
"""Who asks."""


def _door(site: TheSite) -> FrontDoor:
    if site.door is None:
        raise NotFoundError
    return site.door


TheDoor = Annotated[FrontDoor, Depends(_door)]
"""How people sign in."""

"""Server-sent events: when a page has something new to show."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from devices.model import CommunityId
from web.gate import TheWho
from web.site import Site, TheSite

RETRY_MS = 1000

router = APIRouter()


@router.get("/events", include_in_schema=False)
@router.get("/api/events", tags=["own"])
async def events(
    request: Request, site: TheSite, who: TheWho, last_event_id: Annotated[str | None, Header()] = None
) -> EventSourceResponse:
    """A community's signals: `change` with each new one, the present one first; `alive` where there is none for a while.

    Whoever comes back says which one they heard last (`Last-Event-ID`), and hears of it only if there is something new since.
    """
    return EventSourceResponse(
        _signals(site, request, who.community_id, last_event_id), ping=3600
    )  # `alive` is our own, which pages can hear


async def _signals(site: Site, request: Request, community_id: CommunityId, heard: str | None) -> AsyncIterator[ServerSentEvent]:
    async for signal in site.live.changes(community_id, heard):
        if signal is None:
            yield ServerSentEvent(event="alive", data="")
        elif not await run_in_threadpool(site.is_signed_in, request):
            return  # they come back as the browser does, and are told to sign in
        else:
            yield ServerSentEvent(id=signal, event="change", data=signal, retry=RETRY_MS)

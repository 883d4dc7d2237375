"""Server-sent events: when a page has something new to show."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from sse_starlette import EventSourceResponse, ServerSentEvent

from devices.model import CommunityId
from web.gate import TheWho
from web.site import Site, TheSite

RETRY_MS = 1000

router = APIRouter()


@router.get("/events", include_in_schema=False)
@router.get("/api/events", tags=["own"])
async def events(site: TheSite, who: TheWho) -> EventSourceResponse:
    """A community's signals: `change` with each new one, the present one first; `alive` where there is none for a while."""
    return EventSourceResponse(_signals(site, who.community_id), ping=3600)  # `alive` is our own, which pages can hear


async def _signals(site: Site, community_id: CommunityId) -> AsyncIterator[ServerSentEvent]:
    async for signal in site.live.changes(community_id):
        if signal is None:
            yield ServerSentEvent(event="alive", data="")
        else:
            yield ServerSentEvent(id=signal, event="change", data=signal, retry=RETRY_MS)

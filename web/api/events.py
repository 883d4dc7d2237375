"""Server-sent events: when a page has something new to show."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from devices.model import CommunityId
from web.site import NotFoundError, Site, TheSite

RETRY_MS = 1000

router = APIRouter()


@router.get("/events")
async def events(site: TheSite, community: Annotated[str, Query()]) -> EventSourceResponse:
    """A community's signals: `change` with each new one, the present one first; `alive` where there is none for a while."""
    if not await asyncio.to_thread(_is_known, site, community):
        raise NotFoundError
    return EventSourceResponse(_signals(site, CommunityId(community)), ping=3600)  # `alive` is our own, which pages can hear


async def _signals(site: Site, community_id: CommunityId) -> AsyncIterator[ServerSentEvent]:
    async for signal in site.live.changes(community_id):
        if signal is None:
            yield ServerSentEvent(event="alive", data="")
        else:
            yield ServerSentEvent(event="change", data=signal, retry=RETRY_MS)


def _is_known(site: Site, community: str) -> bool:
    with site.database.read() as session:
        return community in site.estates.ids(session)

"""An incident's timeline as far as whoever looks may see it: for its page and for the API alike."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from incidents.model import Incident
from incidents.timeline import Entry
from rules.model import Event
from rules.premises import Fence
from store.consents import DataPurpose
from store.views import Telling
from web.passage import AT_FENCES, fence_id
from web.scene import STAFF
from web.site import Visit
from web.timeline import Moment, timeline


def moments(incident: Incident, told: Iterable[Telling], entries: Sequence[tuple[int, Entry]], visit: Visit) -> list[Moment]:
    """Every moment that is stored, oldest first; without what is of the person alone, where that may not be seen."""
    sees_person = visit.sees_person(incident)

    def fence_of(event: Event) -> Fence | None:
        """As it was when the event was found."""
        at_fence = event.kind in AT_FENCES
        then = visit.site.estates.community_at(visit.session, visit.community.id, event.known_ns) if at_fence else None
        return next((fence for fence in then.fences if fence.id == fence_id(event)), None) if then else None

    found = timeline(
        incident,
        told,
        visit.scene,
        entries,
        fence_of=fence_of,
        with_decisions=sees_person,
        with_evidence=sees_person and not STAFF.isdisjoint(visit.who.roles),
    )
    return found if visit.sees_person(incident, DataPurpose.PICTURES) else [without_pictures(one) for one in found]


def without_pictures(moment: Moment) -> Moment:
    """A moment in words alone."""
    decision = moment.decision
    return replace(moment, photo="", decision=decision and replace(decision, plot=None, plan=None))

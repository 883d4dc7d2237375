"""The red list: for whom help would not come as things are now, for who administers the community."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from devices.model import DeviceId, HomeId, PersonId
from incidents.care import Missing
from notifier import reachability
from notifier.messages.names import flat
from notifier.reachability import Finding
from rules.kinds import EventKind
from web.scene import Scene
from web.site import TheSite

router = APIRouter()

_MOST_SPANS = 3
_ORDER = {lack: place for place, lack in enumerate(Missing)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Somebody for whom help would not come, or the whole community.

    Attributes
    ----------
    where : str
        Their address; "" where none is known.
    lines : tuple of (str, str)
        What is missing, and what to do about it; the gravest first.
    """

    name: str
    where: str = ""
    lines: tuple[tuple[str, str], ...]


@router.get("/reachability")
def red_list(request: Request, site: TheSite) -> HTMLResponse:
    """Everybody for whom something is missing."""
    with site.visit(request) as visit:
        directory = visit.community.directory
        found = reachability.look(visit.session, directory, site.spending, visit.scene.now_ns)
        return visit.page("red_list.html.j2", title=visit.scene.words.red_list, listed=_listed(found, visit.scene))


def _listed(found: Iterable[Finding], scene: Scene) -> list[Listed]:
    of: dict[PersonId | None, list[Finding]] = {}
    for one in found:
        of.setdefault(one.resident, []).append(one)
    return [
        Listed(
            name=scene.name(resident) if resident else scene.words.red_list_everybody,
            where=_address(resident, scene) if resident else "",
            lines=tuple((_said(one, scene), scene.words.mend[one.lack]) for one in sorted(theirs, key=lambda one: _ORDER[one.lack])),
        )
        for resident, theirs in of.items()
    ]


def _address(resident: PersonId, scene: Scene) -> str:
    home = scene.directory.homes.get(scene.directory.people[resident].home or HomeId(""))
    return flat(home.address or "") or home.id if home else ""


def _said(one: Finding, scene: Scene) -> str:
    """What is missing."""
    words = scene.words
    spans = [words.from_to.format(since=scene.clock(since_ns), until=scene.clock(until_ns)) for since_ns, until_ns in one.spans]
    more = ("…",) if len(spans) > _MOST_SPANS else ()
    return words.missing[one.lack].format(
        kinds=words.names_gap.join(words.kinds[kind] for kind in one.kinds),
        count=len(one.people),
        devices=words.clause_gap.join(_wrong(device, kind, scene) for device, kind in one.devices),
        times=words.list_gap.join((*spans[:_MOST_SPANS], *more)),
        roster=one.roster or "",
    )


def _wrong(device_id: DeviceId, kind: EventKind, scene: Scene) -> str:
    device, wording = scene.directory.devices[device_id], scene.wording
    noun = wording.contacts[device.covers] if device.covers else wording.devices[device.kind]
    return scene.words.wrong_with.format(device=noun, what=scene.words.kinds[kind])

"""Known visitors: a carer, a cleaner or a courier who comes when they said they would is no intruder.

What they cause is an incident that is noted and told to nobody: a home is guarded, its door is opened, somebody moves inside. A window is
not how they come, and a virtual line watches windows: those are told as ever, and so is everything that is not an intrusion. It is bounded:
what comes before or after their time, or by another way, is graver than what was noted, and is told from its first step on.
"""

from dataclasses import replace

from devices.model import Covers, DeviceId, DeviceKind
from incidents.directory import Directory, Severity, Visitor
from incidents.lifecycle import opened
from incidents.model import Incident, IncidentState
from rules.kinds import EventKind
from rules.model import Event

VISITOR, VISITOR_KIND = "visitor", "visitor_kind"
"""In an event's evidence: who was expected."""

_WAYS_IN = frozenset({Covers.DOOR, Covers.GATE})


def expected(event: Event, directory: Directory) -> Visitor | None:
    """Whose visit an event is, by its own time; None of anything that no visitor explains."""
    home = directory.homes.get(event.home_id) if event.home_id and event.kind is EventKind.INTRUSION else None
    reporters = {str(one) for one in (event.device_id, event.evidence.get("first"), event.evidence.get("second")) if one}
    if home is None or not all(_is_explained(one, directory) for one in reporters):
        return None
    return next((one for one in home.visitors if one.is_due(event.t_ns, directory.timezone)), None)


def noted(event: Event, visitor: Visitor, previous: Incident | None, directory: Directory, now_ns: int) -> Incident:
    """The incident of a visit: nobody needs to take it on, and nobody is told."""
    said = replace(event, evidence={**event.evidence, VISITOR: visitor.name, VISITOR_KIND: visitor.kind.value})
    seen = opened(said, IncidentState.ACKNOWLEDGED, previous, directory, now_ns)
    return replace(seen, severity=Severity.INFO, policy=None)


def is_visit(incident: Incident) -> bool:
    """Whether an incident is, as far as is known, nothing but a visit."""
    return VISITOR in incident.headline.evidence


def _is_explained(device_id: str, directory: Directory) -> bool:
    """Whether what a sensor noticed is what a visitor does: come in by a door, and move about."""
    device = directory.devices.get(DeviceId(device_id))
    if device is None:
        return False
    return device.covers in _WAYS_IN if device.kind is DeviceKind.CONTACT else device.kind is DeviceKind.MOTION

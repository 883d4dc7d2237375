"""What a sound community file says that will not work: told loudly at import, because at night it is too late.

A resident whose SOS reaches nobody is a mistake, not a caution.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from devices.model import SENSORS_OF, Device, DeviceKind, PersonId, SensorKind
from incidents.audience import ROSTER, usable
from incidents.directory import Directory, Person, Policy, Role, RosterId, Step
from incidents.roster import everybody
from rules.kinds import EventKind
from rules.premises import Fence, FenceKind
from store.document import KeyPath
from store.references import Findings
from store.shapes import distance_m, half_width_m

_TYPICAL_FIX_M = 7.5
"""Accuracy that wearables report out of doors, between houses; twice it must fit into an area on every side."""

_RADAR_REACH_M = 8.0
"""HLK-LD2450 and its like see a walking person to 6 m; a little more for a pose measured by eye."""
_CAMERA_REACH_M = 25.0
"""At twice the height of a door and with 720 lines a pixel is a quarter of a metre of ground there: beyond it nobody is placed."""

_BY_RESIDENT = frozenset({"occupants", "relatives", "neighbours"})
"""Words of `tell` that mean others for each resident."""

_OF_A_RESIDENT = frozenset(
    {
        *(EventKind.FALL, EventKind.LONG_LIE, EventKind.SOS, EventKind.DURESS, EventKind.INACTIVITY, EventKind.NO_RETURN),
        *(EventKind.ENTER, EventKind.EXIT, EventKind.ABSENT, EventKind.DWELL, EventKind.WANDERING),
    }
)
"""Kinds whose subject is a resident: whom a step reaches can be told beforehand."""

_NEED_A_HOME = frozenset({DeviceKind.RADAR, DeviceKind.CONTACT, DeviceKind.MOTION, DeviceKind.METER})


def people(directory: Directory, findings: Findings) -> None:
    """Residents without a home, relatives of nobody."""
    for index, person in enumerate(directory.people.values()):
        if Role.RESIDENT in person.roles and person.home is None:
            findings.warn(("people", index), f"{person.id} is a resident without a home: no address can be told")
        for role in sorted(person.roles & {Role.RELATIVE, Role.NEIGHBOUR} if not person.of else ()):
            findings.warn(("people", index), f"{person.id} is a {role} of nobody, and never told as one")


def devices(found: Sequence[Device], directory: Directory, findings: Findings) -> None:
    """Devices whose readings can be laid to no home or no person."""
    for index, device in enumerate(found):
        path: KeyPath = ("devices", index)
        if device.home is None and device.kind in _NEED_A_HOME:
            findings.warn(path, f"{device.id} has no home, so no rule can judge what it sees")
        if SensorKind.BUTTON in SENSORS_OF[device.kind] and device.wearer is None and device.sole_occupant is None:
            count = len(directory.homes[device.home].occupants) if device.home else 0
            findings.warn(path, f"{device.id} has no wearer and its home has {count} residents, so nobody can say whose alarm it sends")


def fences(found: Sequence[Fence], all_devices: Sequence[Device], findings: Findings) -> None:
    """Fences that what watches them cannot see."""
    tracked = {device.wearer or device.sole_occupant for device in all_devices if SensorKind.POSITION in SENSORS_OF[device.kind]}
    for index, fence in enumerate(found):
        path: KeyPath = ("geofences", index)
        if fence.kind is FenceKind.LINE:
            _line(fence, all_devices, path, findings)
            continue
        if fence.modes is not None and fence.home is None:
            findings.warn((*path, "modes"), f"{fence.id} has modes but no home to be in them")
        if not fence.residents:
            findings.warn(path, f"{fence.id} concerns no resident")
        elif not fence.residents & tracked:
            findings.warn(path, f"{fence.id} concerns residents of whom none has a tracker or a wearable: nobody's way is known")
        if half_width_m(fence.rings) < 2 * _TYPICAL_FIX_M:
            findings.warn(path, f"{fence.id} is narrower than positions are sure (about {_TYPICAL_FIX_M:g} m): it will be late or silent")


def _line(fence: Fence, all_devices: Sequence[Device], path: KeyPath, findings: Findings) -> None:
    watching = [(device, device.pose) for device in all_devices if device.pose is not None and device.home == fence.home]
    if not watching:
        findings.warn(path, f"{fence.id} is watched by nothing: {fence.home} has no radar with a pose")
    elif not any(distance_m(fence.path, (pose.lon, pose.lat)) <= _reach_m(device) for device, pose in watching):
        reach_m = max(_reach_m(device) for device, _ in watching)
        findings.warn(path, f"{fence.id} is more than {reach_m:g} m from every radar of {fence.home}: none sees so far")


def _reach_m(device: Device) -> float:
    """How far a radar or a camera sees a walking person."""
    return _CAMERA_REACH_M if device.kind is DeviceKind.CAMERA else _RADAR_REACH_M


def reach(directory: Directory, findings: Findings) -> None:
    """Policies that reach nobody; for an SOS that is a mistake."""
    residents = [person for person in directory.people.values() if Role.RESIDENT in person.roles]
    if not residents:
        return
    if directory.policy(EventKind.SOS) is None:
        findings.wrong(("policies",), "sos is in no policy, wanted one: somebody who presses the button would reach nobody")
    if directory.policy(EventKind.FALL) is None:
        findings.warn(("policies",), "FALL IS IN NO POLICY: falls are shown on the console and told to nobody")
    audience = _Audience(directory)
    for index, policy in enumerate(directory.policies):
        path: KeyPath = ("policies", index, "steps", 0)
        kinds = sorted(policy.kinds & _OF_A_RESIDENT)
        unreached = [resident.id for resident in residents if not audience.is_reached(resident, policy.steps[0])] if kinds else []
        if unreached and EventKind.SOS in policy.kinds:
            findings.wrong(
                (*path, "tell"), f"reaches nobody for an sos of {_few(unreached)}, wanted somebody with a phone or another contact method"
            )
        elif unreached:
            findings.warn((*path, "tell"), f"REACHES NOBODY for {', '.join(kinds)} of {_few(unreached)}")
        _idle_words(policy, index, audience, findings)


def _idle_words(policy: Policy, index: int, audience: "_Audience", findings: Findings) -> None:
    """Whom a step names although they can never be told."""
    for place, step in enumerate(policy.steps):
        for position, word in enumerate(step.tell):
            if word not in _BY_RESIDENT and not any(usable(person, step.by) for person in audience.of_everybody(word)):
                findings.warn(
                    ("policies", index, "steps", place, "tell", position), f"{word} is nobody who can be told by {', '.join(step.by)}"
                )


class _Audience:
    """Who a word of `tell` may stand for, at any time of day; `incidents.audience` asks it of one incident at one time."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._hospital = [person for person in directory.people.values() if Role.HOSPITAL in person.roles]
        self._related: defaultdict[tuple[Role, PersonId], list[Person]] = defaultdict(list)
        for person in directory.people.values():
            for role in person.roles & {Role.RELATIVE, Role.NEIGHBOUR}:
                for resident in person.of:
                    self._related[role, resident].append(person)

    def of(self, word: str, resident: Person) -> Iterable[Person]:
        """Everybody a word means for a resident."""
        match word:
            case "occupants":
                return [self._directory.people[one] for one in self._occupants(resident) if one != resident.id]
            case "relatives":
                return self._related.get((Role.RELATIVE, resident.id), [])
            case "neighbours":
                near = {resident.id, *self._occupants(resident)}
                return [person for one in near for person in self._related.get((Role.NEIGHBOUR, one), [])]
            case _:
                return self.of_everybody(word)

    def of_everybody(self, word: str) -> Iterable[Person]:
        """Everybody a word means whoever it is about."""
        people = self._directory.people
        if word == "hospital":
            return self._hospital
        if word.startswith(ROSTER):
            return [people[one] for one in everybody(self._directory.rosters[RosterId(word.removeprefix(ROSTER))])]
        return [people[PersonId(word)]]

    def is_reached(self, resident: Person, step: Step) -> bool:
        """Whether a step tells anybody about a resident."""
        return any(usable(person, step.by) for word in step.tell for person in self.of(word, resident))

    def _occupants(self, resident: Person) -> tuple[PersonId, ...]:
        return self._directory.homes[resident.home].occupants if resident.home else ()


def _few(ids: Sequence[str]) -> str:
    """A few ids, and how many more."""
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")  # noqa: PLR2004  as many as a line holds

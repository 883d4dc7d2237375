"""What a sound community file says that will not work: told loudly at import, because at night it is too late.

A resident whose SOS reaches nobody is a mistake, not a caution.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from devices.model import SENSORS_OF, Device, DeviceKind, HomeId, PersonId, SensorKind
from geofence.tracks import PATH_S
from incidents.audience import ROSTER, usable
from incidents.directory import Directory, Person, Policy, Role, RosterId, Step
from incidents.roster import everybody
from rules.fences.etiquette import AIR_SPACE_M, Beyond, Verdict
from rules.fences.suited import CAMERA_REACH_M, RADAR_HALF_ANGLE_DEG, RADAR_REACH_M, Lack, Suited, suited
from rules.kinds import EventKind
from rules.premises import Fence, FenceId, FenceKind, HomePlace
from store.document import KeyPath
from store.references import Findings

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


def fences(found: Mapping[int, Fence], all_devices: Sequence[Device], homes: Mapping[HomeId, HomePlace], findings: Findings) -> None:
    """Fences, by their place in the file, that cannot work with what watches them."""
    for index, fence in found.items():
        path: KeyPath = ("geofences", index)
        if fence.kind is FenceKind.AREA and fence.modes is not None and fence.home is None:
            findings.warn((*path, "modes"), f"{fence.id} has modes but no home to be in them")
        by_name = any(device.view is not None and device.home == fence.home for device in all_devices)
        if fence.max_gap_s is not None and fence.max_gap_s > PATH_S and not by_name:
            text = f"{fence.id} asks for {fence.max_gap_s:g} s; the paths of what a radar sees are followed over {PATH_S:g} s at most"
            findings.warn((*path, "max_gap_s"), text)
        verdict = suited(fence, all_devices, None if fence.home is None else homes[fence.home])
        if verdict.lack is not None:
            findings.warn(path, f"{fence.id} {_lack(fence, verdict)}")


def _lack(fence: Fence, verdict: Suited) -> str:
    match verdict.lack:
        case Lack.NOBODY:
            return "concerns no resident"
        case Lack.UNWATCHED if fence.kind is FenceKind.AREA:
            return "concerns residents of whom none has a tracker or a wearable: nobody's way is known"
        case Lack.UNWATCHED:
            return f"is watched by nothing: {fence.home} has no radar or camera with a pose"
        case Lack.OTHER_FLOOR:
            return f"is on floor {fence.floor}, and {fence.home} with its radars on another"
        case Lack.OUT_OF_SIGHT:
            reach = f"radars see {RADAR_REACH_M:g} m far and {RADAR_HALF_ANGLE_DEG:g} degrees to either side, cameras {CAMERA_REACH_M:g} m"
            return f"is out of sight of the radars and cameras of {fence.home}, {_part(verdict.hidden)} of it: {reach}"
        case _:
            source = f"a {verdict.kind} (accurate to about {verdict.accuracy_m:g} m)"
            return (
                f"is about {verdict.width_m:.1f} m wide, too small for {source}: it will be late or silent, "
                f"wanted at least {verdict.smallest_m:.1f} m"
            )


def _part(share: float) -> str:
    return "all" if share > 0.995 else f"{max(share * 100.0, 1.0):.0f} %"  # noqa: PLR2004  as a percentage is rounded


def etiquette(
    found: Mapping[int, Fence], verdicts: Mapping[FenceId, Verdict], decided: Collection[FenceId], findings: Findings
) -> Mapping[HomeId, tuple[HomeId, ...]]:
    """Say which lines of the file watch more than their own home; of a home, the others whose lines reach it.

    Parameters
    ----------
    found
        Those that guard, by their place in the file.
    verdicts
        What each line watches.
    decided
        Those that were drawn in the app: it has been decided about them.
    """
    reached_by: defaultdict[HomeId, set[HomeId]] = defaultdict(set)
    for index, fence in found.items():
        if fence.kind is not FenceKind.LINE or fence.home is None:
            continue
        verdict = verdicts[fence.id]
        for home in verdict.touches:
            reached_by[home].add(fence.home)
        if not verdict.is_own and fence.id not in decided:
            what = " and ".join(
                _BEYOND[one].format(home=fence.home, touches=_few(verdict.touches)) for one in Beyond if one in verdict.beyond
            )
            findings.notice(("geofences", index), f"{fence.id} {what}; standing in this file it counts as approved by the administrator")
    return {home: tuple(sorted(watching)) for home, watching in reached_by.items()}


_BEYOND: Mapping[Beyond, str] = {
    Beyond.NEIGHBOUR: "watches the home or the air space of {touches}, where it is shown that there is such a line",
    Beyond.CORRIDOR: "watches a corridor",
    Beyond.PUBLIC: f"watches what is more than {AIR_SPACE_M:g} m from every home",
    Beyond.UNKNOWN: "may watch more than {home}, which has no footprint",
}


def reach(directory: Directory, findings: Findings) -> None:
    """Policies that reach nobody; for an SOS that is a mistake."""
    residents = [person for person in directory.people.values() if Role.RESIDENT in person.roles]
    if not residents:
        return
    if directory.policy(EventKind.SOS) is None:
        findings.wrong(("policies",), "sos is in no policy, wanted one: somebody who presses the button would reach nobody")
    if directory.policy(EventKind.FALL) is None:
        findings.warn(("policies",), "FALL IS IN NO POLICY: falls are shown on the console and told to nobody")
    audience = Audience(directory)
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


def _idle_words(policy: Policy, index: int, audience: "Audience", findings: Findings) -> None:
    """Whom a step names although they can never be told."""
    for place, step in enumerate(policy.steps):
        for position, word in enumerate(step.tell):
            if word not in _BY_RESIDENT and not any(usable(person, step.by) for person in audience.of_everybody(word)):
                findings.warn(
                    ("policies", index, "steps", place, "tell", position), f"{word} is nobody who can be told by {', '.join(step.by)}"
                )


class Audience:
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

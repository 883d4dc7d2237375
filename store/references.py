"""What a community file's parts say of each other: unique ids, names that exist, keys that fit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from itertools import pairwise

from devices.adapters import ADAPTERS
from devices.model import SENSORS_OF, DeviceKind, SensorKind
from devices.topics import ROOT
from incidents.audience import ROSTER
from incidents.directory import Channel, DayKind, Role, Severity
from incidents.workdays import Calendar
from rules.kinds import EventKind
from rules.premises import SCHEDULE, FenceKind, Match, SensorState
from store.document import KeyPath, shown, spelled
from store.schema import (
    OUTLINES,
    SECTIONS,
    CommunityFile,
    ConditionSaid,
    DeviceSaid,
    FenceSaid,
    HomeSaid,
    PersonSaid,
    PolicySaid,
    RosterSaid,
    RuleSaid,
    RuleState,
    SourceSaid,
    StepSaid,
)

TELL_WORDS = ("occupants", "relatives", "hospital", "neighbours")

WORN = frozenset({DeviceKind.WEARABLE, DeviceKind.TRACKER, DeviceKind.BUTTON})
"""Devices that go with a person."""

KINDS_WITH: Mapping[str, frozenset[DeviceKind]] = {
    "wearer": WORN,
    "placement": frozenset({DeviceKind.WEARABLE}),
    "covers": frozenset({DeviceKind.CONTACT}),
    "pose": frozenset(kind for kind, sensors in SENSORS_OF.items() if SensorKind.TARGETS in sensors),
    "view": frozenset({DeviceKind.CAMERA}),
    "guards": frozenset({DeviceKind.CONTACT, DeviceKind.MOTION, DeviceKind.RADAR, DeviceKind.CAMERA}),
    "entry": frozenset({DeviceKind.CONTACT}),
    "open_min": frozenset({DeviceKind.CONTACT}),
    "open_night_min": frozenset({DeviceKind.CONTACT}),
    "asks": WORN,
}
"""Keys that only some kinds of devices have."""

FITTING_EVENTS: Mapping[FenceKind, tuple[EventKind, ...]] = {
    FenceKind.AREA: (EventKind.ENTER, EventKind.EXIT, EventKind.ABSENT, EventKind.DWELL, EventKind.WANDERING),
    FenceKind.LINE: (EventKind.APPROACH, EventKind.CROSS),
}

DEFAULT_EVENTS: Mapping[FenceKind, tuple[EventKind, ...]] = {
    FenceKind.AREA: (EventKind.ENTER, EventKind.EXIT),
    FenceKind.LINE: (EventKind.APPROACH, EventKind.CROSS),
}


FENCES_WITH: Mapping[str, FenceKind] = {
    **dict.fromkeys(("residents", "dwell_min", "expected", "circle", "rectangle", "corridor"), FenceKind.AREA),
    **dict.fromkeys(("near", "approach_m", "max_gap_s"), FenceKind.LINE),
}
"""Keys that only one kind of fences has."""

STATES_OF: Mapping[DeviceKind, tuple[SensorState, ...]] = {
    DeviceKind.CONTACT: (SensorState.OPEN, SensorState.CLOSED),
    **dict.fromkeys((DeviceKind.MOTION, DeviceKind.RADAR, DeviceKind.CAMERA), (SensorState.MOTION, SensorState.NO_MOTION)),
}
"""What each kind of devices can say that a rule of a community's own may ask for.

A button is not among them: what is pressed is told as it is, and a rule about it could only betray a silent call for help.
"""

EVENTS_WITH: Mapping[str, EventKind] = {"dwell_min": EventKind.DWELL, "expected": EventKind.ABSENT}
"""Keys of areas that only one kind of events asks for."""


@dataclass(slots=True)
class Findings:
    """What was found wrong, what is accepted with a warning, and what is right and worth a word."""

    mistakes: list[tuple[KeyPath, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def wrong(self, path: KeyPath, what: str) -> None:
        """Note a mistake."""
        self.mistakes.append((path, what))

    def warn(self, path: KeyPath, what: str) -> None:
        """Note what is accepted, loudly."""
        self.warnings.append(f"{spelled(path)}: {what}" if path else what)

    def notice(self, path: KeyPath, what: str) -> None:
        """Note what is right, and worth a word."""
        self.notices.append(f"{spelled(path)}: {what}")


class _Names:
    """Every id of the file, by what it may stand for."""

    def __init__(self, file: CommunityFile) -> None:
        self.homes = {home.id for home in file.homes}
        self.people = {person.id for person in file.people}
        self.residents = {person.id for person in file.people if Role.RESIDENT in person.roles}
        self.rosters = {roster.id for roster in file.rosters}
        self.gateways = {device.id for device in file.devices if device.kind is DeviceKind.GATEWAY}
        self.gone = {person.id for person in file.people if person.left is not None}
        self.home_of = {person.id: person.home for person in file.people}


def check(file: CommunityFile, findings: Findings) -> None:
    """Note every reference that leads nowhere and every key that does not fit its neighbours."""
    names = _Names(file)
    unique(file, findings)
    for index, home in enumerate(file.homes):
        _schedule(home, ("homes", index), findings)
    for index, person in enumerate(file.people):
        if person.id == SCHEDULE:
            findings.wrong(("people", index, "id"), f"{SCHEDULE} stands for the schedules of homes, wanted another id")
        _known(person.home, names.homes, "homes", ("people", index, "home"), findings)
        _resident_only(person, ("people", index), findings)
        for place, resident in enumerate(person.of):
            _resident(resident, names, ("people", index, "of", place), findings)
    for index, device in enumerate(file.devices):
        _device(device, names, ("devices", index), findings)
    _sources(file.devices, findings)
    for index, fence in enumerate(file.geofences):
        _fence(fence, names, ("geofences", index), findings)
    if file.community.calendar is not None and not Calendar(file.community.calendar).is_known:
        findings.wrong(("community", "calendar"), f"{shown(file.community.calendar)} has no table of holidays, wanted a country such as CN")
    for index, roster in enumerate(file.rosters):
        _roster(roster, file.community.calendar, names, ("rosters", index), findings)
    for index, rule in enumerate(file.rules):
        if rule.state is not RuleState.REMOVED:
            _rule(rule, file, names, ("rules", index), findings)
    _policies(file.policies, names, {rule.policy for rule in file.rules}, findings)


def _schedule(home: HomeSaid, path: KeyPath, findings: Findings) -> None:
    """Note two modes at one time."""
    for where, planned in ((("schedule",), home.schedule), (("chosen", "schedule"), (home.chosen and home.chosen.schedule) or [])):
        taken: set[tuple[str, str]] = set()
        for place, one in enumerate(planned):
            twice = next((day for day in one.days if (day, one.at) in taken), None)
            if twice is not None:
                findings.wrong((*path, *where, place), f"{one.at} on {twice} stands here twice, wanted one mode at a time")
            taken |= {(day, one.at) for day in one.days}


def fence(one: FenceSaid, file: CommunityFile, findings: Findings) -> None:
    """Note what is wrong with one fence of a file, or one that is to stand in it."""
    _fence(one, _Names(file), (), findings)


def _resident_only(person: PersonSaid, path: KeyPath, findings: Findings) -> None:
    """Note what is said of somebody who is not looked after, and care that contradicts itself."""
    if person.left is not None and Role.RESIDENT not in person.roles:
        findings.wrong((*path, "left"), f"does not fit {person.id}, wanted it with a resident: whoever else leaves is removed")
    for key in ("care", "cancel_window_s", "recovered"):
        if getattr(person, key) is not None and Role.RESIDENT not in person.roles:
            findings.wrong((*path, key), f"does not fit {person.id}, wanted it with a resident only")
    care = person.care
    least_h, most_h = (care.quiet_least_h, care.quiet_most_h) if care else (None, None)
    if least_h is not None and most_h is not None and least_h > most_h:
        findings.wrong((*path, "care", "quiet_least_h"), f"is {least_h:g}, wanted at most the {most_h:g} of quiet_most_h")


def unique(file: CommunityFile, findings: Findings) -> None:
    """Note every id that stands twice."""
    seen_in: dict[str, str] = {}
    for section in SECTIONS:
        first: dict[str, int] = {}
        for index, item in enumerate(getattr(file, section)):
            path: KeyPath = (section, index, "id")
            if item.id in first:
                findings.wrong(path, f"{shown(item.id)} is the id of {section}[{first[item.id]}] already, wanted another")
            first.setdefault(item.id, index)
            if section in {"homes", "people", "devices"} and seen_in.setdefault(item.id, section) != section:
                findings.warn(path, f"{shown(item.id)} is an id in {seen_in[item.id]} too: an act on it may mean either")


def _device(device: DeviceSaid, names: _Names, path: KeyPath, findings: Findings) -> None:
    _known(device.home, names.homes, "homes", (*path, "home"), findings)
    _known(device.via, names.gateways, "the devices of kind gateway", (*path, "via"), findings)
    _resident(device.wearer, names, (*path, "wearer"), findings)
    if device.wearer in names.gone:
        findings.wrong((*path, "wearer"), f"is {shown(device.wearer)}, who has left, wanted somebody who is there, or nobody")
    untils = [one.until for one in device.worn_before]
    for place, (one, after) in enumerate(pairwise(untils)):
        if datetime.fromisoformat(one) >= datetime.fromisoformat(after):
            findings.wrong((*path, "worn_before", place + 1, "until"), f"is {after}, wanted a time after {one}")
    for key, kinds in KINDS_WITH.items():
        if getattr(device, key) is not None and device.kind not in kinds:
            findings.wrong((*path, key), f"does not fit a device of kind {device.kind}, wanted it with {' or '.join(sorted(kinds))} only")
    if device.source is not None:
        _known(device.source.adapter, [adapter.name for adapter in ADAPTERS], "the known adapters", (*path, "source", "adapter"), findings)
        _topic_prefix(device.source, (*path, "source", "name"), findings)
    if device.kind in WORN and device.wearer is None and device.home is None and not device.worn_before:
        findings.wrong(path, f"{device.id} has neither wearer nor home, wanted one of them")
    lives_in = names.home_of.get(device.wearer or "")
    if device.home and lives_in and device.home != lives_in:
        findings.wrong((*path, "home"), f"is {shown(device.home)} while its wearer lives in {shown(lives_in)}, wanted a wearer or a home")


def _topic_prefix(source: SourceSaid, path: KeyPath, findings: Findings) -> None:
    """Note a name with which topics begin that are another ecosystem's, or ours: no message would ever come to it."""
    if any(adapter.name == source.adapter and not adapter.prefix for adapter in ADAPTERS):
        others = (f"{ROOT}/", *(adapter.prefix for adapter in ADAPTERS if adapter.prefix))
        for taken in (one for one in others if f"{source.name}/".startswith(one)):
            findings.wrong(path, f"{shown(source.name)} stands where topics begin with {taken}, which are another's: wanted another name")


def _sources(devices: Sequence[DeviceSaid], findings: Findings) -> None:
    first: dict[tuple[str, str, DeviceKind], str] = {}
    for index, device in enumerate(devices):
        if device.source is not None:
            owner = first.setdefault((device.source.adapter, device.source.name, device.kind), device.id)
            if owner != device.id:
                findings.wrong(
                    ("devices", index, "source"), f"{shown(device.source.name)} is {owner}'s already, wanted one {device.kind} of it"
                )


def _fence(fence: FenceSaid, names: _Names, path: KeyPath, findings: Findings) -> None:
    _known(fence.home, names.homes, "homes", (*path, "home"), findings)
    for place, resident in enumerate(fence.residents or ()):
        _resident(resident, names, (*path, "residents", place), findings)
    fitting = FITTING_EVENTS[fence.kind]
    for place, event in enumerate(fence.events or ()):
        if event not in fitting:
            findings.wrong(
                (*path, "events", place), f"{shown(str(event))} does not fit a fence of kind {fence.kind}, wanted {', '.join(fitting)}"
            )
    for key, kind in FENCES_WITH.items():
        if fence.said(key) and fence.kind is not kind:
            findings.wrong((*path, key), f"does not fit a fence of kind {fence.kind}")
    _drawn(fence, names, path, findings)
    for key, event in EVENTS_WITH.items():
        if fence.said(key) and event not in (fence.events or DEFAULT_EVENTS[fence.kind]):
            findings.wrong((*path, key), f"says nothing without {event} among the events, wanted both or none")
    for key, hours in (("schedule", fence.schedule), ("expected", fence.expected)):
        if hours is not None:
            _begins(hours.since, (*path, key), findings)
    if fence.kind is FenceKind.LINE and fence.home is None:
        findings.wrong((*path, "home"), "is missing, wanted the home that the line protects")


def _drawn(fence: FenceSaid, names: _Names, path: KeyPath, findings: Findings) -> None:
    """Note a fence that is drawn in no way or in several, and keys that do not fit how it is drawn."""
    first = fence.drawn_as
    if first is None:
        findings.wrong((*path, "geometry"), f"is missing, wanted it or {', '.join(OUTLINES[1:-1])} or {OUTLINES[-1]}")
    for key in OUTLINES:
        if key != first and getattr(fence, key) is not None:
            findings.wrong((*path, key), f"stands beside {first}, wanted one of them")
    _known(fence.around, names.homes, "homes", (*path, "around"), findings)
    if fence.around is None:
        if fence.said("outwards_m"):
            findings.wrong((*path, "outwards_m"), "says nothing without around, wanted both or none")
        return
    for key, why in (("datum", "a footprint has its own"), ("near", "the near side is the footprint's")):
        if fence.said(key):
            findings.wrong((*path, key), f"does not fit around: {why}")


def _roster(roster: RosterSaid, country: str | None, names: _Names, path: KeyPath, findings: Findings) -> None:
    for place, shift in enumerate(roster.shifts):
        at: KeyPath = (*path, "shifts", place)
        _known(shift.responder, names.people, "people", (*at, "responder"), findings)
        _begins(shift.since, at, findings)
        for position, day in enumerate(shift.days):
            if country is None and day in set(DayKind):
                findings.wrong(
                    (*at, "days", position), f"{shown(day)} needs a calendar, wanted community.calendar with a country such as CN"
                )
    for place, override in enumerate(roster.overrides):
        at = (*path, "overrides", place)
        for position, responder in enumerate(override.responders):
            _known(responder, names.people, "people", (*at, "responders", position), findings)
        _begins(override.since, at, findings)


def _begins(clock: str, path: KeyPath, findings: Findings) -> None:
    if clock == "24:00":
        findings.wrong((*path, "from"), "'24:00' ends a day, wanted \"00:00\" of the next one")


def _rule(rule: RuleSaid, file: CommunityFile, names: _Names, path: KeyPath, findings: Findings) -> None:
    """Note what is wrong with a rule of the community's own."""
    _known(rule.home, names.homes, "homes", (*path, "home"), findings)
    _known(rule.policy, {policy.id for policy in file.policies}, "policies", (*path, "policy"), findings)
    if rule.severity is Severity.LIFE and rule.policy is None:
        findings.wrong((*path, "severity"), "is life, which wakes people up: wanted a policy with it that says whom")
    if rule.modes is not None and rule.home is None:
        findings.wrong((*path, "modes"), "says nothing without home: a community has no mode")
    if rule.between is not None:
        _begins(rule.between.since, (*path, "between"), findings)
    for place, condition in enumerate(rule.when):
        _condition(condition, rule, file, (*path, "when", place), findings)
    wanted: dict[str, SensorState] = {}
    for place, condition in enumerate(rule.when):
        other = wanted.setdefault(condition.device, condition.state) if condition.device else condition.state
        if other is not condition.state and rule.match is Match.ALL:
            findings.wrong(
                (*path, "when", place, "state"), f"is {condition.state} while {condition.device} must be {other} too: never both"
            )


def _condition(condition: ConditionSaid, rule: RuleSaid, file: CommunityFile, path: KeyPath, findings: Findings) -> None:
    devices = {device.id: device for device in file.devices}
    if (condition.device is None) == (condition.kind is None):
        findings.wrong(path, "holds both device and kind, wanted one" if condition.device else "names no sensor, wanted device or kind")
        return
    if condition.covers is not None and condition.kind is not DeviceKind.CONTACT:
        findings.wrong((*path, "covers"), "does not fit, wanted it with kind: contact only")
    if condition.device is not None and condition.device not in devices:
        _known(condition.device, devices, "devices", (*path, "device"), findings)
        return
    meant = condition_devices(condition, rule, file)
    key = "kind" if condition.device is None else "device"
    if not meant:
        whose = f"home {rule.home}" if rule.home else "the community"
        said = shown(condition.device or str(condition.kind))
        findings.wrong((*path, key), f"{said} is {'no sensor' if condition.device else 'the kind of no sensor'} of {whose}")
    for kind in dict.fromkeys(device.kind for device in meant):
        fitting = STATES_OF.get(kind, ())
        if not fitting:
            findings.wrong((*path, key), f"is of kind {kind}, wanted one of {', '.join(STATES_OF)}")
        elif condition.state not in fitting:
            findings.wrong((*path, "state"), f"{shown(str(condition.state))} is nothing a {kind} says, wanted {' or '.join(fitting)}")


def condition_devices(condition: ConditionSaid, rule: RuleSaid, file: CommunityFile) -> list[DeviceSaid]:
    """Sensors that a condition is about: those of its rule's home, if it has one."""
    return [
        device
        for device in file.devices
        if rule.home in {None, device.home}
        and (device.id == condition.device if condition.device is not None else device.kind is condition.kind)
        and condition.covers in {None, device.covers}
    ]


def _policies(policies: Sequence[PolicySaid], names: _Names, named: Collection[str | None], findings: Findings) -> None:
    owner: dict[EventKind, int] = {}
    for index, policy in enumerate(policies):
        path: KeyPath = ("policies", index)
        if not policy.kinds and policy.id not in named:
            findings.wrong((*path, "kinds"), "is empty, wanted at least one, or a rule that names the policy")
        for place, kind in enumerate(policy.kinds):
            if kind is EventKind.DRILL:
                findings.wrong((*path, "kinds", place), "is drill, wanted it in no policy: a drill goes by that of fall")
            if owner.setdefault(kind, index) != index:
                other = policies[owner[kind]].id
                findings.wrong(
                    (*path, "kinds", place), f"{shown(str(kind))} is in policy {shown(other)} too, wanted each kind in one policy"
                )
        _steps(policy.steps, names, (*path, "steps"), findings)
        if all(step.when for step in policy.steps):
            findings.wrong((*path, "steps"), "are all for some circumstances only, wanted one without when: in others nobody would be told")


def _steps(steps: Sequence[StepSaid], names: _Names, path: KeyPath, findings: Findings) -> None:
    for place, step in enumerate(steps):
        if place and step.after_s < steps[place - 1].after_s:
            findings.wrong(
                (*path, place, "after_s"), f"is {step.after_s}, wanted at least the {steps[place - 1].after_s} of the step before"
            )
        if Channel.DEVICE in step.by:
            findings.wrong((*path, place, "by"), "holds device, which asks its wearer and tells nobody: wanted another channel")
        for position, token in enumerate(step.tell):
            where: KeyPath = (*path, place, "tell", position)
            if token.startswith(ROSTER):
                _known(token.removeprefix(ROSTER), names.rosters, "rosters", where, findings)
            elif token not in TELL_WORDS:
                _known(token, names.people, f"people, and not {', '.join(TELL_WORDS)} or {ROSTER}ID", where, findings)


def _known(value: str | None, known: Collection[str], section: str, path: KeyPath, findings: Findings) -> None:
    if value is not None and value not in known:
        suggestion = "" if findings.mistakes else _suggestion(value, known)  # only the first is shown, and looking takes time
        findings.wrong(path, f"{shown(value)} is not in {section}{suggestion}")


def _resident(value: str | None, names: _Names, path: KeyPath, findings: Findings) -> None:
    if value in names.people and value not in names.residents:
        findings.wrong(path, f"{shown(value)} is no resident, wanted a person with the role resident")
    else:
        _known(value, names.people, "people", path, findings)


def _suggestion(value: str, known: Collection[str]) -> str:
    close = next(iter(get_close_matches(value, sorted(known), n=1)), None)
    return f", did you mean {close}?" if close else ""

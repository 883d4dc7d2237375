"""A community from its file: read, checked as a whole, and turned into what the rest of Anju works with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import ValidationError

from devices.model import NS_PER_MS, CommunityId, Covers, Device, DeviceId, HomeId, PersonId, Placement, Pose, Source, Worn
from incidents.directory import Address, Channel, Directory, Home, NamedDevice, NamedRule, Person, PolicyId, Recovery, Role, RosterId
from rules.fences.etiquette import Neighbourhood
from rules.premises import Arming, Care, Clocks, Codes, Fence, FenceId, FenceKind, HomePlace, RuleId, Use
from store import cameras, cautions, coverage, document, duty, plans, references, shapes
from store.document import Document, KeyPath, shown, spelled
from store.ground import survey
from store.model import Community, InputError, StoreError
from store.phones import phone
from store.references import DEFAULT_EVENTS, Findings
from store.schema import (
    CareSaid,
    ChosenSaid,
    CommunityFile,
    DeviceSaid,
    FenceSaid,
    FenceState,
    NightSaid,
    PersonSaid,
    RuleSaid,
    RuleState,
    WornSaid,
    mistakes,
)
from store.shapes import Shape

ENTRIES = frozenset({Covers.DOOR, Covers.GATE})
"""What people come in by, unless the file says otherwise."""


class WrongCommunityError(StoreError):
    """A well-formed community file does not fit together; `mistakes` are (path, what), the first one first."""

    def __init__(self, found: Sequence[tuple[KeyPath, str]]) -> None:
        super().__init__(found[0][1])
        self.mistakes = found


def load(file: Path) -> Community:
    """A community from a YAML (or JSON) file.

    Raises
    ------
    InputError
        Anything in it is wrong; the words name file, line and path.
    """
    return parse(document.read(file), file)


def parse(text: str, file: Path | str) -> Community:
    """A community from the text of its file; see `load`. `file` is what errors call it."""
    well_formed, read = said(text, file)
    try:
        return build(well_formed)
    except WrongCommunityError as error:
        raise input_error(file, read, error.mistakes) from None


def said(text: str, file: Path | str) -> tuple[CommunityFile, Document]:
    """What a file says, each key well formed, before anybody asks whether it fits together.

    Raises
    ------
    InputError
        It is not YAML, or a key is unknown, missing or of the wrong kind.
    """
    read = document.parse(text, file)
    try:
        return CommunityFile.model_validate(read.value), read
    except ValidationError as error:
        raise input_error(file, read, mistakes(error)) from None


def input_error(file: Path | str, read: Document, found: Sequence[tuple[KeyPath, str]]) -> InputError:
    """One line about the first mistake, and how many more there are."""
    path, what = found[0]
    line = read.line(path)
    where = ": ".join(part for part in (f"line {line}" if line else "", spelled(path)) if part)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InputError(file, where, what + more)


def build(file: CommunityFile) -> Community:
    """A community from what its file says.

    Raises
    ------
    WrongCommunityError
        Parts of it do not fit together.
    """
    findings = Findings()
    references.check(file, findings)
    timezone = _timezone(file.community.timezone, ("community", "timezone"), findings)
    gone = _gone(file)
    people = [_as_left(_without(_person(person, index, file, findings), gone)) for index, person in enumerate(file.people)]
    ground = survey(file, findings)
    views = cameras.views(file, [_pose(device) for device in file.devices], findings)
    fences = {
        index: fence_of(fence, shape, file)
        for index, (fence, shape) in enumerate(zip(file.geofences, ground.fences, strict=True))
        if shape is not None
    }
    if findings.mistakes or timezone is None:
        raise WrongCommunityError(findings.mistakes)
    homes = _homes(file)
    home_of = {occupant: home.id for home in homes.values() for occupant in home.occupants}
    known = tuple(replace(_device(device, file, homes, home_of), view=views.get(DeviceId(device.id))) for device in file.devices)
    devices = tuple(one for one in known if one.wearer or one.home or not one.worn_before)  # what was worn and is nobody's is not heard
    directory = Directory(
        community_id=CommunityId(file.community.id),
        name=file.community.name,
        timezone=timezone,
        language=file.community.language,
        people={person.id: person for person in people},
        homes=homes,
        devices={one.id: NamedDevice(id=one.id, kind=one.kind, home=one.home, wearer=one.wearer, covers=one.covers) for one in known},
        rosters={RosterId(roster.id): duty.roster(roster, file.community.calendar) for roster in file.rosters},
        policies=duty.policies(file),
        rules={RuleId(one.id): _named_rule(one) for one in file.rules},
    )
    cautions.reach(directory, findings)
    if findings.mistakes:
        raise WrongCommunityError(findings.mistakes)
    cautions.people(directory, findings)
    cautions.devices(devices, directory, findings)
    premises = {
        home.id: HomePlace(id=home.id, building=home.building, floor=home.floor, footprint=ground.footprints.get(home.id, ()))
        for home in homes.values()
    }
    neighbourhood = Neighbourhood(premises.values())
    guarding = {index: fence for index, fence in fences.items() if file.geofences[index].state is FenceState.ACTIVE}
    verdicts = {
        fence.id: neighbourhood.etiquette(fence)
        for index, fence in fences.items()
        if fence.home is not None and (fence.kind is FenceKind.LINE or file.geofences[index].drawn)
    }
    cautions.fences(guarding, devices, premises, findings)
    reached_by = cautions.etiquette(guarding, verdicts, {FenceId(one.id) for one in file.geofences if one.drawn}, findings)
    coverage.weekly(directory, findings)
    return Community(
        directory=directory,
        devices=devices,
        fences=tuple(guarding.values()),
        waiting=_in_state(FenceState.WAITING, fences, file),
        refused=_in_state(FenceState.REFUSED, fences, file),
        names={FenceId(one.id): one.name for one in file.geofences if one.name is not None},
        verdicts=verdicts,
        neighbourhood=neighbourhood,
        care={PersonId(person.id): _care(person.care) for person in file.people if person.care is not None},
        uses={DeviceId(device.id): _use(device) for device in file.devices},
        footprints=ground.footprints,
        plans={HomeId(home.id): plans.built(home.floor_plan) for home in file.homes if home.floor_plan is not None},
        arming={HomeId(home.id): Arming(**home.arming.model_dump()) for home in file.homes if home.arming is not None},
        schedules={HomeId(home.id): tuple(duty.planned(one) for one in home.planned) for home in file.homes if home.planned},
        codes={PersonId(one.id): Codes(code=one.code, duress=one.duress_code) for one in file.people if one.code or one.duress_code},
        clocks=_clocks(file.community.night, timezone),
        rules=tuple(duty.rule(one, file) for one in file.rules if one.state is RuleState.ACTIVE),
        reached_by=reached_by,
        warnings=tuple(findings.warnings),
        notices=tuple(findings.notices),
    )


def _named_rule(rule: RuleSaid) -> NamedRule:
    return NamedRule(
        name=rule.name,
        names=rule.names,
        severity=rule.severity,
        policy=None if rule.policy is None else PolicyId(rule.policy),
    )


def _in_state(state: FenceState, fences: Mapping[int, Fence], file: CommunityFile) -> tuple[Fence, ...]:
    return tuple(fence for index, fence in fences.items() if file.geofences[index].state is state)


def _timezone(name: str, path: KeyPath, findings: Findings) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.5)
        wanted = f"a name such as {close[0] if close else 'Asia/Shanghai'}"
        findings.wrong(path, f"{shown(name)} is no time zone, wanted {wanted}")
        return None


def _person(person: PersonSaid, index: int, file: CommunityFile, findings: Findings) -> Person:
    chosen = person.chosen or ChosenSaid()
    contacts = [
        *(Address(channel=one.channel, value=one.address) for one in person.contacts if one.email is None or chosen.email is None),
        *(Address(channel=Channel.PUSH, value=address) for address in chosen.push),
        *(Address(channel=Channel.EMAIL, value=address) for address in (chosen.email,) if address is not None),
    ]
    channels = {contact.channel for contact in contacts}
    quiet = chosen.quiet if "quiet" in chosen.model_fields_set else person.quiet
    asked_by = tuple(DeviceId(device.id) for device in file.devices if device.asks and device.wearer == person.id)
    if asked_by:
        channels.add(Channel.DEVICE)
    number, written = None, chosen.phone or person.phone
    if written is not None:
        path: KeyPath = ("people", index, *(("chosen",) if chosen.phone else ()), "phone")
        try:
            dialled = phone(written)
        except ValueError as error:
            findings.wrong(path, str(error))
        else:
            number = dialled.e164
            channels.update(dialled.channels)
            if not dialled.is_valid:
                findings.warn(path, f"{shown(written)} is possible, but in no numbering plan: is it right?")
    return Person(
        id=PersonId(person.id),
        name=person.name,
        roles=frozenset(person.roles),
        home=None if person.home is None else HomeId(person.home),
        of=tuple(PersonId(resident) for resident in person.of),
        since=None if person.since is None else date.fromisoformat(person.since),
        until=None if person.until is None else date.fromisoformat(person.until),
        left_ns=None if person.left is None else moment_ns(person.left.at),
        language=chosen.language or person.language or file.community.language,
        phone_e164=number,
        channels=tuple(channel for channel in Channel if channel in channels),
        addresses=tuple(contacts),
        asked_by=asked_by,
        timezone=None if person.timezone is None else _timezone(person.timezone, ("people", index, "timezone"), findings),
        quiet=None if quiet is None else (time.fromisoformat(quiet.since), time.fromisoformat(quiet.to)),
        cancel_window_s=person.cancel_window_s,
        recovered=person.recovered or Recovery.NOTE,
        daily=None if chosen.daily is None else time.fromisoformat(chosen.daily),
        day_after=chosen.day_after,
        day_after_at=None if chosen.day_after_at is None else time.fromisoformat(chosen.day_after_at),
    )


def _gone(file: CommunityFile) -> dict[str, set[str]]:
    """Whose relative or neighbour each is no more: as households chose it, and because those have left."""
    gone: defaultdict[str, set[str]] = defaultdict(set)
    living = {home.id: [one.id for one in file.people if one.home == home.id] for home in file.homes if home.chosen and home.chosen.without}
    for home in file.homes:
        for person in home.chosen.without if home.chosen else ():
            gone[person].update(living[home.id])
    left = {one.id for one in file.people if one.left is not None}
    for one in file.people:
        gone[one.id].update(left.intersection(one.of))
    return gone


def _without(person: Person, gone: Mapping[str, set[str]]) -> Person:
    """A person without those whom they do not belong to any more; who belongs to nobody by that is no relative or neighbour."""
    lost = gone.get(person.id, set())
    if lost.isdisjoint(person.of):
        return person
    left = tuple(one for one in person.of if one not in lost)
    return replace(person, of=left, roles=person.roles if left else person.roles - {Role.RELATIVE, Role.NEIGHBOUR})


def _as_left(person: Person) -> Person:
    """Of somebody who has left, a name and nothing else."""
    if person.left_ns is None:
        return person
    return Person(id=person.id, name=person.name, roles=frozenset(), language=person.language, left_ns=person.left_ns)


def _homes(file: CommunityFile) -> dict[HomeId, Home]:
    occupants: defaultdict[str, list[PersonId]] = defaultdict(list)
    for person in file.people:
        if Role.RESIDENT in person.roles and person.home is not None and person.left is None:
            occupants[person.home].append(PersonId(person.id))
    return {
        HomeId(home.id): Home(
            id=HomeId(home.id),
            building=home.building,
            floor=home.floor,
            address=home.address,
            access=home.access,
            occupants=tuple(occupants[home.id]),
            order=tuple(PersonId(one) for one in (home.chosen.order if home.chosen else ())),
            visitors=tuple(duty.visitor(one) for one in home.expected),
        )
        for home in file.homes
    }


def _device(device: DeviceSaid, file: CommunityFile, homes: Mapping[HomeId, Home], home_of: Mapping[PersonId, HomeId]) -> Device:
    home = HomeId(device.home) if device.home else home_of.get(PersonId(device.wearer or ""))
    occupants = homes[home].occupants if home else ()
    return Device(
        community_id=CommunityId(file.community.id),
        id=DeviceId(device.id),
        kind=device.kind,
        wearer=None if device.wearer is None else PersonId(device.wearer),
        worn_before=tuple(_worn(one, home_of) for one in device.worn_before),
        home=home,
        sole_occupant=occupants[0] if len(occupants) == 1 and device.wearer is None else None,
        placement=device.placement or Placement.UNKNOWN,
        covers=device.covers,
        pose=_pose(device),
        source=None if device.source is None else Source(adapter=device.source.adapter, name=device.source.name),
        via=None if device.via is None else DeviceId(device.via),
    )


def _worn(said: WornSaid, home_of: Mapping[PersonId, HomeId]) -> Worn:
    """Of whoever is no resident any more nothing is told."""
    by = PersonId(said.by)
    return Worn(by=by if by in home_of else None, until_ns=moment_ns(said.until), home=home_of.get(by))


def moment_ns(moment: str) -> int:
    """A moment of the file, exact to the millisecond."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000) * NS_PER_MS


def _use(device: DeviceSaid) -> Use:
    return Use(
        guards=None if device.guards is None else frozenset(device.guards),
        is_entry=device.covers in ENTRIES if device.entry is None else device.entry,
        open_s=None if device.open_min is None else round(device.open_min * 60),
        open_night_s=None if device.open_night_min is None else round(device.open_night_min * 60),
    )


def _care(care: CareSaid) -> Care:
    said = {
        "quiet_least_s": (care.quiet_least_h, 3600),
        "quiet_most_s": (care.quiet_most_h, 3600),
        "back_night_s": (care.back_night_min, 60),
        "back_day_s": (care.back_day_h, 3600),
    }
    seconds = {name: round(value * unit) for name, (value, unit) in said.items() if value is not None}
    return Care(inactivity=care.inactivity, no_return=care.no_return, wandering=care.wandering, **seconds)


def _clocks(night: NightSaid | None, zone: ZoneInfo) -> Clocks:
    return Clocks(zone=zone) if night is None else Clocks(zone=zone, since=duty.clock(night.since), until=duty.clock(night.to))


def _pose(device: DeviceSaid) -> Pose | None:
    pose = device.hangs
    if pose is None:
        return None
    lon, lat = shapes.point(pose.lon, pose.lat, pose.datum)
    return Pose(lon=lon, lat=lat, heading_deg=pose.heading_deg % 360.0, height_m=pose.height_m)


def fence_of(fence: FenceSaid, shape: Shape, file: CommunityFile) -> Fence:
    """A fence of a file, and its shape, as rules have it."""
    is_line = fence.kind is FenceKind.LINE
    return Fence(
        community_id=CommunityId(file.community.id),
        id=FenceId(fence.id),
        kind=fence.kind,
        home=None if fence.home is None else HomeId(fence.home),
        residents=frozenset() if is_line else _concerned(fence, file),
        events=frozenset(DEFAULT_EVENTS[fence.kind] if fence.events is None else fence.events),
        modes=None if fence.modes is None else frozenset(fence.modes),
        schedule=None if fence.schedule is None else duty.hours(fence.schedule),
        near=fence.near,
        approach_m=fence.approach_m,
        dwell_s=fence.dwell_min * 60,
        expected=None if fence.expected is None else duty.hours(fence.expected),
        max_gap_s=fence.max_gap_s,
        floor=fence.floor,
        rings=shape.rings,
        path=shape.path,
    )


def _concerned(fence: FenceSaid, file: CommunityFile) -> frozenset[PersonId]:
    """Whom an area is about: those it names, else who lives in its home, else every resident."""
    if fence.residents is not None:
        return frozenset(PersonId(resident) for resident in fence.residents)
    residents = [person for person in file.people if Role.RESIDENT in person.roles]
    return frozenset(PersonId(person.id) for person in residents if fence.home is None or person.home == fence.home)

"""An estate with people of every role, and incidents and duties on it."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from devices.model import Covers, DeviceKind
from incidents.directory import Channel, Directory, Home, Language, NamedDevice, Person, Role
from incidents.grouping import SEVERITY, STORY
from incidents.model import Duty, Incident, IncidentState, Purpose, Story
from rules.kinds import EventKind
from rules.model import Event

NOW_NS = int(datetime(2026, 3, 2, 2, 2, tzinfo=UTC).timestamp()) * 10**9  # 10:02 in Shanghai
SUBJECT = {Story.PERIMETER: "b1-101", Story.LEFT_OPEN: "b1-101", Story.FAULT: "w-1", Story.OUTAGE: "willow", Story.CUSTOM: "b1-101"}


@pytest.fixture(scope="session")
def now_ns() -> int:
    return NOW_NS


@pytest.fixture(scope="session")
def estate() -> Callable[..., Directory]:
    """Builder of the estate; names, address and language may be given."""

    def build(
        *, name: str = "周芬", address: str | None = "1栋101室", community: str = "柳岸新村", language: Language = Language.ZH
    ) -> Directory:
        resident = Person(
            id="zhou-fen", name=name, roles=frozenset({Role.RESIDENT}), home="b1-101", language=language, channels=tuple(Channel)
        )
        others = [
            Person(id=f"a-{role}", name=f"{role}", roles=frozenset({role}), language=language, channels=tuple(Channel))
            for role in Role
            if role is not Role.RESIDENT
        ]
        return Directory(
            community_id="willow",
            name=community,
            timezone=ZoneInfo("Asia/Shanghai"),
            language=language,
            people={person.id: person for person in (resident, *others)},
            homes={"b1-101": Home(id="b1-101", building="1", floor=1, address=address, occupants=("zhou-fen",))},
            devices={
                "w-1": NamedDevice(id="w-1", kind=DeviceKind.WEARABLE, wearer="zhou-fen"),
                "door-1": NamedDevice(id="door-1", kind=DeviceKind.CONTACT, home="b1-101", covers=Covers.DOOR),
                "window-1": NamedDevice(id="window-1", kind=DeviceKind.CONTACT, home="b1-101", covers=Covers.WINDOW),
                "radar-1": NamedDevice(id="radar-1", kind=DeviceKind.RADAR, home="b1-101"),
                "gateway-1": NamedDevice(id="gateway-1", kind=DeviceKind.GATEWAY),
            },
        )

    return build


@pytest.fixture(scope="session")
def incident() -> Callable[..., Incident]:
    """Builder of an open incident of one event."""

    def build(kind: EventKind = EventKind.SOS, *, t_ns: int = NOW_NS, device: str | None = None, **changes: object) -> Incident:
        subject = changes.pop("subject", SUBJECT.get(STORY[kind], "zhou-fen"))
        event = Event(
            community_id="willow",
            kind=kind,
            subject=subject,
            t_ns=t_ns,
            known_ns=t_ns,
            seq=1,
            device_id=device or ("window-1" if kind in {EventKind.INTRUSION, EventKind.LEFT_OPEN} else "w-1"),
            score=0.87,
            evidence={"impact_g": 5.432, "lying_s": 12.5},
        )
        given = {
            "id": f"{kind}-1",
            "community_id": "willow",
            "story": STORY[kind],
            "kind": kind,
            "subject": subject,
            "home_id": "b1-101",
            "state": IncidentState.OPEN,
            "severity": SEVERITY[kind],
            "opened_ns": t_ns,
            "headline": event,
            "events": (event,),
        }
        return Incident(**given | changes)

    return build


@pytest.fixture(scope="session")
def duty(incident: Callable[..., Incident]) -> Callable[..., Duty]:
    """Builder of a duty; to tell the relative of an SOS by SMS, unless something else is given."""

    def build(about: Incident | None = None, **changes: object) -> Duty:
        given = {
            "incident": about or incident(),
            "purpose": Purpose.TELL,
            "step": 0,
            "round": 0,
            "to": "a-relative",
            "channel": Channel.SMS,
        }
        return Duty(**given | changes)

    return build

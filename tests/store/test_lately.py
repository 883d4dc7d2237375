"""What devices did last is read out of what the rules themselves remember."""

from collections.abc import Callable

import pytest
from builders import COMMUNITY, batches, device, motion, ns, position, premises, status

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.model import DeviceId, DeviceKind, HomeId, PersonId
from rules.premises import Care, HomePlace
from store import lately, positions
from store.lately import Fix, Lately
from store.session import Database

WATCH, ROOM, OTHER = DeviceId("w-01"), DeviceId("m-01"), DeviceId("w-02")


def test_what_the_rules_remember_says_what_devices_did_last(url: str, opened: Callable[..., Database]) -> None:
    home = HomePlace(id=HomeId("b1-101"), occupants=(PersonId("zhou"),))
    known = premises(
        device(WATCH, DeviceKind.WEARABLE, wearer="zhou", sole_occupant="zhou"),
        device(ROOM, DeviceKind.MOTION, home="b1-101", sole_occupant="zhou"),
        device(OTHER, DeviceKind.WEARABLE, wearer="wang"),
        homes=[home],
        care={"zhou": Care(inactivity=True)},
    )
    rules = pipeline(known)
    said = [
        position(WATCH, 10, 119.95, 31.78, accuracy_m=8.0),
        motion(ROOM, 20),
        status(WATCH, 30, battery_percent=81.0),
        position(WATCH, 40, 119.96, 31.79, accuracy_m=500.0),  # says itself that it may be anywhere
    ]
    for seq, one in enumerate(said):
        rules.update(batches(known.registry, [(seq, one)]))
    database = opened(url)
    with database.write() as session:
        for rule, states in rules.snapshot().items():
            positions.save_decisions(session, rule, states)
    with database.read() as session:
        found = lately.of_devices(session, COMMUNITY, [WATCH, ROOM, OTHER])
        assert lately.of_devices(session, COMMUNITY, []) == {}
    assert found.get(OTHER, lately.NOTHING) == lately.NOTHING
    watch, room = found[WATCH], found[ROOM]
    assert watch.heard_ns == ns(40)
    assert watch.battery_percent == pytest.approx(81.0)
    assert watch.fix == Fix(lon_deg=119.95, lat_deg=31.78, accuracy_m=8.0, at_ns=ns(10))
    assert room == Lately(heard_ns=ns(20), sign_ns=ns(20))

"""The invented estate: sound, whole, and invented."""

import json
from collections import Counter

import phonenumbers
import pytest

from devices.model import DeviceKind
from devices.simulator import demo, estate
from incidents.directory import Language, Role, RosterId
from incidents.roster import on_shift
from rules.kinds import EventKind, Mode
from rules.premises import FenceKind
from store.community import parse
from store.model import Community

HOUR_NS = 3600 * 1_000_000_000


@pytest.fixture(scope="module")
def community() -> Community:
    return parse(estate.community_file(), "demo.yaml")


def test_the_community_file_is_sound_and_silent(community: Community) -> None:
    assert community.id == estate.COMMUNITY
    assert community.warnings == ()


def test_it_is_as_large_as_the_demo_says(community: Community) -> None:
    directory = community.directory
    roles = Counter(role for person in directory.people.values() for role in person.roles)
    assert len(directory.homes) == 120
    assert len({home.building for home in directory.homes.values()}) == 6
    assert roles[Role.RESIDENT] == 40
    assert roles[Role.GUARD] == 6
    assert roles[Role.HOSPITAL] == roles[Role.ADMINISTRATOR] == 1
    kinds = Counter(device.kind for device in community.devices)
    assert kinds[DeviceKind.WEARABLE] == 40
    assert kinds[DeviceKind.RADAR] == 12
    assert kinds[DeviceKind.CONTACT] >= 100


def test_it_is_the_same_every_time_and_each_entry_has_a_line() -> None:
    text = estate.community_file()
    estate.homes.cache_clear()
    assert estate.community_file() == text
    assert sum(line.startswith("  - {") for line in text.splitlines()) == sum(
        len(value) for value in estate.community().values() if isinstance(value, list)
    )


def test_the_devices_of_the_file_are_those_that_are_simulated(community: Community) -> None:
    assert [device.id for device in community.devices] == list(estate.devices())
    assert len(set(estate.devices())) == len(estate.devices())


def test_names_numbers_and_addresses_are_each_their_own(community: Community) -> None:
    people, homes = community.directory.people.values(), community.directory.homes.values()
    residents = [person.name for person in people if Role.RESIDENT in person.roles]
    assert len(residents) == len(set(residents))
    assert len({home.address for home in homes}) == 120
    phones = [person["phone"] for person in estate.community()["people"]]
    assert len(phones) == len(set(phones)) == len(people)
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(phone)) for phone in phones)


def test_numbers_are_plainly_invented() -> None:
    phones = [person["phone"] for person in estate.community()["people"]]
    assert all(phone.startswith(("+8613800000", "+141555501")) for phone in phones)


def test_every_resident_has_a_relative_and_some_relatives_read_english(community: Community) -> None:
    people = community.directory.people.values()
    cared_for = {resident for person in people if Role.RELATIVE in person.roles for resident in person.of}
    assert cared_for == {person.id for person in people if Role.RESIDENT in person.roles}
    assert sum(person.language is Language.EN for person in people) >= 5


def test_some_homes_have_two_residents_with_a_wearable_each() -> None:
    couples = [home for home, count in Counter(one.home.id for one in estate.residents()).items() if count == 2]
    assert len(couples) == 6


def test_two_guards_are_on_duty_at_any_hour_of_the_week(community: Community) -> None:
    gate = community.directory.rosters[RosterId("gate")]
    for hour in range(24 * 7):
        assert len(on_shift(gate, demo.START_NS + hour * HOUR_NS, community.directory.timezone)) == 2


def test_every_window_line_guards_when_its_home_is_away(community: Community) -> None:
    lines = [fence for fence in community.fences if fence.kind is FenceKind.LINE]
    assert len(lines) == 12
    assert all(fence.modes == {Mode.AWAY, Mode.NIGHT} for fence in lines)
    assert {home for home, _ in demo.modes()} <= {fence.home for fence in lines}


@pytest.mark.parametrize(
    "kind", [EventKind.FALL, EventKind.SOS, EventKind.DURESS, EventKind.INTRUSION, EventKind.APPROACH, EventKind.CROSS, EventKind.OFFLINE]
)
def test_what_can_happen_is_in_a_policy(community: Community, kind: EventKind) -> None:
    assert community.directory.policy(kind) is not None


def test_a_fall_is_told_within_a_minute_of_the_beginning(community: Community) -> None:
    policy = community.directory.policy(EventKind.FALL)
    assert policy is not None
    assert demo.FIRST_FALL_S + policy.cancel_window_s + policy.steps[0].after_s <= 40


def test_the_modes_are_of_homes_that_exist(community: Community) -> None:
    assert all(home in community.directory.homes and Mode(mode) is Mode.AWAY for home, mode in demo.modes())
    assert json.dumps(demo.modes())

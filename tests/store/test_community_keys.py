"""Keys of the community file for arming, care, codes, policies by circumstances and what asks: read, checked, and where they go."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from devices.model import DeviceId, HomeId, PersonId
from incidents.directory import Channel, Recovery, Severity, Step, When
from rules.home import codes
from rules.kinds import EventKind, Mode
from rules.premises import Arming, Care, Codes, Hours, Use
from store.community import parse
from store.model import Community, InputError

NIGHT = 'modes: [away, night], severity: [life], from: "22:00", to: "06:00"'
DIGEST = codes.digest("2580", bytes(16))
SOUND = f"""
community: {{id: elm, name: 榆园, timezone: Asia/Shanghai, night: {{from: "21:00", to: "05:30"}}}}
homes:
  - {{id: a-1, arming: {{exit_delay_s: 45, entry_delay_s: 30, confirm_s: 20, arms_when_closed: true}}}}
people:
  - id: ann
    name: 安奶奶
    roles: [resident]
    home: a-1
    cancel_window_s: 90
    care: {{inactivity: true, no_return: false, wandering: true, quiet_least_h: 2.5, quiet_most_h: 9, back_night_min: 20, back_day_h: 6}}
  - {{id: cai, name: 蔡, roles: [relative], of: [ann], phone: "+447700900123", timezone: Europe/London, code: "{DIGEST}"}}
devices:
  - {{id: w-1, kind: wearable, wearer: ann, asks: true, via: hub}}
  - {{id: c-1, kind: contact, home: a-1, covers: window, guards: [away], entry: true, open_min: 5, open_night_min: 0}}
  - {{id: c-2, kind: contact, home: a-1, covers: door}}
  - {{id: k-1, kind: keypad, home: a-1}}
  - {{id: hub, kind: gateway}}
geofences:
  - id: yard
    kind: area
    residents: [ann]
    events: [exit, absent, dwell]
    dwell_min: 20
    expected: {{from: "22:30", to: "06:30", days: [sun, mon]}}
    schedule: {{from: "21:15", to: "24:00"}}
    floor: 1
    geometry: {{type: Polygon, coordinates: [[[119.94, 31.77], [119.96, 31.77], [119.96, 31.79], [119.94, 31.77]]]}}
  - id: sill
    kind: line
    home: a-1
    max_gap_s: 2.5
    geometry: {{type: LineString, coordinates: [[119.95, 31.78001], [119.9501, 31.78001]]}}
policies:
  - id: distress
    kinds: [fall, sos]
    cancel_window_s: 30
    certain_window_s: 5
    steps:
      - {{after_s: 0, tell: [relatives], by: [sms], in_turn_s: 60}}
      - {{after_s: 0, tell: [relatives], by: [voice], when: {{modes: [away, night], severity: [life], from: "22:00", to: "06:00"}}}}
"""


def read(*changes: tuple[str, str]) -> Community:
    text = SOUND
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse(text, "elm.yaml")


def test_every_key_arrives_where_it_is_asked_for() -> None:
    community = read()
    premises = community.premises()
    ann, cai = (community.directory.people[PersonId(one)] for one in ("ann", "cai"))
    assert premises.homes["elm", "a-1"].arming == Arming(exit_delay_s=45, entry_delay_s=30, confirm_s=20, arms_when_closed=True)
    assert premises.homes["elm", "a-1"].codes == {PersonId("cai"): Codes(code=DIGEST)}
    assert premises.care_for("elm", "ann") == Care(
        inactivity=True,
        no_return=False,
        wandering=True,
        quiet_least_s=9000,
        quiet_most_s=32_400,
        back_night_s=1200,
        back_day_s=21_600,
    )
    by_id = {device.id: device for device in community.devices}
    assert premises.use(by_id[DeviceId("c-1")]) == Use(guards=frozenset({Mode.AWAY}), is_entry=True, open_s=300, open_night_s=0)
    assert premises.use(by_id[DeviceId("c-2")]) == Use(is_entry=True)
    assert by_id[DeviceId("w-1")].via == "hub"
    assert (premises.clock("elm").since, premises.clock("elm").until) == (time(21), time(5, 30))
    assert (ann.cancel_window_s, ann.channels, ann.asked_by) == (90, (Channel.DEVICE,), ("w-1",))
    assert cai.timezone == ZoneInfo("Europe/London")
    assert community.arming[HomeId("a-1")].exit_delay_s == 45


def test_a_policys_windows_turns_and_circumstances_are_kept() -> None:
    policy = read().directory.policy(EventKind.FALL)
    assert policy is not None
    assert (policy.cancel_window_s, policy.certain_window_s) == (30, 5)
    assert policy.steps == (
        Step(after_s=0, tell=("relatives",), by=(Channel.SMS,), in_turn_s=60),
        Step(
            after_s=0,
            tell=("relatives",),
            by=(Channel.VOICE,),
            when=When(
                modes=frozenset({Mode.AWAY, Mode.NIGHT}),
                severities=frozenset({Severity.LIFE}),
                since=time(22),
                until=time(6),
            ),
        ),
    )


def test_a_fences_times_floor_and_gap_arrive_where_they_are_asked_for() -> None:
    yard, sill = read().premises().fences
    assert yard.schedule == Hours(since=time(21, 15), until=time(0))
    assert yard.expected == Hours(since=time(22, 30), until=time(6, 30), days=frozenset({0, 6}))
    assert (yard.dwell_s, yard.floor, yard.max_gap_s) == (1200, 1, None)
    assert (sill.max_gap_s, sill.schedule, sill.expected, sill.floor, sill.dwell_s) == (2.5, None, None, None, 900)


def test_rules_know_on_which_floor_a_home_is() -> None:
    homes = read(("{id: a-1, arming", "{id: a-1, floor: 2, arming")).premises().homes
    assert homes["elm", "a-1"].floor == 2


@pytest.mark.parametrize("wish", list(Recovery))
def test_a_family_says_what_getting_up_again_comes_to(wish: Recovery) -> None:
    assert read(("cancel_window_s: 90", f"recovered: {wish}")).directory.people[PersonId("ann")].recovered is wish
    assert read().directory.people[PersonId("ann")].recovered is Recovery.NOTE


def test_a_step_may_be_for_who_does_not_get_up() -> None:
    policy = read((NIGHT, "lies_s: 60")).directory.policy(EventKind.FALL)
    assert policy is not None
    assert policy.steps[1].when == When(lies_s=60)


def test_what_is_left_out_is_as_usual() -> None:
    community = parse("community: {id: elm, name: 榆园, timezone: UTC}\nhomes: [{id: a-1}]\npeople: []\n", "elm.yaml")
    premises = community.premises()
    assert premises.arming("elm", "a-1") == Arming()
    assert premises.care_for("elm", "ann") == Care()
    assert (premises.clock("elm").since, premises.clock("elm").until) == (time(22), time(6))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("exit_delay_s: 45", "exit_delay_s: 601", "homes[0].arming.exit_delay_s"),
        ("confirm_s: 20", "confirms: 20", "homes[0].arming.confirms: is no key known here, did you mean confirm_s?"),
        ('{from: "21:00", to: "05:30"}', "{from: 21:00, to: 05:30}", "community.night.from"),
        ("quiet_least_h: 2.5", "quiet_least_h: 10", "people[0].care.quiet_least_h: is 10, wanted at most the 9 of quiet_most_h"),
        ("inactivity: true", "inactivity: 1", "people[0].care.inactivity"),
        ("of: [ann]", "of: [ann], care: {wandering: true}", "people[1].care: does not fit cai, wanted it with a resident only"),
        ("of: [ann]", "of: [ann], cancel_window_s: 5", "people[1].cancel_window_s: does not fit cai"),
        ("of: [ann]", "of: [ann], recovered: tell", "people[1].recovered: does not fit cai, wanted it with a resident only"),
        ("cancel_window_s: 90", "recovered: never", "people[0].recovered"),
        ("cancel_window_s: 90", "recoverd: tell", "people[0].recoverd: is no key known here, did you mean recovered?"),
        (NIGHT, "lies_s: 5", "policies[0].steps[1].when.lies_s"),
        ("Europe/London", "Europe/Londn", "people[1].timezone: 'Europe/Londn' is no time zone, wanted a name such as Europe/London"),
        (f'code: "{DIGEST}"', 'code: "2580"', "people[1].code: is '2580', wanted what `anju code` prints"),
        ("via: hub", "via: c-2", "devices[0].via: 'c-2' is not in the devices of kind gateway"),
        ("covers: door", "covers: door, asks: true", "devices[2].asks: does not fit a device of kind contact"),
        ("asks: true", "guards: [away]", "devices[0].guards: does not fit a device of kind wearable"),
        ("guards: [away]", "guards: [abroad]", "devices[1].guards[0]"),
        ("open_min: 5", "open_min: -1", "devices[1].open_min"),
        ("in_turn_s: 60", "in_turn_s: 0", "policies[0].steps[0].in_turn_s"),
        ("in_turn_s: 60", "when: {modes: [away]}", "policies[0].steps: are all for some circumstances only"),
        (NIGHT, 'from: "22:00"', "when: holds only one of from and to"),
        (NIGHT, "", "when: is empty, wanted modes, severity, lies_s, or from and to"),
        ("dwell_min: 20", "dwell_min: 0", "geofences[0].dwell_min: is 0, wanted greater than or equal to 1"),
        ("dwell_min: 20", "dwell_min: 2.5", "geofences[0].dwell_min: is 2.5, wanted a whole number"),
        ("dwell_min: 20", "dwell_mins: 20", "geofences[0].dwell_mins: is no key known here, did you mean dwell_min?"),
        ("[exit, absent, dwell]", "[exit, absent]", "geofences[0].dwell_min: says nothing without dwell among the events"),
        ("[exit, absent, dwell]", "[exit, dwell]", "geofences[0].expected: says nothing without absent among the events"),
        ('to: "06:30", ', "", "geofences[0].expected.to: is missing"),
        ("[sun, mon]", "[]", "geofences[0].expected.days: is empty"),
        ("[sun, mon]", "[sunday]", "geofences[0].expected.days[0]: 'sunday' is not known, wanted 'mon', 'tue'"),
        ("[sun, mon]", "[workday]", "geofences[0].expected.days[0]: 'workday' is not known"),
        ('"22:30"', '"24:00"', "geofences[0].expected.from: '24:00' ends a day"),
        ('"21:15"', "21:15", "geofences[0].schedule.from: '21:15' stands without quotes"),
        ('"21:15"', '"24:00"', "geofences[0].schedule.from: '24:00' ends a day"),
        ("floor: 1", "floor: ground", "geofences[0].floor: is 'ground', wanted a whole number"),
        ("floor: 1", "floor: 301", "geofences[0].floor: is 301"),
        ("max_gap_s: 2.5", "max_gap_s: 0", "geofences[1].max_gap_s: is 0, wanted greater than 0"),
        ("max_gap_s: 2.5", "dwell_min: 5", "geofences[1].dwell_min: does not fit a fence of kind line"),
        ("max_gap_s: 2.5", 'expected: {from: "01:00", to: "02:00"}', "geofences[1].expected: does not fit a fence of kind line"),
        ("residents: [ann]", "max_gap_s: 2", "geofences[0].max_gap_s: does not fit a fence of kind area"),
        ("by: [voice]", "by: [device]", "policies[0].steps[1].by: holds device, which asks its wearer and tells nobody"),
    ],
)
def test_a_mistake_names_its_path_and_what_was_wanted(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read((old, new))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1

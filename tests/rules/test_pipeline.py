"""The lanes, run over readings of several kinds."""

import json
from collections.abc import Collection, Sequence

from builders import SPAN_NS, Item, ModeChange, Reading, batches, button, contact, device, motion, ns, position, premises, status
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Batch, DeviceKind
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.status import STATUS
from rules.faults.fault import Clock, LowBattery, Offline, Tamper
from rules.home.intrusion import Intrusion
from rules.kinds import Mode
from rules.model import Cleared, Event, Facts, Lane, Snapshot
from rules.person.sos import Sos
from rules.pipeline import Pipeline
from rules.premises import Premises

DEVICES = (
    device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1"),
    device("c-01", DeviceKind.CONTACT, home="b1"),
    device("r-01", DeviceKind.RADAR, home="b1"),
)
ARMED = ModeChange(at_s=-1, home="b1", mode=Mode.AWAY)


class Played:
    """A pipeline, driven as replay drives it."""

    def __init__(self, *modes: ModeChange) -> None:
        self.premises: Premises = premises(*DEVICES, modes=modes)
        self.pipeline = Pipeline(
            Offline(self.premises),
            (
                Lane(BUTTON, Sos(self.premises)),
                Lane(CONTACT, Intrusion(self.premises)),
                Lane(STATUS, Tamper(self.premises), LowBattery(self.premises)),
            ),
            faults=(Clock(self.premises),),
            registry=self.premises.registry,
        )

    def play(self, stream: Sequence[Reading], *, cuts: Collection[int] = (), until_s: float | None = None) -> Facts:
        facts: Facts = []
        pending: list[tuple[int, Reading]] = []
        for seq, item in enumerate(stream):
            due = self.pipeline.next_due()
            is_far = bool(pending) and ns(item.at_s) - ns(pending[0][1].at_s) >= SPAN_NS
            if pending and (seq in cuts or is_far or (due is not None and due <= ns(item.at_s))):
                facts += self.pipeline.update(batches(self.premises.registry, pending))
                pending = []
            facts += self.pipeline.tick(ns(item.at_s)) if not pending else []
            pending.append((seq, item))
        facts += self.pipeline.update(batches(self.premises.registry, pending))
        return facts + (self.pipeline.tick(ns(until_s)) if until_s is not None else [])


def said(facts: Facts) -> list[tuple[str, str, float]]:
    """(kind, subject, t) of events; cleared ones with a minus."""
    return [
        (("-" if isinstance(fact, Cleared) else "") + fact.kind, fact.subject, (fact.t_ns - ns(0)) / 1e9)
        for fact in facts
        if isinstance(fact, Event | Cleared)
    ]


def test_facts_of_all_lanes_come_in_the_order_of_the_readings_that_decided_them() -> None:
    stream = [
        contact("c-01", 0, is_open=False),
        status("c-01", 0.01, tamper=1),
        button("w-01", 0.02),
        contact("c-01", 0.03, is_open=True),
        status("w-01", 0.04, battery_percent=3),
        button("w-01", 0.05),
    ]
    facts = Played(ARMED).play(stream)
    assert [fact.seq for fact in facts] == [1, 2, 3, 4, 5]
    assert [kind for kind, _, _ in said(facts)] == ["tamper", "sos", "intrusion", "low_battery", "sos"]


def test_no_readings_are_no_facts() -> None:
    assert Played().pipeline.update({}) == []


def test_a_rule_that_stands_in_several_lanes_is_one_rule() -> None:
    names = [rule.name for rule in Played().pipeline.rules]
    assert sorted(names) == sorted(set(names))
    assert names[0] == "offline"


def test_nothing_is_due_before_anything_was_heard() -> None:
    assert Played(ARMED).pipeline.next_due() is None


def test_a_door_that_comes_back_open_from_silence_is_found_open() -> None:
    stream = [contact("c-01", 0, is_open=False), contact("c-01", 100_000, is_open=True)]
    assert said(Played(ARMED).play(stream)) == [("offline", "c-01", 90_000), ("left_open", "b1", 100_000)]


def test_a_door_that_opens_soon_after_it_came_back_is_an_intrusion() -> None:
    stream = [contact("c-01", at_s, is_open=is_open) for at_s, is_open in ((0, False), (100_000, False), (100_001, True))]
    assert ("intrusion", "b1", 100_001) in said(Played(ARMED).play(stream))


def test_due_times_fire_in_their_order_each_at_its_own_time() -> None:
    facts = Played().play([motion("r-01", 0), position("w-01", 100, 120, 31)], until_s=5000)
    assert [(fact.subject, fact.known_ns) for fact in facts] == [("r-01", ns(600)), ("w-01", ns(700))]


def test_a_pipeline_goes_on_from_a_snapshot() -> None:
    stream = [button("w-01", 0, clock_wrong=True), contact("c-01", 1, is_open=False), motion("r-01", 2)]
    rest = [status("w-01", 3), button("w-01", 4), contact("c-01", 5, is_open=True), status("w-01", 6)]
    whole, first, second = Played(ARMED), Played(ARMED), Played(ARMED)
    whole.play(stream)
    first.play(stream)
    second.pipeline.restore(json.loads(json.dumps({**first.pipeline.snapshot(), "a rule that is gone": {}})))
    assert second.play(rest, until_s=5000) == whole.play(rest, until_s=5000)


def test_signal_windows_are_refilled_by_the_longest() -> None:
    assert Played().pipeline.window_s() == 0.0


@st.composite
def _streams(draw: st.DrawFn) -> list[Item]:
    at_s, stream = 0.0, []
    for _ in range(draw(st.integers(1, 14))):
        at_s = round(at_s + draw(st.sampled_from((0.0, 0.01, 0.05, 0.3, 700.0))), 3)
        clock_wrong = draw(st.booleans())
        stream.append(
            draw(
                st.sampled_from(
                    (
                        contact("c-01", at_s, is_open=True, clock_wrong=clock_wrong),
                        contact("c-01", at_s, is_open=False),
                        status("c-01", at_s, online=0),
                        status("c-01", at_s, online=1, clock_wrong=clock_wrong),
                        button("w-01", at_s, clock_wrong=clock_wrong),
                        position("w-01", at_s, 120, 31),
                        status("w-01", at_s, online=0, tamper=1),
                        motion("r-01", at_s),
                    )
                )
            )
        )
    return stream


@settings(deadline=None, max_examples=150)
@given(stream=_streams(), data=st.data())
def test_readings_of_several_kinds_cut_anywhere_give_the_same_facts(stream: list[Reading], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    whole = Played(ARMED).play(stream, until_s=200_000)
    assert Played(ARMED).play(stream, cuts=cuts, until_s=200_000) == whole
    assert Played(ARMED).play(stream, cuts=range(len(stream)), until_s=200_000) == whole


class Echo:
    """Remembers what it was given and heard, in order."""

    name = "echo"
    window_s = 0.0

    def __init__(self) -> None:
        self.order: list[str] = []

    def hear(self, facts: Facts) -> None:
        self.order += [f"heard {kind}" for kind, _, _ in said(facts)]

    def update(self, batch: Batch) -> Facts:
        self.order.append(f"given {len(batch)}")
        return []

    def next_due(self) -> int | None:
        return None

    def tick(self, _now_ns: int) -> Facts:
        return []

    def snapshot(self) -> Snapshot:
        return {}

    def restore(self, snapshot: Snapshot) -> None:
        pass


def test_a_follower_hears_what_rules_before_it_found_before_it_is_given_the_same_readings() -> None:
    place, echo = premises(*DEVICES), Echo()
    lanes = (Lane(BUTTON, Sos(place), echo), Lane(STATUS, Tamper(place), echo))
    pipeline = Pipeline(Offline(place), lanes, faults=(Clock(place),), registry=place.registry)
    stream = [button("w-01", 0, clock_wrong=True), status("c-01", 0.1, tamper=1)]
    pipeline.update(batches(place.registry, enumerate(stream)))
    pipeline.tick(ns(700))
    assert echo.order == ["heard clock", "heard sos", "given 1", "heard tamper", "given 1", "heard offline"]

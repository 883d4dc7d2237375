"""Stories on a fake phone: what is handed over to the gateways for one person, and when."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.directory import Channel, Directory, Person
from incidents.model import Duty, Incident, IncidentState, Purpose
from notifier.delivery import Deliveries, NoSuchDelivery, next_channel, reached_by
from notifier.model import HandOver, Receipt, ReceiptStatus

SMS, VOICE, PUSH, EMAIL = Channel.SMS, Channel.VOICE, Channel.PUSH, Channel.EMAIL
FAILURES = [ReceiptStatus.UNDELIVERED, ReceiptStatus.FAILED, ReceiptStatus.BUSY, ReceiptStatus.NO_ANSWER]

Build = Callable[..., Directory]
About = Callable[..., Incident]
Owe = Callable[..., Duty]


@dataclass
class Phone:
    """The relative's phone on a simulated clock, in seconds from the start."""

    deliveries: Deliveries
    start_ns: int
    rang: list[tuple[float, Channel]] = field(default_factory=list)
    handed: list[HandOver] = field(default_factory=list)

    def expect(self, *rang: tuple[float, Channel]) -> None:
        assert self.rang == list(rang)

    def told(self, at_s: float, *duties: Duty) -> None:
        self._pass_to(at_s)
        self._ring(self.deliveries.take(duties, self._ns(at_s)))

    def says(self, at_s: float, channel: Channel, status: ReceiptStatus) -> None:
        self._pass_to(at_s)
        answer = self.deliveries.receipt(Receipt(to="a-relative", channel=channel, status=status), self._ns(at_s))
        assert not isinstance(answer, NoSuchDelivery)
        self._ring(answer)

    def changed(self, at_s: float, incident: Incident, state: IncidentState) -> None:
        self._pass_to(at_s)
        self.deliveries.stop(replace(incident, state=state))

    def carrier(self, at_s: float, *, delivers: bool) -> None:
        self._pass_to(at_s)
        self.deliveries.carrier(delivers=delivers)

    def until(self, at_s: float) -> None:
        self._pass_to(at_s)

    def _pass_to(self, at_s: float) -> None:
        while (due_ns := self.deliveries.next_due()) is not None and due_ns <= self._ns(at_s):
            self._ring(self.deliveries.sweep(due_ns))

    def _ring(self, hand_overs: Iterable[HandOver]) -> None:
        for one in hand_overs:
            self.handed.append(one)
            self.rang.append(((one.at_ns - self.start_ns) / 1e9, one.channel))

    def _ns(self, at_s: float) -> int:
        return self.start_ns + round(at_s * 1e9)


@pytest.fixture(scope="session")
def phones(estate: Build, now_ns: int) -> Callable[..., Phone]:
    def build(*channels: Channel, silent: bool = False) -> Phone:
        directory = estate()
        relative = replace(directory.people["a-relative"], channels=channels or (SMS, VOICE, PUSH))
        phone = Phone(Deliveries(replace(directory, people={**directory.people, "a-relative": relative})), now_ns)
        phone.deliveries.carrier(delivers=not silent)
        return phone

    return build


Phones = Callable[..., Phone]


def test_a_delivered_sms_is_all_there_is(phones: Phones, duty: Owe) -> None:
    phone = phones()
    phone.told(0, duty())
    phone.until(3600)
    phone.expect((0, SMS))
    assert phone.deliveries.next_due() is None


def test_silence_switches_the_channel_every_20_seconds_until_there_is_none(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.until(3600)
    phone.expect((0, SMS), (20, VOICE), (40, PUSH))


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_switches_the_channel_at_once_and_once(failure: ReceiptStatus, phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(5, SMS, failure)
    phone.says(5, SMS, failure)
    phone.says(6, VOICE, ReceiptStatus.DELIVERED)
    phone.says(7, SMS, ReceiptStatus.FAILED)
    phone.until(60)
    phone.expect((0, SMS), (5, VOICE))


def test_sent_is_not_enough(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(1, SMS, ReceiptStatus.SENT)
    phone.until(25)
    phone.expect((0, SMS), (20, VOICE))


def test_sent_after_delivered_changes_nothing(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(1, SMS, ReceiptStatus.DELIVERED)
    phone.says(2, SMS, ReceiptStatus.SENT)
    phone.says(3, SMS, ReceiptStatus.UNDELIVERED)
    phone.until(60)
    phone.expect((0, SMS))


def test_a_delivered_that_comes_late_stops_what_would_follow(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(25, SMS, ReceiptStatus.DELIVERED)
    phone.says(30, VOICE, ReceiptStatus.BUSY)
    phone.until(90)
    phone.expect((0, SMS), (20, VOICE))


def test_a_failure_after_the_silence_was_answered_is_no_second_reason(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(22, SMS, ReceiptStatus.UNDELIVERED)
    phone.until(30)
    phone.expect((0, SMS), (20, VOICE))


def test_a_step_of_two_channels_falls_back_to_the_third_only(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty(channel=SMS), duty(channel=VOICE))
    phone.until(90)
    phone.expect((0, SMS), (0, VOICE), (20, PUSH))


def test_who_was_reached_by_one_channel_needs_no_other(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty(channel=SMS), duty(channel=VOICE))
    phone.says(3, VOICE, ReceiptStatus.DELIVERED)
    phone.says(4, SMS, ReceiptStatus.FAILED)
    phone.until(90)
    phone.expect((0, SMS), (0, VOICE))


def test_a_channel_that_another_step_of_the_round_used_is_not_fallen_back_to(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty(step=0, channel=SMS))
    phone.told(10, duty(step=1, channel=VOICE))
    phone.until(90)
    phone.expect((0, SMS), (10, VOICE), (20, PUSH))


def test_a_new_round_begins_anew(phones: Phones, duty: Owe) -> None:
    phone = phones(SMS, VOICE, silent=True)
    phone.told(0, duty(round=0))
    phone.told(100, duty(round=1))
    phone.until(190)
    phone.expect((0, SMS), (20, VOICE), (100, SMS), (120, VOICE))


def test_only_what_a_person_has_is_tried(phones: Phones, duty: Owe) -> None:
    phone = phones(SMS, PUSH, EMAIL, silent=True)
    phone.told(0, duty())
    phone.until(90)
    phone.expect((0, SMS), (20, PUSH))


def test_a_duty_is_taken_once(phones: Phones, duty: Owe) -> None:
    phone = phones()
    phone.told(0, duty(), duty())
    phone.told(50, duty())
    phone.expect((0, SMS))


@pytest.mark.parametrize("state", [IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE, IncidentState.RESOLVED, IncidentState.FALSE_ALARM])
def test_whoever_takes_it_on_stops_what_was_not_yet_tried(state: IncidentState, phones: Phones, incident: About, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.changed(10, incident(), state)
    phone.says(11, SMS, ReceiptStatus.FAILED)
    phone.until(90)
    phone.expect((0, SMS))


def test_a_change_that_answers_nothing_stops_nothing(phones: Phones, incident: About, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.changed(10, incident(), IncidentState.OPEN)
    phone.until(30)
    phone.expect((0, SMS), (20, VOICE))


def test_what_is_told_after_an_acknowledgement_expired_falls_back_again(phones: Phones, incident: About, duty: Owe) -> None:
    phone = phones(SMS, VOICE, silent=True)
    phone.told(0, duty())
    phone.changed(10, incident(), IncidentState.ACKNOWLEDGED)
    phone.changed(100, incident(), IncidentState.OPEN)
    phone.told(100, duty(round=1))
    phone.until(150)
    phone.expect((0, SMS), (100, SMS), (120, VOICE))


def test_an_ending_goes_once_by_the_channel_that_reached_them(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.says(22, VOICE, ReceiptStatus.DELIVERED)
    phone.told(300, duty(purpose=Purpose.ENDING, channel=None))
    phone.until(900)
    phone.expect((0, SMS), (20, VOICE), (300, VOICE))


def test_an_ending_that_fails_goes_by_the_next_channel(phones: Phones, incident: About, duty: Owe) -> None:
    phone = phones()
    phone.told(0, duty())
    over = incident(state=IncidentState.RESOLVED)
    phone.changed(300, over, IncidentState.RESOLVED)
    phone.told(300, duty(over, purpose=Purpose.ENDING, channel=None))
    phone.says(300.5, SMS, ReceiptStatus.FAILED)
    phone.until(900)
    phone.expect((0, SMS), (300, SMS), (300.5, VOICE))


def test_news_to_somebody_never_told_goes_by_the_first_channel_they_have(phones: Phones, duty: Owe) -> None:
    for channels, first in (((VOICE, PUSH), VOICE), ((EMAIL, PUSH), PUSH), ((EMAIL,), EMAIL)):
        phone = phones(*channels)
        phone.told(0, duty(purpose=Purpose.UPDATE, channel=None))
        phone.expect((0, first))


def test_a_carrier_that_went_silent_reports_nothing_of_what_is_under_way(phones: Phones, duty: Owe) -> None:
    phone = phones()
    phone.told(0, duty())
    phone.carrier(0.5, delivers=False)
    phone.until(30)
    phone.expect((0, SMS), (20, VOICE))


def test_a_carrier_that_is_back_reports_what_comes_after(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.carrier(10, delivers=True)
    phone.until(90)
    phone.expect((0, SMS), (20, VOICE))


def test_a_receipt_for_nothing_fits_nothing(phones: Phones, duty: Owe, now_ns: int) -> None:
    phone = phones()
    phone.told(0, duty())
    stray = Receipt(to="a-relative", channel=VOICE, status=ReceiptStatus.DELIVERED)
    assert phone.deliveries.receipt(stray, now_ns) == NoSuchDelivery(receipt=stray)


def test_a_receipt_is_about_the_newest_delivery(phones: Phones, incident: About, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty(incident(id="old")))
    phone.told(5, duty(incident(id="new")))
    phone.says(6, SMS, ReceiptStatus.FAILED)
    assert [(one.incident_id, one.channel) for one in phone.handed] == [("old", SMS), ("new", SMS), ("new", VOICE)]


def test_a_fallback_keeps_the_duty_and_changes_the_channel(phones: Phones, duty: Owe) -> None:
    phone = phones(silent=True)
    phone.told(0, duty())
    phone.until(20)
    assert [one.id for one in phone.handed] == ["sos-1:tell:0:0:a-relative:sms", "sos-1:tell:0:0:a-relative:voice"]
    assert "按1" in phone.handed[1].text


def test_hand_overs_of_one_time_are_in_order(phones: Phones, duty: Owe, now_ns: int) -> None:
    duties = [duty(to=to, channel=channel) for to in ("a-relative", "a-guard") for channel in (VOICE, SMS)]
    made = phones().deliveries.take(duties, now_ns)
    assert [(one.to, one.channel) for one in made] == [
        ("a-guard", SMS),
        ("a-guard", VOICE),
        ("a-relative", SMS),
        ("a-relative", VOICE),
    ]


def test_the_next_channel_is_the_first_unused_one_they_have() -> None:
    person = Person(id="p", name="p", roles=frozenset(), channels=(EMAIL, PUSH, SMS))
    assert [next_channel(person, used) for used in ([], [SMS], [SMS, PUSH])] == [SMS, PUSH, None]


def test_who_has_nothing_is_reached_by_nothing() -> None:
    assert reached_by(Person(id="p", name="p", roles=frozenset()), []) is None


STEPS = st.one_of(
    st.tuples(
        st.just("tell"),
        st.sampled_from(["a-relative", "a-guard"]),
        st.sampled_from([SMS, VOICE, PUSH, None]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from(Purpose),
    ),
    st.tuples(
        st.just("receipt"), st.sampled_from(["a-relative", "a-guard"]), st.sampled_from([SMS, VOICE, PUSH]), st.sampled_from(ReceiptStatus)
    ),
    st.tuples(st.just("carrier"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 5, 19, 20, 60])),
    st.tuples(st.just("stop"), st.sampled_from(IncidentState)),
)


Steps = list[tuple]


class Gateways:
    """All phones on one simulated clock: steps one second apart, every timer fired at its own time."""

    def __init__(self, deliveries: Deliveries, duty: Owe, incident: About, now_ns: int) -> None:
        self.deliveries, self.duty, self.incident, self.now_ns = deliveries, duty, incident, now_ns

    def play(self, steps: Steps) -> list[HandOver]:
        made: list[HandOver] = []
        for step in steps:
            made += self._do(step)
            self.now_ns += (step[1] if step[0] == "wait" else 1) * 10**9
            while (due_ns := self.deliveries.next_due()) is not None and due_ns <= self.now_ns:
                made += self.deliveries.sweep(due_ns)
        return made

    def _do(self, step: tuple) -> list[HandOver]:
        match step:
            case ("tell", to, channel, number, round_, purpose):
                return self.deliveries.take([self.duty(to=to, channel=channel, step=number, round=round_, purpose=purpose)], self.now_ns)
            case ("receipt", to, channel, status):
                answer = self.deliveries.receipt(Receipt(to=to, channel=channel, status=status), self.now_ns)
                return [] if isinstance(answer, NoSuchDelivery) else answer
            case ("carrier", delivers):
                self.deliveries.carrier(delivers=delivers)
            case ("stop", state):
                self.deliveries.stop(self.incident(state=state))
        return []


@pytest.fixture(scope="session")
def gateways(phones: Phones, duty: Owe, incident: About, now_ns: int) -> Callable[[], Gateways]:
    return lambda: Gateways(phones().deliveries, duty, incident, now_ns)


@settings(deadline=None, max_examples=150)
@given(steps=st.lists(STEPS, max_size=25))
def test_nothing_is_handed_over_twice_whatever_is_said_in_whatever_order(steps: Steps, gateways: Callable[[], Gateways]) -> None:
    made = gateways().play([*steps, ("wait", 600)])
    assert len({one.id for one in made}) == len(made)
    assert [one.at_ns for one in made] == sorted(one.at_ns for one in made)


@settings(deadline=None, max_examples=150)
@given(before=st.lists(STEPS, max_size=20), after=st.lists(STEPS.filter(lambda step: step[0] != "tell"), max_size=10))
def test_after_an_acknowledgement_nothing_more_is_tried_to_tell(before: Steps, after: Steps, gateways: Callable[[], Gateways]) -> None:
    run = gateways()
    run.play(before)
    made = run.play([("stop", IncidentState.ACKNOWLEDGED), *after, ("wait", 600)])
    assert [one for one in made if one.purpose is not Purpose.ENDING] == []
    assert run.deliveries.next_due() is None


@settings(deadline=None, max_examples=50)
@given(steps=st.lists(STEPS, max_size=20))
def test_two_runs_of_one_story_are_the_same(steps: Steps, gateways: Callable[[], Gateways]) -> None:
    assert gateways().play(steps) == gateways().play(steps)


def test_what_somebody_wears_asked_them_and_tells_them_no_ending() -> None:
    wearer = Person(id="p", name="p", roles=frozenset(), channels=(SMS, Channel.DEVICE))
    assert reached_by(wearer, [(SMS, False), (Channel.DEVICE, True)]) is SMS
    assert reached_by(replace(wearer, channels=(Channel.DEVICE,)), [(Channel.DEVICE, True)]) is None

"""Any order of events, clearings, cancels, acts and time keeps the promises."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import time
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from devices.model import NS_PER_S
from incidents.audience import recipients
from incidents.directory import Channel, Repeat, Severity, When
from incidents.grouping import SEVERITY
from incidents.lifecycle import TRANSITIONS
from incidents.model import Do, Due, Ended, Incident, IncidentState, Purpose, Story
from incidents.silence import quiet_until
from rules.kinds import EventKind, Mode

K = EventKind
SUBJECTS = {
    **dict.fromkeys((K.FALL, K.LONG_LIE, K.RECOVERED, K.SOS, K.DURESS, K.INACTIVITY, K.EXIT, K.ABSENT, K.ENTER, K.DWELL), ("fen", "bo")),
    **dict.fromkeys((K.APPROACH, K.CROSS, K.INTRUSION, K.LEFT_OPEN, K.CUSTOM), ("h-1", "h-2")),
    **dict.fromkeys((K.OFFLINE, K.LOW_BATTERY, K.TAMPER), ("watch", "door")),
    K.OUTAGE: ("willow",),
}
FACTS = st.sampled_from([(kind, subject) for kind, subjects in SUBJECTS.items() for subject in subjects])
QUIETED = st.sampled_from(["fen", "h-1", "watch", "door", "willow"])
T0_NS = 1_772_416_800 * NS_PER_S
CAUSES = st.sampled_from(["a", "b", "c"])
RESPONDERS = ("jie", "emma", "day-guard", "hospital-desk", "bo", "stranger")
WAITS_S = st.sampled_from([0, 0.5, 5, 29, 30, 45, 60, 120, 600, 1800, 4000])
TARGETS = ("relatives", "occupants", "neighbours", "hospital", "roster:gate", "officer", "fen", "nobody")
CIRCUMSTANCES = (
    None,
    When(modes=frozenset({Mode.AWAY})),
    When(severities=frozenset({Severity.LIFE})),
    When(since=time(10), until=time(11)),
)
"""Of a step; the stories begin at 10:00. An import wants one step of each policy without any."""
MOVES = {(before, after) for (before, _), after in TRANSITIONS.items()}
HELD = {IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE}


@st.composite
def policies(draw: Any, make_policy: Callable[..., Any]) -> tuple[Any, ...]:
    """Up to four policies over the kinds, no kind in two of them."""
    where = {kind: draw(st.integers(0, 4)) for kind in SUBJECTS}
    made = []
    for number in range(4):
        if not (kinds := [kind for kind, place in where.items() if place == number]):
            continue
        times = sorted(draw(st.lists(st.sampled_from([0, 0, 20, 60, 60, 300]), min_size=1, max_size=4)))
        steps = [
            (
                after_s,
                draw(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3)),
                draw(st.lists(st.sampled_from(list(Channel)), min_size=1, max_size=2, unique=True)),
            )
            for after_s in times
        ]
        repeat = draw(st.none() | st.builds(Repeat, every_s=st.sampled_from([10, 120]), times=st.integers(1, 3)))
        one = make_policy(str(number), *kinds, steps=steps, repeat=repeat, cancel_window_s=draw(st.sampled_from([0, 30])))
        always = draw(st.integers(0, len(steps) - 1))
        some = [
            replace(step, in_turn_s=draw(st.sampled_from([0, 0, 40])), when=None if n == always else draw(st.sampled_from(CIRCUMSTANCES)))
            for n, step in enumerate(one.steps)
        ]
        made.append(replace(one, steps=tuple(some)))
    return tuple(made)


class Promises(RuleBasedStateMachine):
    def __init__(self, worlds: Callable[..., Any], make_policy: Callable[..., Any]) -> None:
        super().__init__()
        self._worlds = worlds
        self._make_policy = make_policy
        self._now_s = 0.0

    @initialize(data=st.data())
    def settle_in(self, data: st.DataObject) -> None:
        self.world = self._worlds(policies=data.draw(policies(self._make_policy)))
        self.history: dict[str, list[Incident]] = {}
        self._watch()

    @rule(fact=FACTS, cause=CAUSES, behind_s=st.sampled_from([0, 0, 0, 5, 700]))
    def something_happens(self, fact: tuple[EventKind, str], cause: str, behind_s: float) -> None:
        device_id = {"a": None, "b": "door", "c": "watch"}[cause]
        self.world.event(self._tick(), *fact, cause=cause, t_s=self._now_s - behind_s, device_id=device_id)

    @rule(fact=FACTS, cause=CAUSES)
    def it_is_over(self, fact: tuple[EventKind, str], cause: str) -> None:
        self.world.cleared(self._tick(), *fact, cause=cause)

    @rule(subject=st.sampled_from(["fen", "bo"]))
    def the_wearer_cancels(self, subject: str) -> None:
        self.world.cancel(self._tick(), subject)

    @rule(by=st.sampled_from(RESPONDERS), do=st.sampled_from(Do), fact=FACTS, eta_min=st.sampled_from([None, 0.1, 1, 90]))
    def somebody_acts(self, by: str, do: Do, fact: tuple[EventKind, str], eta_min: float | None) -> None:
        self.world.act(self._tick(), by, do, fact[1], eta_min)

    @rule(by=st.sampled_from(RESPONDERS), to=st.sampled_from(RESPONDERS), fact=FACTS)
    def somebody_hands_it_over(self, by: str, to: str, fact: tuple[EventKind, str]) -> None:
        self.world.act(self._tick(), by, Do.HAND_OVER, fact[1], to=to)

    @rule(by=st.sampled_from(["office", "day-guard"]), subject=QUIETED, minutes=st.sampled_from([1, 20, 200]), life=st.booleans())
    def somebody_asks_for_silence(self, by: str, subject: str, minutes: float, *, life: bool) -> None:
        self.world.silence(self._tick(), by, subject, minutes=minutes, life=life)

    @rule(by=st.sampled_from(["office", "day-guard"]), subject=QUIETED)
    def somebody_ends_what_is_going_on(self, by: str, subject: str) -> None:
        self.world.act(self._tick(), by, Do.RESOLVE, subject)

    @rule(mode=st.sampled_from([Mode.AWAY, Mode.DISARMED]))
    def a_home_changes_its_mode(self, mode: Mode) -> None:
        self.world.mode("h-1", mode)

    @rule(wait_s=WAITS_S)
    def time_passes(self, wait_s: float) -> None:
        self._now_s += wait_s
        self.world.until(self._now_s)

    @invariant()
    def incidents_move_along_the_table(self) -> None:
        for versions in self.history.values():
            begins = {IncidentState.ACKNOWLEDGED} if versions[0].story is Story.SILENCE else {IncidentState.SUSPECTED, IncidentState.OPEN}
            assert versions[0].state in begins
            for before, after in pairwise(versions):
                assert before.state is after.state or (before.state, after.state) in MOVES

    @invariant()
    def severity_never_falls_and_is_the_highest_of_its_events(self) -> None:
        for versions in self.history.values():
            assert all(before.severity.rank <= after.severity.rank for before, after in pairwise(versions))
            assert versions[-1].severity.rank == max(SEVERITY[event.kind].rank for event in versions[-1].events)

    @invariant()
    def at_most_one_is_open_of_a_story_and_subject(self) -> None:
        threads = Counter((one.story, one.subject, one.rule) for one in self._incidents() if one.is_open)
        assert all(number == 1 for number in threads.values())

    @invariant()
    def the_book_finds_what_is_open_and_what_is_due(self) -> None:
        open_ids = {one.id for one in self._incidents() if one.is_open}
        subjects = {one.subject for one in self._incidents()}
        assert {one.id for subject in subjects for one in self.world.book.open_about(subject)} == open_ids
        assert self.world.book.next_due() == min((one.dues[0].at_ns for one in self._incidents() if one.dues), default=None)

    @invariant()
    def everybody_who_was_told_gets_one_ending_when_it_is_over_but_for_who_ended_it(self) -> None:
        endings = Counter((duty.incident.id, duty.to) for _, duty in self.world.duties if duty.purpose is Purpose.ENDING)
        wanted = Counter(
            (one.id, person)
            for one in self._incidents()
            if not one.is_open
            for person in one.told
            if person != one.ended_by and not self._is_hushed(one, person)
        )
        assert endings == wanted

    @invariant()
    def whoever_is_told_is_remembered(self) -> None:
        for _, duty in self.world.duties:
            assert duty.to in self.world.incident(duty.incident.id).told

    @invariant()
    def nobody_is_told_while_somebody_has_it_or_before_it_is_open_or_when_it_is_over(self) -> None:
        assert all(duty.incident.state is IncidentState.OPEN for _, duty in self.world.duties if duty.purpose is Purpose.TELL)
        for one in self._incidents():
            steps = [row for row in one.dues if row.due in {Due.STEP, Due.REPEAT}]
            assert not steps or one.state is IncidentState.OPEN

    @invariant()
    def nothing_is_due_when_it_is_over(self) -> None:
        assert all(one.is_open or not one.dues + one.paused for one in self._incidents())

    @invariant()
    def due_rows_are_in_order(self) -> None:
        assert all(list(one.dues) == sorted(one.dues, key=lambda row: row.order) for one in self._incidents())

    @invariant()
    def no_notification_has_the_id_of_another(self) -> None:
        assert all(number == 1 for number in Counter(duty.id for _, duty in self.world.duties).values())

    @invariant()
    def distress_never_ends_by_itself(self) -> None:
        for one in self._incidents():
            assert one.story is not Story.DISTRESS or one.ended in {None, Ended.BY_RESPONDER, Ended.BY_WEARER}

    @invariant()
    def a_call_for_help_is_never_suspected_or_cancelled(self) -> None:
        for one in self._incidents():
            if any(event.kind in {K.SOS, K.DURESS} for event in one.events):
                assert one.state not in {IncidentState.SUSPECTED, IncidentState.CANCELLED}

    @invariant()
    def whoever_is_asked_to_take_it_was_told_and_it_waits_for_nobody_who_has_it(self) -> None:
        for one in self._incidents():
            assert one.handed_to is None or (one.handed_to in one.told and one.state in {IncidentState.OPEN, IncidentState.ACKNOWLEDGED})

    @invariant()
    def an_acknowledgement_always_has_an_end(self) -> None:
        for one in self._incidents():
            expiry = [row for row in one.dues if row.due is (Due.QUIET if one.story is Story.SILENCE else Due.ACKNOWLEDGEMENT)]
            assert len(expiry) == (one.state is IncidentState.ACKNOWLEDGED)
            assert (one.acknowledged_by is not None) >= (one.state in HELD)

    @invariant()
    def nobody_is_told_to_act_while_there_is_silence(self) -> None:
        assert self.broken_silences == []

    @invariant()
    def what_is_open_and_to_be_told_never_stops_by_itself(self) -> None:
        """Something is due until every step that is there was told, and repeats, where they are wanted, until the administrators are."""
        for one in self._incidents():
            if one.state is not IncidentState.OPEN or one.policy is None:
                continue
            if any(row.due in {Due.STEP, Due.REPEAT} for row in one.dues):
                continue
            assert one.policy.repeat is None or one.unanswered
            last = self.history[one.id]
            assert any(version.told or version.skipped for version in last) or self._reaches_nobody(one)

    @invariant()
    def an_incident_is_put_off_no_longer_than_somebody_asked_for(self) -> None:
        ends = [one.eta_ns for one in self._incidents() if one.story is Story.SILENCE]
        for one in self._incidents():
            assert one.held_ns is None or one.held_ns in ends
            waiting = [row.at_ns for row in one.dues if row.due in {Due.STEP, Due.REPEAT}]
            if one.held_ns is not None and waiting:
                assert min(waiting) <= one.held_ns or one.state is not IncidentState.OPEN

    @invariant()
    def what_is_put_off_does_not_end_unseen(self) -> None:
        for one in self._incidents():
            ends = [row.at_ns for row in one.dues if row.due is Due.QUIET and one.story is not Story.SILENCE]
            if one.held_ns is not None and one.state is IncidentState.OPEN and ends:
                assert min(ends) > one.held_ns

    @invariant()
    def nobody_is_told_by_what_only_asks(self) -> None:
        assert all((duty.channel is Channel.DEVICE) <= (duty.purpose is Purpose.ASK) for _, duty in self.world.duties)

    @invariant()
    def a_silence_always_has_an_end(self) -> None:
        assert all(one.dues for one in self._incidents() if one.story is Story.SILENCE and one.is_open)

    @invariant()
    def who_calls_under_duress_is_never_told(self) -> None:
        assert not [duty for _, duty in self.world.duties if self._is_hushed(duty.incident, duty.to)]

    def _tick(self) -> float:
        """A moment later, so that no two events are the same."""
        self._now_s += 0.001
        return self._now_s

    def _is_hushed(self, incident: Incident, person: str) -> bool:
        """Who calls under duress, and who lives with them: here both live at h-1."""
        return person in {"fen", "bo"} and any(event.kind is K.DURESS for event in incident.events)

    def _reaches_nobody(self, incident: Incident) -> bool:
        """Whether its steps name nobody whom the directory knows, or only who must not hear of it; one for some times may not have been."""
        now_ns = T0_NS + round(self._now_s * NS_PER_S)
        steps = [step for step in incident.policy.steps if step.when is None] if incident.policy else []
        return not any(recipients([(one, step.by[0]) for one in step.tell], incident, self.world.directory, now_ns) for step in steps)

    def _incidents(self) -> list[Incident]:
        return [versions[-1] for versions in self.history.values()]

    def _watch(self) -> None:
        """Keep every version of every incident that the book is given."""
        put, settle = self.world.book.put, self.world._settle
        self.broken_silences: list[Any] = []

        def settled(at_s: float, outcome: Any) -> None:
            settle(at_s, outcome)
            for duty in outcome.duties:
                end_ns = quiet_until(duty.incident, self.world.book.quiets(), self.world.directory)
                if duty.purpose is Purpose.TELL and end_ns is not None and end_ns > T0_NS + at_s * NS_PER_S:
                    self.broken_silences.append(duty)

        self.world._settle = settled

        def remember(outcome: Any) -> None:
            put(outcome)
            for incident in outcome.incidents:
                self.history.setdefault(incident.id, []).append(incident)

        self.world.book.put = remember


def test_any_order_of_events_acts_and_time_keeps_the_promises(worlds: Any, make_policy: Any) -> None:
    run_state_machine_as_test(
        lambda: Promises(worlds, make_policy), settings=settings(deadline=None, max_examples=60, stateful_step_count=30)
    )

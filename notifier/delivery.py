"""Which channel a duty goes by, and which comes next when that one fails or nothing is heard from it.

Pure: the state is in memory and the time is an argument. `reached_by` and `next_channel` are the decisions; `Deliveries` applies them.
"""

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import count, product

from devices.model import NS_PER_S, PersonId
from incidents.audience import FALLBACK, tellable
from incidents.directory import Channel, Directory, Person
from incidents.model import TAKEN_ON, UNHURRIED, Duty, Incident, IncidentId, Purpose, Story
from notifier.answers import free_number
from notifier.messages import Answering, render
from notifier.model import HandOver, Receipt, ReceiptStatus

SILENCE_NS = 20 * NS_PER_S
"""With no `delivered` in this time the next channel is tried; `sent` is not enough."""

CARRIER_NS = 1 * NS_PER_S
"""After this a carrier that delivers says so by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchDelivery:
    """A receipt for somebody to whom nothing was handed over by that channel."""

    receipt: Receipt


def next_channel(person: Person, used: Collection[Channel]) -> Channel | None:
    """The next of sms, voice, push that a person has and that was not used; None when there is no more."""
    return next((channel for channel in FALLBACK if channel in person.channels and channel not in used), None)


def reached_by(person: Person, tried: Sequence[tuple[Channel, bool]]) -> Channel | None:
    """The channel for news to somebody who was told before.

    Parameters
    ----------
    person
        Whom to tell.
    tried
        Channels by which the incident was told them, oldest first, each with whether it was delivered.

    Returns
    -------
    Channel or None
        The last one that was delivered, else the last one, else the first they have; None for somebody who has none.
    """
    told = [(channel, is_delivered) for channel, is_delivered in tried if channel is not Channel.DEVICE]
    last = [channel for channel, is_delivered in told if is_delivered] or [channel for channel, _ in told]
    return last[-1] if last else next_channel(person, ()) or next(iter(tellable(person)), None)


class _Timer(IntEnum):
    """What a delivery waits for; of two at one time the earlier one here first."""

    CARRIER = 0
    SILENCE = 1


@dataclass(slots=True, kw_only=True)
class _Telling:
    """One person told one thing by one step: all its deliveries, until one arrives or an acknowledgement makes it needless."""

    duty: Duty
    arrived: bool = False
    stopped: bool = False


@dataclass(slots=True, kw_only=True)
class _Delivery:
    """One hand-over and what came of it. `status` is None or sent until the first final word, which stays."""

    telling: _Telling
    channel: Channel
    status: ReceiptStatus | None = None
    given_up: bool = False
    """It was silent or failed, and the next channel has been tried: once is enough."""

    @property
    def is_final(self) -> bool:
        return self.status not in {None, ReceiptStatus.SENT}


_Round = tuple[IncidentId, Purpose, int, PersonId]
"""Within this no channel is fallen back to twice, whichever step used it first."""


class Deliveries:
    """All deliveries of one community.

    Each method answers the hand-overs that are to be made at `now_ns`, ordered by person and channel. The same duty is handed over once
    by each channel at most, whatever is said how often and in which order.

    Parameters
    ----------
    directory
        Who has which channels, and what texts need.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._carrier_delivers = True
        self._seen: set[str] = set()
        self._tellings: dict[tuple[_Round, int], _Telling] = {}
        self._used: dict[_Round, set[Channel]] = {}
        self._newest: dict[tuple[PersonId, Channel, str | None, Story | None], _Delivery] = {}
        self._told: dict[tuple[IncidentId, PersonId], list[_Delivery]] = {}
        self._of_incident: dict[IncidentId, list[_Telling]] = {}
        self._numbers: dict[str, dict[IncidentId, int]] = {}
        self._timers: list[tuple[int, _Timer, int, _Delivery]] = []
        self._number = count()

    def take(self, duties: Iterable[Duty], now_ns: int) -> list[HandOver]:
        """Hand over duties; one that was taken before is a no-op."""
        fresh: list[tuple[Duty, Channel]] = []
        for duty in duties:
            channel = duty.channel or self._reached_by(duty)
            if channel is None or not self._seen.isdisjoint({duty.id, _id(duty, channel)}):
                continue
            self._seen |= {duty.id, _id(duty, channel)}
            fresh.append((duty, channel))
            self._used.setdefault(_round(duty), set()).add(channel)
        return _ordered(self._hand_over(self._telling(duty), channel, now_ns) for duty, channel in fresh)

    def receipt(self, receipt: Receipt, now_ns: int) -> list[HandOver] | NoSuchDelivery:
        """What a gateway says about the newest delivery to a person by a channel."""
        delivery = self._newest.get((receipt.to, receipt.channel, receipt.subject, receipt.story))
        if delivery is None:
            return NoSuchDelivery(receipt=receipt)
        return _ordered(self._settle(delivery, receipt.status, now_ns))

    def configure(self, directory: Directory) -> None:
        """From now on people have these channels; who is known no more is told nothing more."""
        self._directory = directory

    def carrier(self, *, delivers: bool) -> None:
        """From now on a `delivered` comes by itself for every delivery, or no receipt does."""
        self._carrier_delivers = delivers

    def stop(self, incident: Incident) -> None:
        """Drop what would still be tried to tell of an incident that somebody has, or that is over; its endings go on."""
        if not incident.is_open:
            for numbers in self._numbers.values():
                numbers.pop(incident.id, None)
        if incident.state in TAKEN_ON:
            for telling in self._of_incident.get(incident.id, ()):
                telling.stopped = telling.stopped or telling.duty.purpose is not Purpose.ENDING

    def next_due(self) -> int | None:
        """When `sweep` has something to do, in ns; None while it has not."""
        while self._timers and not self._is_awaited(*self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def sweep(self, now_ns: int) -> list[HandOver]:
        """Act on every timer that is due at or before now."""
        made: list[HandOver] = []
        while (due_ns := self.next_due()) is not None and due_ns <= now_ns:
            _, timer, _, delivery = heapq.heappop(self._timers)
            if timer is _Timer.SILENCE:
                made += self._next(delivery, now_ns)
            elif self._carrier_delivers:
                made += self._settle(delivery, ReceiptStatus.DELIVERED, now_ns)
        return _ordered(made)

    def _is_awaited(self, _due_ns: int, timer: _Timer, _number: int, delivery: _Delivery) -> bool:
        if delivery.is_final:
            return False
        return timer is _Timer.CARRIER or not (delivery.telling.arrived or delivery.telling.stopped or delivery.given_up)

    def _reached_by(self, duty: Duty) -> Channel | None:
        person = self._directory.people.get(duty.to)
        tried = self._told.get((duty.incident.id, duty.to), [])
        return None if person is None else reached_by(person, [(one.channel, one.status is ReceiptStatus.DELIVERED) for one in tried])

    def _telling(self, duty: Duty) -> _Telling:
        key = (_round(duty), duty.step)
        if key not in self._tellings:
            self._tellings[key] = _Telling(duty=duty)
            self._of_incident.setdefault(duty.incident.id, []).append(self._tellings[key])
        return self._tellings[key]

    def _settle(self, delivery: _Delivery, status: ReceiptStatus, now_ns: int) -> list[HandOver]:
        """Move a delivery on: callbacks come late, twice and out of order, so the first final word stays."""
        if delivery.is_final:
            return []
        delivery.status = status
        if status is ReceiptStatus.SENT:
            return []
        if status is ReceiptStatus.DELIVERED:
            delivery.telling.arrived = True
            return []
        return self._next(delivery, now_ns)

    def _next(self, delivery: _Delivery, now_ns: int) -> list[HandOver]:
        """Try the next channel, unless the person has been reached or need not be any more."""
        telling = delivery.telling
        if telling.arrived or telling.stopped or delivery.given_up or telling.duty.purpose in {Purpose.ASK, Purpose.WORD, Purpose.SIGNAL}:
            return []
        delivery.given_up = True
        used = self._used[_round(telling.duty)]
        person = self._directory.people.get(telling.duty.to)
        channel = None if person is None else next_channel(person, used)
        if channel is None:
            return []
        used.add(channel)
        self._seen.add(_id(telling.duty, channel))
        return [self._hand_over(telling, channel, now_ns)]

    def _hand_over(self, telling: _Telling, channel: Channel, now_ns: int) -> HandOver:
        duty = telling.duty
        delivery = _Delivery(telling=telling, channel=channel)
        for subject, story in product((None, duty.incident.subject), (None, duty.incident.story)):
            self._newest[duty.to, channel, subject, story] = delivery
        self._told.setdefault((duty.incident.id, duty.to), []).append(delivery)
        heapq.heappush(self._timers, (now_ns + CARRIER_NS, _Timer.CARRIER, next(self._number), delivery))
        if duty.purpose not in UNHURRIED:
            heapq.heappush(self._timers, (now_ns + SILENCE_NS, _Timer.SILENCE, next(self._number), delivery))
        return HandOver(
            id=_id(duty, channel),
            incident_id=duty.incident.id,
            purpose=duty.purpose,
            to=duty.to,
            channel=channel,
            text=render(duty, channel, self._directory, now_ns, Answering(number=self._number_of(duty, channel))),
            at_ns=now_ns,
        )

    def _number_of(self, duty: Duty, channel: Channel) -> int | None:
        """What to write back to a text."""
        phone = self._directory.people[duty.to].phone_e164
        if not takes_answer(duty, channel) or phone is None:
            return None
        numbers = self._numbers.setdefault(phone, {})
        return numbers.setdefault(duty.incident.id, free_number(frozenset(numbers.values())))


def takes_answer(duty: Duty, channel: Channel) -> bool:
    """Whether somebody can write back to it."""
    return channel is Channel.SMS and duty.purpose in {Purpose.TELL, Purpose.UPDATE} and duty.incident.is_open


def _round(duty: Duty) -> _Round:
    return (duty.incident.id, duty.purpose, duty.round, duty.to)


def _id(duty: Duty, channel: Channel) -> str:
    """The duty's id with the channel that it really goes by."""
    return replace(duty, channel=channel).id


def _ordered(hand_overs: Iterable[HandOver]) -> list[HandOver]:
    return sorted(hand_overs, key=lambda one: (one.at_ns, one.to, one.channel, one.id))

"""What a drill has shown: who was told when and by what, who answered after how long, and where the chain broke.

Pure: what was written about it is an argument.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from devices.model import NS_PER_S, PersonId
from incidents.directory import Channel
from incidents.model import Do, Incident, Purpose
from incidents.timeline import Entry, EntryKind
from store.outbox import NotificationState
from store.views import Telling

_SAID = frozenset({Do.ACKNOWLEDGE, Do.ON_SCENE, Do.DECLINE, Do.RESOLVE, Do.FALSE_ALARM})
_GOES = frozenset({Do.ACKNOWLEDGE, Do.ON_SCENE, Do.RESOLVE, Do.FALSE_ALARM})
"""What stops the chain: that somebody cannot goes on to the next."""

_TAKEN = frozenset({NotificationState.ACCEPTED, NotificationState.DELIVERED})
_NOT_YET = frozenset({NotificationState.WAITING, NotificationState.CANCELLED})
"""Of a message that has not left, or needed not to: that it did not arrive says nothing."""


class Broke(StrEnum):
    """Where a chain broke."""

    NOBODY_ANSWERED = "nobody_answered"
    NOBODY_ON_DUTY = "nobody_on_duty"
    """A whole roster was told instead."""
    NO_WAY = "no_way"
    """Somebody has no contact method that can be used."""
    NOT_REACHED = "not_reached"
    """To somebody no message got through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way by which somebody was told.

    Attributes
    ----------
    at_ns : int
        When they were to be told by it.
    arrived_ns : int or None
        When the gateway said that it arrived.
    code : str or None
        Why it failed, in the gateway's words.
    """

    channel: Channel | None
    at_ns: int
    state: NotificationState
    arrived_ns: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One person.

    Attributes
    ----------
    ways : tuple of Way
        By which they were told, as they came; none of who has none.
    do, answered_ns : Do or None, int or None
        What they answered first, and when.
    """

    person: PersonId
    ways: tuple[Way, ...]
    do: Do | None = None
    answered_ns: int | None = None

    @property
    def answer_s(self) -> float | None:
        """How long after they were to be told first they answered; None of who did not."""
        if self.answered_ns is None or not self.ways:
            return None
        return (self.answered_ns - self.ways[0].at_ns) / NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """What a drill has shown.

    Attributes
    ----------
    people : tuple of Reached
        In the order in which they were to be told.
    taken_by, taken_s : PersonId or None, float or None
        Who took it on first, and how long after it began.
    breaks : tuple of (Broke, PersonId or None)
        Where the chain broke, as far as it was walked.
    """

    incident: Incident
    people: tuple[Reached, ...]
    taken_by: PersonId | None
    taken_s: float | None
    breaks: tuple[tuple[Broke, PersonId | None], ...]


def report(drill: Incident, tellings: Iterable[Telling], entries: Iterable[Entry]) -> DrillReport:
    """What a drill has shown until now, or in all if it is over.

    Parameters
    ----------
    tellings
        Of it, oldest first.
    entries
        Its timeline, oldest first.
    """
    written = tuple(entries)
    told: dict[PersonId, list[Way]] = {one: [] for one in drill.told}
    for one in tellings:
        if one.purpose is Purpose.TELL:
            told.setdefault(one.to, []).append(_way(one))
    answers = _answers(drill, written, told)
    people = tuple(
        Reached(person=person, ways=tuple(ways), do=answers[person][0], answered_ns=answers[person][1])
        if person in answers
        else Reached(person=person, ways=tuple(ways))
        for person, ways in told.items()
        if ways or person in drill.skipped or person in answers
    ) + tuple(Reached(person=person, ways=()) for person in drill.skipped if person not in told)
    first = min(((at_ns, person) for person, (do, at_ns) in answers.items() if do in _GOES), default=None)
    return DrillReport(
        incident=drill,
        people=people,
        taken_by=first[1] if first else None,
        taken_s=(first[0] - drill.opened_ns) / NS_PER_S if first else None,
        breaks=tuple(_breaks(drill, people, written, is_taken=first is not None)),
    )


def _way(telling: Telling) -> Way:
    last = telling.attempts[-1] if telling.attempts else None
    has_arrived = telling.state is NotificationState.DELIVERED and last is not None
    return Way(
        channel=telling.channel,
        at_ns=telling.created_ns,
        state=telling.state,
        arrived_ns=last.updated_ns if has_arrived and last is not None else None,
        code=last.code if last is not None and telling.state not in _TAKEN else None,
    )


def _answers(drill: Incident, entries: Iterable[Entry], told: Iterable[PersonId]) -> dict[PersonId, tuple[Do, int]]:
    """What each said first. Who began it and was not told of it only ended it."""
    found: dict[PersonId, tuple[Do, int]] = {}
    for entry in entries:
        do = entry.detail.get("do") if entry.kind in {EntryKind.STATE, EntryKind.ACT} else None
        if do not in _SAID or entry.by is None or (entry.by == drill.headline.evidence.get("by") and entry.by not in told):
            continue
        found.setdefault(entry.by, (Do(str(do)), entry.at_ns))
    return found


def _breaks(
    drill: Incident, people: Sequence[Reached], entries: Iterable[Entry], *, is_taken: bool
) -> Iterator[tuple[Broke, PersonId | None]]:
    if not is_taken and (drill.unanswered or not drill.is_open):
        yield Broke.NOBODY_ANSWERED, None
    if any(entry.detail.get("whole_roster") for entry in entries if entry.kind is EntryKind.TOLD):
        yield Broke.NOBODY_ON_DUTY, None
    for one in people:
        if not one.ways:
            yield Broke.NO_WAY, one.person
        elif one.do is None and not any(way.state in _TAKEN | _NOT_YET for way in one.ways):
            yield Broke.NOT_REACHED, one.person

"""A change, rehearsed: what a capture led to under today's configuration, beside what it would have led to under another one.

Both runs are replays of the same lines, so the same capture gives the same answer. Each file holds throughout its run, and the carrier
delivers: what was never sent has no receipt, so the capture's receipts are left out of both. Acts stay at the times at which they were
done. Nobody acted on what did not happen, so what is gained is told to the end of its policy: that is the most it would have been.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from devices.model import NS_PER_S
from incidents.directory import Channel
from incidents.model import CLOSED, Purpose
from notifier.replay import Output, Replay
from rules.pipeline import Rules
from store import capture
from store.capture import CarrierChanged, CommunityChanged, Line, Received, iso
from store.model import Community

BATCH = 4096
"""Messages taken at once."""
LARGE_BYTES = 4 << 20
"""From this size on a capture is worth a second process."""
FLOOD_TIMES, FLOOD_LEAST = 3, 20
"""So many times today's SMS, and so many more, are a flood."""
FLOOD_HOURLY = 10
"""And so many SMS to one person in an hour, if that is twice what it was."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class What(StrEnum):
    """What a change does to an incident."""

    GAINED = "gained"
    LOST = "lost"
    EARLIER = "earlier"
    LATER = "later"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """An incident of one run.

    Attributes
    ----------
    rule : str
        Which rule of the community's own it is of; "" of any other.
    ended_ns : int or None
        None where it is open at the capture's end.
    told_ns : int or None
        When somebody was first told to act; None where nobody was.
    sms, calls : int
        How many were handed over because of it, endings and updates included.
    """

    id: str
    kind: str
    subject: str
    home: str | None
    opened_ns: int
    rule: str = ""
    ended_ns: int | None = None
    told_ns: int | None = None
    sms: int = 0
    calls: int = 0

    def overlaps(self, other: "Lived") -> bool:
        """Whether both were open at one time, the moments of opening and ending included."""
        return (self.ended_ns is None or self.ended_ns >= other.opened_ns) and (other.ended_ns is None or other.ended_ns >= self.opened_ns)

    def said(self) -> dict[str, Any]:
        """The incident in JSON's types."""
        told = None if self.told_ns is None else iso(self.told_ns)
        return {"id": self.id, "at": iso(self.opened_ns), "told": told, "sms": self.sms, "calls": self.calls}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run: its incidents in the order in which they were opened, and each person's SMS by the hour (since 1970, UTC)."""

    incidents: tuple[Lived, ...]
    hourly: Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One incident in both runs, or in the one that has it.

    `by_s`: so much later somebody is told, in seconds; where nobody is told in one of them, so much later it opens. None where it is in
    one run only.
    """

    what: What
    today: Lived | None
    changed: Lived | None
    by_s: float | None = None

    @property
    def either(self) -> Lived:
        """It, as it is today if it is."""
        found = self.today or self.changed
        if found is None:
            raise ValueError("a change is of an incident")
        return found

    def said(self) -> dict[str, Any]:
        """The change in JSON's types."""
        return {
            "type": "incident",
            "what": self.what,
            "kind": self.either.kind,
            "subject": self.either.subject,
            "home": self.either.home,
            **({"rule": self.either.rule} if self.either.rule else {}),
            "by_s": self.by_s,
            "today": self.today and self.today.said(),
            "changed": self.changed and self.changed.said(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Incidents and SMS of one kind and home, or of all."""

    kind: str | None
    home: str | None
    today: int
    changed: int
    whats: Mapping[What, int]
    sms_today: int
    sms_changed: int

    @property
    def is_same(self) -> bool:
        """Whether nothing is different."""
        return not any(count for what, count in self.whats.items() if what is not What.SAME) and self.sms_today == self.sms_changed

    def said(self) -> dict[str, Any]:
        """The sum in JSON's types."""
        place = {"type": "total"} if self.kind is None else {"type": "sum", "kind": self.kind, "home": self.home}
        counts = {"today": self.today, "changed": self.changed, "sms_today": self.sms_today, "sms_changed": self.sms_changed}
        return {**place, **counts, **{what.value: self.whats.get(what, 0) for what in What}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """Many times today's SMS, of a kind or in an hour to a person."""

    kind: str | None
    to: str | None
    sms_today: int
    sms_changed: int

    def __str__(self) -> str:
        """A sentence."""
        if self.to is not None:
            return f"a flood: {self.sms_changed} SMS to {self.to} in one hour, where it is at most {self.sms_today} today"
        return f"a flood: {self.sms_changed} SMS of {self.kind}, {self.sms_today} today"

    def said(self) -> dict[str, Any]:
        """The warning in JSON's types."""
        return {"type": "flood", "kind": self.kind, "to": self.to, "sms_today": self.sms_today, "sms_changed": self.sms_changed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a change changes.

    Attributes
    ----------
    changes : tuple of Change
        Every incident of both runs, by the time at which it opened first.
    sums : tuple of Sum
        By kind and home.
    total : Sum
    floods : tuple of Flood
    """

    changes: tuple[Change, ...]
    sums: tuple[Sum, ...]
    total: Sum
    floods: tuple[Flood, ...]

    def lines(self) -> Iterator[dict[str, Any]]:
        """All of it as lines of JSON."""
        yield from (one.said() for one in self.changes)
        yield from (one.said() for one in self.sums)
        yield from (one.said() for one in self.floods)
        yield self.total.said()


def rehearse(capture_file: Path, today: Community, changed: Community, rules: Rules) -> Rehearsal:
    """Run a capture under two configurations and compare.

    A large capture is run under both at once, in two processes.

    Raises
    ------
    InputError
        The capture is wrong.
    """
    if capture_file.stat().st_size < LARGE_BYTES:
        return compared(run(capture_file, today, rules), run(capture_file, changed, rules))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        other = beside.submit(run, capture_file, today, rules)
        after = run(capture_file, changed, rules)
        return compared(other.result(), after)


def run(capture_file: Path, community: Community, rules: Rules) -> Run:
    """What a capture leads to under a configuration."""
    return lived(Replay(community, rules).run(_rehearsed(capture.read(capture_file)), BATCH))


def lived(output: Iterable[Output]) -> Run:
    """The incidents of a replay's lines."""
    found: dict[str, Lived] = {}
    hourly: Counter[tuple[str, int]] = Counter()
    for line in output:
        match line["type"]:
            case "incident":
                one = found.get(line["id"]) or Lived(
                    id=line["id"],
                    kind=line["kind"],
                    subject=line["subject"],
                    home=line["home"],
                    opened_ns=_ns(line["at"]),
                    rule=line.get("rule", ""),
                )
                found[one.id] = replace(one, ended_ns=_ns(line["at"]) if line["state"] in CLOSED else None)
            case "notification":
                one, at_ns = found[line["incident"]], _ns(line["at"])
                is_sms = line["channel"] == Channel.SMS
                told_ns = at_ns if one.told_ns is None and line["purpose"] == Purpose.TELL else one.told_ns
                is_call = line["channel"] == Channel.VOICE
                found[one.id] = replace(one, told_ns=told_ns, sms=one.sms + is_sms, calls=one.calls + is_call)
                hourly[line["to"], at_ns // (3600 * NS_PER_S)] += is_sms
            case _:
                pass
    return Run(incidents=tuple(found.values()), hourly=hourly)


def compared(today: Run, changed: Run) -> Rehearsal:
    """What is different between two runs.

    Incidents of both are the same one where kind and subject, and a community's own rule, are the same and they were open at one time; of
    several the first that fits, each once.
    """
    changes = sorted(_changes(today, changed), key=lambda one: (one.either.opened_ns, one.either.kind, one.either.subject, one.what))
    by_place: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        by_place[change.either.kind, change.either.home or ""].append(change)
    sums = tuple(_sum(place, some) for place, some in sorted(by_place.items()))
    return Rehearsal(
        changes=tuple(changes), sums=sums, total=_sum(None, changes), floods=(*_floods_of_kinds(sums), *_floods_of_people(today, changed))
    )


def _rehearsed(lines: Iterable[Line]) -> Iterator[Line]:
    """A capture's lines without what a configuration or a carrier did to it; time passes where they were."""
    for line in lines:
        if isinstance(line, Received | CarrierChanged | CommunityChanged):
            yield capture.Pause(at_ns=line.at_ns, number=line.number)
        else:
            yield line


def _changes(today: Run, changed: Run) -> Iterator[Change]:
    waiting: defaultdict[tuple[str, str, str], list[Lived]] = defaultdict(list)
    for one in changed.incidents:
        waiting[one.kind, one.subject, one.rule].append(one)
    for one in today.incidents:
        others = waiting[one.kind, one.subject, one.rule]
        other = next((other for other in others if one.overlaps(other)), None)
        if other is None:
            yield Change(what=What.LOST, today=one, changed=None)
        else:
            others.remove(other)
            yield _moved(one, other)
    for rest in waiting.values():
        for one in rest:
            yield Change(what=What.GAINED, today=None, changed=one)


def _moved(today: Lived, changed: Lived) -> Change:
    if today.told_ns is not None and changed.told_ns is not None:
        by_ns = changed.told_ns - today.told_ns
    else:
        by_ns = changed.opened_ns - today.opened_ns
    what = What.SAME if by_ns == 0 else What.LATER if by_ns > 0 else What.EARLIER
    return Change(what=what, today=today, changed=changed, by_s=by_ns / NS_PER_S)


def _sum(place: tuple[str, str] | None, changes: Sequence[Change]) -> Sum:
    today = [one.today for one in changes if one.today is not None]
    changed = [one.changed for one in changes if one.changed is not None]
    return Sum(
        kind=place[0] if place else None,
        home=place[1] or None if place else None,
        today=len(today),
        changed=len(changed),
        whats=Counter(one.what for one in changes),
        sms_today=sum(one.sms for one in today),
        sms_changed=sum(one.sms for one in changed),
    )


def _floods_of_kinds(sums: Iterable[Sum]) -> Iterator[Flood]:
    today: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for one in sums:
        today[str(one.kind)] += one.sms_today
        changed[str(one.kind)] += one.sms_changed
    for kind, sms in sorted(changed.items()):
        if sms >= FLOOD_TIMES * today[kind] and sms - today[kind] >= FLOOD_LEAST:
            yield Flood(kind=kind, to=None, sms_today=today[kind], sms_changed=sms)


def _floods_of_people(today: Run, changed: Run) -> Iterator[Flood]:
    before, after = _busiest(today), _busiest(changed)
    for to, sms in sorted(after.items()):
        if sms >= FLOOD_HOURLY and sms >= 2 * before.get(to, 0):
            yield Flood(kind=None, to=to, sms_today=before.get(to, 0), sms_changed=sms)


def _busiest(run: Run) -> dict[str, int]:
    """Each person's most SMS in an hour."""
    most: dict[str, int] = {}
    for (to, _), sms in run.hourly.items():
        most[to] = max(most.get(to, 0), sms)
    return most


def _ns(at: str) -> int:
    return (datetime.fromisoformat(at) - _EPOCH) // timedelta(microseconds=1) * 1000

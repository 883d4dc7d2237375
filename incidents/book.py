"""The incidents of one community, in memory; a database answers the same questions."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Protocol

from devices.model import HomeId
from incidents.grouping import Thread
from incidents.model import Incident, IncidentId, Outcome, Story
from rules.kinds import Mode


class Circumstances(Protocol):
    """What telling somebody depends on, apart from the incident itself."""

    def quiets(self) -> tuple[Incident, ...]:
        """Silences that were asked for and go on: open incidents of that story."""

    def mode(self, home_id: HomeId, at_ns: int, /) -> Mode:
        """Mode of a home at a time."""


class Incidents(Circumstances, Protocol):
    """What `incidents.desk` asks; `Book` answers from memory, `store.ledger.DatabaseBook` from a database."""

    def open_in(self, thread: Thread, /) -> Incident | None:
        """The one open incident of a story and subject."""

    def last_closed(self, thread: Thread, /) -> Incident | None:
        """The incident of a story and subject that was closed last."""

    def open_about(self, subject: str, /) -> tuple[Incident, ...]:
        """Every open incident of a subject, in the order in which they were opened."""

    def due(self, now_ns: int, /) -> tuple[Incident, ...]:
        """Incidents with something due by now: the earliest due first, then the one opened first."""

    def all_open(self) -> tuple[Incident, ...]:
        """Every open incident, in the order in which they were opened."""

    def drills(self) -> tuple[Incident, ...]:
        """Drills that go on."""


class Book:
    """Incidents by id, what is open, and what is due. Holds what it is given and decides nothing.

    Parameters
    ----------
    mode
        Mode of a home at a time.
    """

    def __init__(self, mode: Callable[[HomeId, int], Mode] = lambda _home, _at_ns: Mode.DISARMED) -> None:
        self._mode = mode
        self._incidents: dict[IncidentId, Incident] = {}
        self._open: dict[Thread, IncidentId] = {}
        self._last_closed: dict[Thread, IncidentId] = {}
        self._about: dict[str, dict[IncidentId, None]] = {}
        self._opened: dict[IncidentId, int] = {}
        self._numbers = count()
        self._quiet_count = 0
        self._due: list[tuple[int, int, IncidentId]] = []

    def __getitem__(self, incident_id: IncidentId) -> Incident:
        return self._incidents[incident_id]

    def open_in(self, thread: Thread) -> Incident | None:
        """The one open incident of a story and subject."""
        found = self._open.get(thread)
        return self._incidents[found] if found else None

    def last_closed(self, thread: Thread) -> Incident | None:
        """The incident of a story and subject that was closed last."""
        found = self._last_closed.get(thread)
        return self._incidents[found] if found else None

    def open_about(self, subject: str) -> tuple[Incident, ...]:
        """Every open incident of a subject, in the order in which they were opened."""
        return tuple(self._incidents[one] for one in self._about.get(subject, ()))

    def all_open(self) -> tuple[Incident, ...]:
        """Every open incident, in the order in which they were opened."""
        return tuple(sorted((self._incidents[one] for one in self._open.values()), key=lambda incident: self._opened[incident.id]))

    def quiets(self) -> tuple[Incident, ...]:
        """Silences that were asked for and go on."""
        return tuple(incident for incident in self.all_open() if incident.story is Story.SILENCE) if self._quiet_count else ()

    def drills(self) -> tuple[Incident, ...]:
        """Drills that go on."""
        return tuple(incident for incident in self.all_open() if incident.story is Story.DRILL)

    def mode(self, home_id: HomeId, at_ns: int) -> Mode:
        """Mode of a home at a time."""
        return self._mode(home_id, at_ns)

    def next_due(self) -> int | None:
        """When `sweep` has something to do, in ns; None while it has not."""
        while self._due and not self._is_current(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def due(self, now_ns: int) -> tuple[Incident, ...]:
        """Incidents with something due by now: the earliest due first, then the one opened first."""
        entries = []
        while (due_ns := self.next_due()) is not None and due_ns <= now_ns:
            entries.append(heapq.heappop(self._due))
        for entry in entries:
            heapq.heappush(self._due, entry)
        return tuple(self._incidents[one] for one in dict.fromkeys(entry[2] for entry in entries))

    def put(self, outcome: Outcome) -> None:
        """Take over the incidents of an outcome, as they are now."""
        for incident in outcome.incidents:
            self._put(incident)

    def _put(self, incident: Incident) -> None:
        thread = Thread(incident.story, incident.subject, incident.rule)
        number = self._opened.setdefault(incident.id, next(self._numbers))
        self._incidents[incident.id] = incident
        about = self._about.setdefault(incident.subject, {})
        if incident.story is Story.SILENCE:
            self._quiet_count += incident.is_open - (incident.id in about)
        if incident.is_open:
            self._open[thread] = incident.id
            about[incident.id] = None
        elif incident.id in about:
            del about[incident.id]
            del self._open[thread]
            self._last_closed[thread] = incident.id
        if incident.dues:
            heapq.heappush(self._due, (incident.dues[0].at_ns, number, incident.id))

    def _is_current(self, entry: tuple[int, int, IncidentId]) -> bool:
        dues = self._incidents[entry[2]].dues
        return bool(dues) and dues[0].at_ns == entry[0]

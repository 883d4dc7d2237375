"""One community at one moment, in the words of one language: names, times and what a heading says."""

from dataclasses import dataclass
from datetime import UTC, datetime

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

from devices.model import NS_PER_S, Covers, DeviceKind, PersonId
from incidents.directory import Directory, NamedDevice, Person, Role, VisitorKind
from incidents.model import Incident
from incidents.visitors import VISITOR, VISITOR_KIND
from notifier.messages.languages import wording_in
from notifier.messages.names import Names, flat, names_of
from notifier.messages.wording import Wording
from rules.faults.wear import UNFIT, Why
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import SCHEDULE
from web.words import Particular, Words

RESPONDERS = (
    *(Role.GUARD, Role.DISPATCHER, Role.FIELD_RESPONDER, Role.HOSPITAL, Role.ADMINISTRATOR, Role.OFFICER),
    *(Role.OPERATOR, Role.NEIGHBOUR, Role.RELATIVE),
)
"""Roles of those who act, in the order in which they are offered; of several the first one names a person."""

_COVERED = frozenset({EventKind.INTRUSION, EventKind.LEFT_OPEN})
"""Kinds that say which door or window it is."""

_USED = {Covers.STOVE: Particular.STOVE, Covers.GAS: Particular.GAS}

STAFF = frozenset({Role.GUARD, Role.DISPATCHER, Role.FIELD_RESPONDER, Role.HOSPITAL, Role.ADMINISTRATOR, Role.OFFICER})
"""Who is shown what a decision was made of."""

_HOUR_S, _DAY_S = 3600, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What descriptions need.

    Attributes
    ----------
    now_ns : int
        When the page is made: a time of another local day is shown with its date.
    """

    words: Words
    directory: Directory
    now_ns: int

    @property
    def wording(self) -> Wording:
        """The words that messages are made of."""
        return wording_in(self.words.language)

    def clock(self, time_ns: int, *, seconds: bool = False) -> str:
        """A time as the community's clocks show it."""
        local, today = self._local(time_ns), self._local(self.now_ns)
        clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
        if local.date() == today.date():
            return clock
        return self.words.day.format(date=self.words.script.date(local), clock=clock)

    def wall(self, time_ns: int) -> str:
        """A time to the second, whatever its day."""
        return f"{self._local(time_ns):%H:%M:%S}"

    def ago(self, time_ns: int) -> str:
        """How long ago something was."""
        past_s = max(0, self.now_ns - time_ns) // NS_PER_S
        if past_s < 60:  # noqa: PLR2004  seconds of a minute
            return self.words.just_now
        if past_s < _HOUR_S:
            return self.words.minutes_ago.format(n=past_s // 60)
        if past_s < _DAY_S:
            return self.words.hours_ago.format(n=past_s // _HOUR_S)
        return self.words.days_ago.format(n=past_s // _DAY_S)

    def name(self, person_id: str | None) -> str:
        """Name of a person, or of a home's schedule; of one who is not in the community any more the id; "" of nobody."""
        if person_id == SCHEDULE:
            return self.words.by_schedule
        person = self.directory.people.get(PersonId(person_id or ""))
        return (flat(person.name) if person else "") or person_id or ""

    def role(self, person_id: PersonId) -> str:
        """What a person is to the community, in one word; "" where nothing is known."""
        person = self.directory.people.get(person_id)
        return self.words.roles[_role(person)] if person and person.roles else ""

    def relation(self, person_id: PersonId) -> str:
        """What a person is to whom: `relative of …`, else the role."""
        person = self.directory.people.get(person_id)
        if person is None or _role(person) is not Role.RELATIVE or not person.of:
            return self.role(person_id)
        return self.words.relative_of.format(names=self.words.names_gap.join(self.name(one) for one in person.of))

    def number(self, person_id: PersonId) -> str:
        """A person's phone number as people write it."""
        person = self.directory.people.get(person_id)
        try:
            return format_number(parse(person.phone_e164), PhoneNumberFormat.INTERNATIONAL) if person and person.phone_e164 else ""
        except NumberParseException:
            return ""

    def about(self, incident: Incident) -> Names:
        """Whom and where an incident is about."""
        return names_of(incident, self.directory, self.wording)

    def heading(self, event: Event) -> str:
        """What happened, in a few words."""
        title = self.words.kinds[event.kind]
        if VISITOR in event.evidence:
            return self.words.visits[VisitorKind(str(event.evidence[VISITOR_KIND]))].format(name=flat(str(event.evidence[VISITOR])))
        if (rule := self.directory.rule(event)) is not None:
            return flat(rule.called(self.words.language))
        if event.kind in UNFIT and (why := event.evidence.get("why")) in set(Why):
            return _as_heading(self.words.unfit[Why(str(why))])
        for name, words in (("still_s", self.words.still_for), ("down_s", self.words.down_for)):
            if event.kind is EventKind.LONG_LIE and name in event.evidence:
                return words.format(lasting=self.wording.lasting(int(event.evidence[name])))
        device = self.directory.devices.get(event.device_id) if event.device_id else None
        cover = self.wording.covers[device.covers] if device and device.covers else self.wording.covers_unknown
        particular = _particular(event, device)
        if particular is not None:
            return self.words.particulars[particular].format(cover=cover)
        if event.kind in _COVERED and device and device.covers:
            return self.words.covered.format(title=title, cover=cover)
        return title

    def _local(self, time_ns: int) -> datetime:
        return datetime.fromtimestamp(time_ns // NS_PER_S, tz=UTC).astimezone(self.directory.timezone)


def _particular(event: Event, device: NamedDevice | None) -> Particular | None:
    """What an event says beyond its kind."""
    if event.kind is EventKind.TAMPER and "wrong_codes" in event.evidence:
        return Particular.CODES
    if event.kind is not EventKind.LEFT_OPEN or device is None:
        return None
    if device.kind is DeviceKind.METER:
        return Particular.LEAK if event.evidence.get("leak") else Particular.WATER
    if device.covers in _USED:
        return _USED[device.covers]
    return Particular.BYPASSED if event.evidence.get("bypassed") else None


def _as_heading(words: str) -> str:
    return words[:1].upper() + words[1:]


def _role(person: Person) -> Role:
    return next((role for role in RESPONDERS if role in person.roles), Role.RESIDENT)

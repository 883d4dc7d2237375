"""One text for one duty: name, address, local time, what happened, what to do and how to answer, in at most two SMS segments.

No medical detail ever: of an event only its kind, its time and its device are used, never its score and what it measured.

Where room is short, what matters least goes first (`_GIVES_WAY`); then the address, the names and again the address are cut, the
address in its middle, because either end may name the door.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from devices.model import NS_PER_S, DeviceKind
from incidents.model import Channel, Directory, Duty, Ended, Incident, Language, News, Person, Purpose, Role
from notifier.messages.en import EN
from notifier.messages.names import Names, cut, names_of
from notifier.messages.segments import segments
from notifier.messages.wording import TOPIC, Advice, Form, Topic, Wording
from notifier.messages.zh import ZH
from rules.model import EventKind

WORDINGS: Mapping[Language, Wording] = {Language.ZH: ZH, Language.EN: EN}

MOST_SEGMENTS = 2
"""Of any text: a third is delivered later, and is not read."""

_Optional = Literal["taken", "long_address", "community", "more", "roster", "answer", "advice"]
_GIVES_WAY: Mapping[Purpose, tuple[_Optional, ...]] = {
    Purpose.TELL: ("long_address", "community", "more", "roster"),
    Purpose.UPDATE: ("taken", "long_address", "community", "more", "roster", "answer", "advice"),
    Purpose.ENDING: ("long_address", "community", "more"),
}
"""What is left out or shortened where room is short; each is worth more than all before it together."""

_CUTS: tuple[tuple[Literal["address", "name", "by"], int], ...] = (
    *(("address", units) for units in (90, 72, 58, 46, 37, 30)),
    *(("by", units) for units in (24, 12)),
    *(("name", units) for units in (60, 45, 32, 22, 16)),
    *(("address", units) for units in (22, 16, 12, 10)),
    ("by", 5),
    *(("name", units) for units in (12, 8, 5)),
)
"""What is cut to how many UTF-16 units where that was not enough, first to last."""

_ROLES = (Role.GUARD, Role.HOSPITAL, Role.RELATIVE, Role.NEIGHBOUR, Role.OFFICER, Role.ADMINISTRATOR)
"""Of several roles the one that an advice is for."""


def render(duty: Duty, channel: Channel, directory: Directory, now_ns: int) -> str:
    """What one person is told by one channel.

    Parameters
    ----------
    duty
        Whom to tell what, with the incident as it is.
    channel
        A voice call is worded to be spoken; every channel has its own way to answer.
    directory
        The incident's community.
    now_ns
        Hand-over, in ns: a time of another local day is written with its date.

    Returns
    -------
    str
        One line, at most `MOST_SEGMENTS` SMS segments, in the recipient's language. In English, Chinese stands only in what the community's
        file gives: names and addresses.
    """
    draft = _Draft(duty=duty, channel=channel, directory=directory, now_ns=now_ns)
    text = ""
    for names, omitted in draft.variants():
        text = draft.text(names, omitted)
        if segments(text) <= MOST_SEGMENTS:
            break
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    duty: Duty
    channel: Channel
    directory: Directory
    now_ns: int

    @property
    def _wording(self) -> Wording:
        return WORDINGS[self.directory.people[self.duty.to].language]

    @property
    def _form(self) -> Form:
        return Form.SPOKEN if self.channel is Channel.VOICE else Form.WRITTEN

    def variants(self) -> Iterator[tuple[Names, frozenset[_Optional]]]:
        """Names and what is left out, from everything to the shortest there is."""
        names = names_of(self.duty.incident, self.directory, self._wording)
        gives_way = _GIVES_WAY[self.duty.purpose]
        for number in range(2 ** len(gives_way)):
            yield names, frozenset(part for bit, part in enumerate(gives_way) if number >> bit & 1)
        names = replace(names, address=names.address_short or names.address)
        for field, units in _CUTS:
            names = replace(names, address_short="", **{field: cut(getattr(names, field), units, middle=field == "address")})
            yield names, frozenset(gives_way)

    def text(self, names: Names, omitted: frozenset[_Optional]) -> str:
        """The whole text, whatever its length."""
        wording = self._wording
        community = "" if "community" in omitted else names.community
        opening = wording.opening[self._form].format(community=community) if community else ""
        beside = community if not wording.opening[self._form] else ""
        address = names.address_short if names.address_short and "long_address" in omitted else names.address
        details = wording.details_gap.join(part for part in (address, beside) if part)
        who = wording.place[self._form].format(who=names.who, details=details) if names.who and details else names.who or details
        match self.duty.purpose:
            case Purpose.TELL:
                sentences = [self._happened(who), *self._what_to_do(omitted)]
            case Purpose.UPDATE:
                sentences = [self._happened(who), self._news(), self._taken(names, omitted), *self._what_to_do(omitted)]
            case Purpose.ENDING:
                sentences = [self._happened(who), self._ending(names), self._no_need(omitted)]
        return opening + self._mark() + wording.sentence_gap.join(sentence for sentence in sentences if sentence)

    def _mark(self) -> str:
        if self.duty.incident.late and (self.duty.purpose is Purpose.TELL or self.duty.news is News.EVENT):
            return self._wording.late
        match self.duty.purpose:
            case Purpose.TELL:
                return ""
            case Purpose.UPDATE:
                return self._wording.update
            case Purpose.ENDING:
                return self._wording.over

    def _happened(self, who: str) -> str:
        headline, wording = self.duty.incident.headline, self._wording
        device = self.directory.devices.get(headline.device_id) if headline.device_id else None
        cover = wording.covers[device.covers] if device and device.covers else wording.covers_unknown
        opened = device is not None and device.kind is DeviceKind.CONTACT
        breach = wording.breach_opened.format(cover=cover) if opened else wording.breach_moved
        bypassed = headline.kind is EventKind.LEFT_OPEN and headline.evidence.get("bypassed")
        happened = wording.bypassed if bypassed else wording.happened[headline.kind]
        return happened.format(who=who, breach=breach, cover=cover, **self._times(headline.t_ns))

    def _what_to_do(self, omitted: frozenset[_Optional]) -> list[str]:
        """Advice, the mark that the whole roster was told, and how to answer."""
        wording, duty = self._wording, self.duty
        advice = _advice(wording, duty.incident, self.directory.people[duty.to])
        return [
            "" if "advice" in omitted else advice.must,
            "" if "more" in omitted else advice.more,
            wording.whole_roster if duty.whole_roster and "roster" not in omitted else "",
            "" if "answer" in omitted else wording.answer[self.channel],
        ]

    def _news(self) -> str:
        duty = self.duty
        if duty.news is None:
            return ""
        news_ns = duty.incident.cancel_pressed_ns if duty.news is News.CANCEL_PRESSED else None
        return self._wording.news[duty.news].format(**self._times(self.now_ns if news_ns is None else news_ns))

    def _taken(self, names: Names, omitted: frozenset[_Optional]) -> str:
        """Who has it, while somebody has."""
        return self._wording.taken.format(by=names.by) if names.by and "taken" not in omitted else ""

    def _ending(self, names: Names) -> str:
        incident, wording = self.duty.incident, self._wording
        times = self._times(self.now_ns if incident.ended_ns is None else incident.ended_ns)
        if incident.ended is Ended.UNANSWERED:
            return wording.unanswered
        if incident.ended is Ended.BY_ITSELF or incident.state not in wording.ended:
            return wording.ended_itself[incident.story].format(**times)
        return wording.ended[incident.state].format(by=names.by, **times)

    def _no_need(self, omitted: frozenset[_Optional]) -> str:
        return self._wording.no_need if self.duty.incident.ended is Ended.BY_RESPONDER and "more" not in omitted else ""

    def _times(self, time_ns: int) -> dict[str, str]:
        """A time in the community's zone: `time`, and `at` as a sentence has it."""
        wording = self._wording
        local, today = (datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).astimezone(self.directory.timezone) for ns in (time_ns, self.now_ns))
        clock = f"{local:%H:%M}"
        if local.date() == today.date():
            return {"time": clock, "at": wording.at.format(clock=clock)}
        date = {"clock": clock, "day": local.day, "month": wording.months[local.month - 1]}
        return {"time": wording.dated.format(**date), "at": wording.dated_at.format(**date)}


def _advice(wording: Wording, incident: Incident, person: Person) -> Advice:
    """What this person should do. Once there was a silent call for help, nothing rings or knocks, whatever comes later."""
    silent = any(event.kind is EventKind.DURESS for event in incident.events)
    advice = wording.advice[Topic.SILENT if silent else TOPIC[incident.headline.kind]]
    lives_there = Role.RESIDENT in person.roles and person.home is not None and person.home == incident.home_id
    role = Role.RESIDENT if lives_there else next((role for role in _ROLES if role in person.roles), None)
    return advice.get(role) or advice[None]

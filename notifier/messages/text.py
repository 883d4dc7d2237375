"""One text for one duty: name, address, local time, what happened, what to do and how to answer, in at most two SMS segments.

No medical detail ever: of an event only its kind, its time and its device are used, and of who fell how long they have not moved; never
its score and what it measured.

Where room is short, what matters least goes first (`_GIVES_WAY`); then the address, the names and again the address are cut, the
address in its middle, because either end may name the door.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from devices.model import NS_PER_MS, NS_PER_S, Covers, DeviceId, DeviceKind, PersonId
from incidents.audience import is_under_duress
from incidents.care import OPEN, Missing
from incidents.directory import Channel, Directory, Language, NamedDevice, Person, Role
from incidents.grouping import aftermath
from incidents.model import Do, Due, Duty, Ended, Incident, IncidentState, News, Purpose, Signal, Story
from incidents.silence import AWAY
from notifier.messages.languages import wording_in
from notifier.messages.names import Names, cut, flat, names_of
from notifier.messages.segments import segments
from notifier.messages.wording import TOPIC, Advice, Form, Lack, Letter, Opening, Said, Topic, Wording
from rules.faults.wear import UNFIT, Why
from rules.kinds import EventKind

MOST_SEGMENTS = 2
"""Of any text: a third is delivered later, and is not read."""

_Optional = Literal[
    "own_time", "taken", "arrived", "long_address", "community", "link", "more", "roster", "after", "as_of", "answer", "advice"
]
_GIVES_WAY: Mapping[Purpose, tuple[_Optional, ...]] = {
    Purpose.TELL: ("long_address", "as_of", "community", "own_time", "more", "link", "roster", "after"),
    Purpose.UPDATE: ("taken", "long_address", "as_of", "community", "own_time", "more", "link", "roster", "after", "answer", "advice"),
    Purpose.ENDING: ("long_address", "community", "own_time", "arrived", "more"),
    Purpose.ASK: (),
    Purpose.SIGNAL: (),
    Purpose.WORD: ("long_address", "community", "own_time", "more"),
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

_NAME_UNITS, _COMMUNITY_UNITS = 24, 24
"""Of a name where several things are told at once."""

_ANSWERED: Mapping[Do, Said] = {Do.ACKNOWLEDGE: Said.GOING, Do.DECLINE: Said.DECLINED}
"""What is said to whom by one tap of a button."""

_OPENS = frozenset({Channel.EMAIL, Channel.APPRISE, Channel.WEBHOOK})
"""Channels by which a link is opened; an app has its own way."""

_REASON_UNITS = 24
"""Longest reason of a silence that a text repeats; the pages show all of it."""

_RULE_UNITS = 24
"""Longest name of a community's own rule that a text repeats."""

_OPENINGS = {Covers.STOVE: Opening.STOVE, Covers.GAS: Opening.GAS}
_TOPICS = {Opening.GAS: Topic.GAS, Opening.WATER: Topic.WATER, Opening.LEAK: Topic.WATER, Opening.STOVE: Topic.STOVE}

_ROLES = (
    *(Role.GUARD, Role.HOSPITAL, Role.RELATIVE, Role.NEIGHBOUR, Role.DISPATCHER, Role.FIELD_RESPONDER, Role.OFFICER, Role.ADMINISTRATOR),
    Role.OPERATOR,
)
"""Of several roles the one that an advice is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How a recipient can answer by the way a text goes.

    Attributes
    ----------
    number : int or None
        What to write back, on this telephone at this time; None: nothing can be written back.
    link : str or None
        What to open.
    keys : bool
        Keys can be pressed during a call.
    """

    number: int | None = 1
    link: str | None = None
    keys: bool = True


ANYHOW = Answering()


def render(duty: Duty, channel: Channel, directory: Directory, now_ns: int, answering: Answering = ANYHOW, *, late_s: int = 0) -> str:
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
    answering
        How it can be answered.
    late_s
        By how much it leaves too late, where it is to say so.

    Returns
    -------
    str
        One line, at most `MOST_SEGMENTS` SMS segments, in the recipient's language. In English, Chinese stands only in what the community's
        file gives: names and addresses.
    """
    return _Draft(duty=duty, channel=channel, directory=directory, now_ns=now_ns, answering=answering, late_s=late_s).fitted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An answer that one tap gives: its words, and what is said once it was taken."""

    do: Do
    words: str
    done: str


def buttons(duty: Duty, directory: Directory) -> tuple[Button, ...]:
    """With what a message can be answered at once: none where somebody has it, or where there is nothing to take on."""
    incident = duty.incident
    asks = duty.purpose in {Purpose.TELL, Purpose.UPDATE} and incident.state is IncidentState.OPEN and incident.story is not Story.SILENCE
    if not asks or duty.to == incident.subject:
        return ()
    wording = wording_in(directory.people[duty.to].language)
    who = names_of(incident, directory, wording).who
    return tuple(
        Button(do=do, words=words, done=wording.said[_ANSWERED[do]].format(who=who, by="", number="", choices=""))
        for do, words in wording.buttons.items()
    )


def render_bundle(duties: Sequence[Duty], channel: Channel, directory: Directory, now_ns: int) -> str:
    """What one person is told by one channel of several things that could wait: each in a sentence, and how many more there are.

    At most `MOST_SEGMENTS` SMS segments; the first ones stand in it.
    """
    drafts = [_Draft(duty=duty, channel=channel, directory=directory, now_ns=now_ns, answering=ANYHOW) for duty in duties]
    wording = wording_in(directory.people[duties[0].to].language)
    community = cut(flat(directory.name), _COMMUNITY_UNITS, middle=False)
    opening = _opening(wording, channel, community) + wording.bundle.format(n=len(duties))
    said, text = [draft.in_short() for draft in drafts], ""
    for count in range(len(said), 0, -1):
        more = [wording.bundle_more.format(n=len(said) - count)] if count < len(said) else []
        text = opening + wording.script.sentence_gap.join([*said[:count], *more, wording.bundle_see])
        if segments(text) <= MOST_SEGMENTS:
            break
    return text


def code_words(code: str, channel: Channel, language: Language, community: str, *, to_sign_in: bool = False) -> str:
    """What brings a code to whoever is to type it; spoken digit by digit."""
    wording, is_spoken = wording_in(language), channel is Channel.VOICE
    said = (wording.sign_in_code if to_sign_in else wording.code)[Form.SPOKEN if is_spoken else Form.WRITTEN].format(
        code=wording.script.digits(code) if is_spoken else code
    )
    return _opening(wording, channel, flat(community)) + said


def letter_words(letter: Letter, channel: Channel, language: Language, community: str, **names: str) -> str:
    """What somebody is told of their own place in a community, with the names that the letter has."""
    wording = wording_in(language)
    said = wording.letters[letter].format(**{name: cut(flat(one), _COMMUNITY_UNITS, middle=False) for name, one in names.items()})
    return _opening(wording, channel, flat(community)) + said


def test_words(channel: Channel, language: Language, community: str, *, by: str, who: str) -> str:
    """What somebody is told by a test of the chain that they are in."""
    wording = wording_in(language)
    form = Form.SPOKEN if channel is Channel.VOICE else Form.WRITTEN
    return _opening(wording, channel, flat(community)) + wording.test[form].format(by=flat(by), who=flat(who))


def _opening(wording: Wording, channel: Channel, community: str) -> str:
    """From whom a text is that names nobody's address."""
    begins = wording.opening if channel is Channel.VOICE else wording.script.signature or "{community}: "
    return begins.format(community=community)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    duty: Duty
    channel: Channel
    directory: Directory
    now_ns: int
    answering: Answering
    late_s: int = 0

    @property
    def _language(self) -> Language:
        return self.directory.people[self.duty.to].language

    @property
    def _wording(self) -> Wording:
        return wording_in(self._language)

    @property
    def _form(self) -> Form:
        return Form.SPOKEN if self.channel is Channel.VOICE else Form.WRITTEN

    def fitted(self) -> str:
        """The whole text if it fits, else without what it has no room for, else with less of its names; the shortest there is if none fits.

        What is left out never makes a text longer, so each part is tried once, from what is worth most.
        """
        names = self._names()
        gives_way = _GIVES_WAY[self.duty.purpose]
        text = self.text(names, frozenset())
        if segments(text) <= MOST_SEGMENTS:
            return text
        omitted = frozenset(gives_way)
        text = self.text(names, omitted)
        if segments(text) <= MOST_SEGMENTS:
            for part in reversed(gives_way):
                longer = self.text(names, omitted - {part})
                if segments(longer) <= MOST_SEGMENTS:
                    text, omitted = longer, omitted - {part}
            return text
        names = replace(names, address=names.address_short or names.address)
        for field, units in _CUTS:
            names = replace(names, address_short="", **{field: cut(getattr(names, field), units, middle=field == "address")})
            text = self.text(names, omitted)
            if segments(text) <= MOST_SEGMENTS:
                return text
        return replace(self, late_s=0).fitted() if self.late_s else text  # what happened when stands in it all the same

    def _names(self) -> Names:
        """Whom and where it is about; of a night's proof, the first of those for whom help would not come."""
        incident = self.duty.incident
        names, evidence, wording = self._named(), incident.headline.evidence, self._wording
        people = [self.directory.people.get(PersonId(one)) for one in str(evidence.get("first", "")).split(",")]
        named = [cut(flat(one.name), _NAME_UNITS, middle=False) for one in people if one is not None]
        if incident.headline.kind is not EventKind.REACHABILITY or not named:
            return names
        count, first = evidence.get("residents", 0), wording.names_gap.join(named)
        more = count - len(named) if isinstance(count, int) else 0
        return replace(names, name=wording.and_more.format(names=first, more=more) if more > 0 else first, community=names.name)

    def _named(self) -> Names:
        """Whom and where it is about; of a drill as in earnest, because what stands before it says what it is."""
        names = names_of(self.duty.incident, self.directory, self._wording)
        return replace(names, around="{name}") if self._is_drill else names

    @property
    def _is_drill(self) -> bool:
        return self.duty.incident.story is Story.DRILL

    def in_short(self) -> str:
        """What happened to whom, and whether it is over, without address and advice."""
        names = self._named()
        names = replace(names, name=cut(names.name or names.address_short or names.address, _NAME_UNITS, middle=False))
        return self._mark() + self._happened(names.who, frozenset({"own_time"}))

    def text(self, names: Names, omitted: frozenset[_Optional]) -> str:
        """The whole text, whatever its length."""
        wording = self._wording
        community = "" if "community" in omitted else names.community
        begins = wording.opening if self._form is Form.SPOKEN else wording.script.signature
        opening = begins.format(community=community) if community else ""
        beside = community if not begins else ""
        address = names.address_short if names.address_short and "long_address" in omitted else names.address
        details = wording.details_gap.join(part for part in (address, beside) if part)
        who = wording.place[self._form].format(who=names.who, details=details) if names.who and details else names.who or details
        match self.duty.purpose:
            case Purpose.ASK:
                return wording.ask.format(until=self._until(omitted))
            case Purpose.SIGNAL:
                return wording.script.sentence_gap.join(self._signal(names))
            case Purpose.WORD:
                sentences = [self._happened(who, omitted), *self._word(omitted)]
            case Purpose.TELL:
                sentences = [self._happened(who, omitted), self._after(omitted), *self._what_to_do(omitted)]
            case Purpose.UPDATE:
                news = [self._news(omitted), self._taken(names, omitted)]
                sentences = [self._happened(who, omitted), self._after(omitted), *news, *self._what_to_do(omitted)]
            case Purpose.ENDING:
                ending = [self._arrived(names, omitted), self._ending(names, omitted), self._no_need(omitted)]
                sentences = [self._happened(who, omitted), *ending]
        return opening + self._mark() + wording.script.sentence_gap.join(sentence for sentence in sentences if sentence)

    def _mark(self) -> str:
        """What stands before everything else; before that, of a drill, that it is one."""
        return (self._wording.drill[self._form] if self._is_drill else "") + self._own_mark()

    def _own_mark(self) -> str:
        """Of two delays the one that is ours is told: the event's own time is in its sentence."""
        if self.late_s and self.duty.purpose is not Purpose.ENDING:
            lasting = self._wording.lasting(self.late_s)
            return self._wording.sent_late[self._form].format(lasting=lasting)
        if self.duty.incident.late and (self.duty.purpose is Purpose.TELL or self.duty.news is News.EVENT):
            return self._wording.late
        match self.duty.purpose:
            case Purpose.TELL | Purpose.ASK | Purpose.WORD | Purpose.SIGNAL:
                return ""
            case Purpose.UPDATE:
                return "" if self.duty.news is None else self._wording.update
            case Purpose.ENDING:
                return self._wording.over

    def _signal(self, names: Names) -> list[str]:
        """What the wearer's own device says."""
        incident, wording = self.duty.incident, self._wording
        if incident.signal is not Signal.COMING:
            return [wording.signals[incident.signal or Signal.CALLED]]
        comes = wording.signals[Signal.COMING].format(by=names.by)
        arrives = "" if incident.eta_ns is None else wording.arrives.format(**self._times(incident.eta_ns, frozenset()))
        return [one for one in (comes, arrives) if one]

    def _word(self, omitted: frozenset[_Optional]) -> list[str]:
        """What a word to the family asks for: nothing, where all is well."""
        if self.duty.news is not None:
            return [self._news(omitted), self._opened()]
        if self.duty.incident.headline.kind is EventKind.DAILY and not self._lacks():
            return []
        return self._what_to_do(omitted)[:2]

    def _opened(self) -> str:
        """Where the app is opened, by what can open it."""
        link = self.answering.link if self.channel in {*_OPENS, Channel.SMS} else None
        return "" if link is None else self._wording.look.format(link=link)

    def _lacks(self) -> list[str]:
        """Why nobody can say that all is well today; empty where somebody can."""
        evidence, wording = self.duty.incident.headline.evidence, self._wording
        lost = [self.directory.devices.get(DeviceId(one)) for one in str(evidence.get("silent", "")).split(",") if one]
        nouns = dict.fromkeys(wording.contacts[one.covers] if one.covers else wording.devices[one.kind] for one in lost if one is not None)
        said = (
            "" if "sign_t_ms" in evidence else wording.lacks[Lack.QUIET],
            wording.lacks[Lack.LOST].format(things=wording.names_gap.join(nouns)) if nouns else "",
            wording.lacks[Lack.OPEN] if evidence.get(OPEN) else "",
        )
        return [one for one in said if one]

    def _missing(self) -> str:
        """What a night's proof found missing; "" of anything else."""
        said = str(self.duty.incident.headline.evidence.get("lacks", "")).split(",")
        return self._wording.details_gap.join(self._wording.missing[lack] for lack in Missing if lack in said)

    def _happened(self, who: str, omitted: frozenset[_Optional]) -> str:
        headline, wording = self.duty.incident.headline, self._wording
        device = self._device
        cover = wording.covers[device.covers] if device and device.covers else wording.covers_unknown
        opened = device is not None and device.kind is DeviceKind.CONTACT
        breach = wording.breach_opened.format(cover=cover) if opened else wording.breach_moved
        sentence = wording.openings[self._opening] if self._opening else wording.happened[headline.kind]
        if "wrong_codes" in headline.evidence:
            sentence = wording.wrong_codes
        elif headline.kind in UNFIT and (why := headline.evidence.get("why")) in set(Why):
            sentence = wording.unfit[Why(str(why))]
        t_ns = headline.t_ns
        if headline.kind is EventKind.DAILY:
            if lacks := self._lacks():
                return wording.not_well.format(who=who, why=wording.details_gap.join(lacks))
            t_ns = int(headline.evidence["sign_t_ms"]) * NS_PER_MS
        rule = self.directory.rule(headline)
        if rule is not None:
            sentence = wording.own_rule
        open_s = headline.evidence.get("open_s", 0)
        said = sentence.format(
            who=who,
            why=self._missing(),
            breach=breach,
            cover=cover,
            minutes=round(open_s / 60) if isinstance(open_s, int | float) else 0,
            until=self._until(omitted),
            rule="" if rule is None else cut(flat(rule.called(self._language)), _RULE_UNITS, middle=False),
            reason=cut(flat(str(headline.evidence.get("reason", ""))), _REASON_UNITS, middle=False),
            **self._times(t_ns, omitted),
        )
        if headline.kind is not EventKind.SILENCE:
            return said
        return said + (
            wording.silenced_life if headline.evidence.get("life") else wording.silenced_away if headline.evidence.get(AWAY) else ""
        )

    def _after(self, omitted: frozenset[_Optional]) -> str:
        """How it went on with who fell, in its newest word: lies still, is not up, or walks again."""
        newest, wording = aftermath(self.duty.incident.events), self._wording
        if newest is None or "after" in omitted or self.duty.news is News.RECOVERED:
            return ""
        times = self._times(newest.t_ns, omitted)
        if newest.kind is EventKind.RECOVERED:
            return wording.up.format(**times)
        said = {"still_s": wording.still, "down_s": wording.down}
        lasts = ((said[name], newest.evidence[name]) for name in said if name in newest.evidence)
        as_of = "" if "as_of" in omitted else wording.as_of.format(**times)
        return next((words.format(lasting=wording.lasting(int(seconds)), as_of=as_of) for words, seconds in lasts), "")

    @property
    def _opening(self) -> Opening | None:
        """What it is that stands open, where that is what happened."""
        headline, device = self.duty.incident.headline, self._device
        if headline.kind is not EventKind.LEFT_OPEN:
            return None
        if device is not None and device.kind is DeviceKind.METER:
            return Opening.LEAK if headline.evidence.get("leak") else Opening.WATER
        if device is not None and device.covers in _OPENINGS:
            return _OPENINGS[device.covers]
        if headline.evidence.get("bypassed"):
            return Opening.BYPASSED
        return Opening.LONG if headline.evidence.get("open_s") and not headline.evidence.get("found_open") else Opening.FOUND

    @property
    def _device(self) -> NamedDevice | None:
        headline = self.duty.incident.headline
        return self.directory.devices.get(headline.device_id) if headline.device_id else None

    @property
    def _topic(self) -> Topic:
        """What the advice is about. Once there was a silent call for help, nothing rings or knocks, whatever comes later."""
        incident = self.duty.incident
        if is_under_duress(incident):
            return Topic.SILENT
        if self._opening in _TOPICS:
            return _TOPICS[self._opening]
        return TOPIC[incident.headline.kind]

    def _until(self, omitted: frozenset[_Optional]) -> str:
        """When a silence ends, or the wearer's time to cancel."""
        incident = self.duty.incident
        window = next((row.at_ns for row in incident.dues if row.due is Due.CANCEL_WINDOW), None)
        until_ns = window if self.duty.purpose is Purpose.ASK else incident.headline.evidence.get("until_ns")
        return self._times(until_ns, omitted)["time"] if isinstance(until_ns, int) else ""

    def _what_to_do(self, omitted: frozenset[_Optional]) -> list[str]:
        """Advice, the mark that the whole roster was told, and how to answer."""
        wording, duty = self._wording, self.duty
        advice = _advice(wording, self._topic, duty.incident, self.directory.people[duty.to])
        return [
            "" if "advice" in omitted else advice.must,
            "" if "more" in omitted else advice.more,
            wording.whole_roster if duty.whole_roster and "roster" not in omitted else "",
            "" if "answer" in omitted or self._topic is Topic.SILENCE else self._answer(omitted),
        ]

    def _answer(self, omitted: frozenset[_Optional]) -> str:
        """How to answer, in each way that is possible here and that there is room for."""
        wording, answering = self._wording, self.answering
        if self.channel is Channel.VOICE and not answering.keys:
            return wording.answer[Channel.EMAIL]
        if self.channel is not Channel.SMS:
            is_open = answering.link is not None and self.channel in _OPENS and self.duty.incident.is_open
            return wording.follow.format(link=answering.link) if is_open else wording.answer[self.channel]
        if answering.number is None:
            return wording.answer_elsewhere if answering.link is None else wording.follow.format(link=answering.link)
        if answering.link is None or "link" in omitted:
            return wording.reply.format(number=answering.number)
        return wording.reply_or_follow.format(number=answering.number, link=answering.link)

    def _news(self, omitted: frozenset[_Optional]) -> str:
        duty = self.duty
        if duty.news is None:
            return ""
        news_ns = duty.incident.cancel_pressed_ns if duty.news is News.CANCEL_PRESSED else None
        if duty.news is News.RECOVERED and (up := aftermath(duty.incident.events)) is not None:
            news_ns = up.t_ns
        return self._wording.news[duty.news].format(**self._times(self.now_ns if news_ns is None else news_ns, omitted))

    def _taken(self, names: Names, omitted: frozenset[_Optional]) -> str:
        """Who has it, while somebody has."""
        return self._wording.taken.format(by=names.by) if names.by and "taken" not in omitted else ""

    def _arrived(self, names: Names, omitted: frozenset[_Optional]) -> str:
        """Who was there, and since when."""
        arrived_ns = self.duty.incident.arrived_ns
        if arrived_ns is None or not names.arrived or "arrived" in omitted:
            return ""
        return self._wording.arrived.format(by=names.arrived, **self._times(arrived_ns, omitted))

    def _ending(self, names: Names, omitted: frozenset[_Optional]) -> str:
        incident, wording = self.duty.incident, self._wording
        times = self._times(self.now_ns if incident.ended_ns is None else incident.ended_ns, omitted)
        if incident.ended is Ended.CALLED_OFF:
            return wording.drill_called_off
        if incident.ended is Ended.UNANSWERED:
            return wording.drill_unanswered if self._is_drill else wording.unanswered
        if incident.ended is Ended.ABSORBED:
            return wording.absorbed
        if incident.ended is Ended.BY_ITSELF or incident.story is Story.SILENCE or incident.state not in wording.ended:
            ended = wording.shut[self._opening] if self._opening else wording.ended_itself[incident.story]
            return ended.format(**times)
        return wording.ended[incident.state].format(by=names.by, **times)

    def _no_need(self, omitted: frozenset[_Optional]) -> str:
        incident = self.duty.incident
        if self._is_drill:
            return self._wording.drill_over if "more" not in omitted and incident.ended is not Ended.CALLED_OFF else ""
        needless = incident.ended is Ended.BY_RESPONDER and incident.story is not Story.SILENCE
        return self._wording.no_need if needless and "more" not in omitted else ""

    def _times(self, time_ns: int, omitted: frozenset[_Optional]) -> dict[str, str]:
        """A time in the community's zone, and in the recipient's own where that differs: `time`, and `at` as a sentence has it."""
        wording = self._wording
        said = self._in_zone(time_ns, self.directory.timezone)
        own = self.directory.people[self.duty.to].timezone
        moment = datetime.fromtimestamp(time_ns // NS_PER_S, tz=UTC)
        here = moment.astimezone(self.directory.timezone).utcoffset()
        if own is None or "own_time" in omitted or moment.astimezone(own).utcoffset() == here:
            return said
        there = self._in_zone(time_ns, own)["time"]
        return {name: wording.elsewhere.format(time=words, own=there) for name, words in said.items()}

    def _in_zone(self, time_ns: int, zone: ZoneInfo) -> dict[str, str]:
        wording = self._wording
        local, today = (datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).astimezone(zone) for ns in (time_ns, self.now_ns))
        clock = f"{local:%H:%M}"
        if local.date() == today.date():
            return {"time": clock, "at": wording.at.format(clock=clock)}
        date = {"clock": clock, "date": wording.script.date(local)}
        return {"time": wording.dated.format(**date), "at": wording.dated_at.format(**date)}


def _advice(wording: Wording, topic: Topic, incident: Incident, person: Person) -> Advice:
    """What this person should do."""
    advice = wording.advice[topic]
    lives_there = Role.RESIDENT in person.roles and person.home is not None and person.home == incident.home_id
    role = Role.RESIDENT if lives_there else next((role for role in _ROLES if role in person.roles), None)
    return advice.get(role) or advice[None]

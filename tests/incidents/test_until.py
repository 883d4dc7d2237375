"""Whoever is a relative or neighbour until a day is told until the end of it, by the community's clocks, and of nothing after."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents.audience import recipients, related
from incidents.book import Book
from incidents.desk import act, silence
from incidents.directory import Channel, Directory, Home, Language, Person, Role
from incidents.lifecycle import opened
from incidents.model import Act, Do, IncidentState, Outcome, Quiet, Refused, Tell
from rules.kinds import EventKind
from rules.model import Event

URUMQI, LAST_DAY = ZoneInfo("Asia/Urumqi"), date(2026, 3, 1)
XIUYING, LEI, MEI = PersonId("wang-xiuying"), PersonId("wang-lei"), PersonId("sun-mei")


def community(**until: date | None) -> Directory:
    of = {"of": (XIUYING,), "channels": (Channel.SMS,), "phone_e164": "+8613800000001"}
    people = (
        Person(id=XIUYING, name="王秀英", roles=frozenset({Role.RESIDENT}), home=HomeId("b3-201")),
        Person(id=LEI, name="王磊", roles=frozenset({Role.RELATIVE}), until=until.get("lei"), **of),
        Person(id=MEI, name="孙梅", roles=frozenset({Role.NEIGHBOUR}), until=until.get("mei"), **of),
    )
    return Directory(
        community_id=CommunityId("lakeside"),
        name="湖畔家园",
        timezone=URUMQI,
        language=Language.ZH,
        people={one.id: one for one in people},
        homes={HomeId("b3-201"): Home(id=HomeId("b3-201"), occupants=(XIUYING,))},
    )


def told(directory: Directory, now: datetime) -> set[PersonId]:
    """Who is told of a call for help, where relatives and neighbours are."""
    now_ns = round(now.timestamp()) * NS_PER_S
    times = {"t_ns": now_ns, "known_ns": now_ns, "seq": 1}
    event = Event(community_id=directory.community_id, kind=EventKind.SOS, subject=XIUYING, home_id=HomeId("b3-201"), **times)
    tells: list[Tell] = [("relatives", Channel.SMS), ("neighbours", Channel.SMS)]
    incident = opened(event, IncidentState.OPEN, None, directory, now_ns)
    return {one.person for one in recipients(tells, incident, directory, now_ns)}


@pytest.mark.parametrize(
    ("now", "people"),
    [
        (datetime(2026, 2, 28, 12, tzinfo=URUMQI), [LEI, MEI]),
        (datetime(2026, 3, 1, 0, tzinfo=URUMQI), [LEI, MEI]),
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=URUMQI), [LEI, MEI]),
        (datetime(2026, 3, 2, 0, tzinfo=URUMQI), []),
        (datetime(2026, 3, 2, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai")), [LEI, MEI]),  # still the first in Ürümqi
        (datetime(2027, 1, 1, tzinfo=URUMQI), []),
    ],
    ids=str,
)
def test_the_last_day_is_one_of_the_communitys_and_counts_to_its_end(now: datetime, people: list[PersonId]) -> None:
    assert told(community(lei=LAST_DAY, mei=LAST_DAY), now) == set(people)


def test_it_ends_for_the_one_and_not_for_the_other() -> None:
    later = datetime(2026, 3, 2, tzinfo=URUMQI)
    assert told(community(lei=LAST_DAY), later) == {MEI}
    assert told(community(mei=LAST_DAY), later) == {LEI}
    assert told(community(), later) == {LEI, MEI}


def test_nobody_is_family_for_a_silence_either_once_it_is_over() -> None:
    later_ns = round(datetime(2026, 3, 2, tzinfo=URUMQI).timestamp()) * NS_PER_S
    assert related(Role.RELATIVE, [XIUYING], community(lei=LAST_DAY), later_ns) == []
    assert related(Role.RELATIVE, [XIUYING], community(), later_ns) == [LEI]


def test_nobody_has_a_right_from_it_once_it_is_over() -> None:
    day_ns = 24 * 3600 * NS_PER_S
    last_ns = round(datetime(2026, 3, 1, 12, tzinfo=URUMQI).timestamp()) * NS_PER_S
    directory = community(lei=LAST_DAY)
    for now_ns, may in ((last_ns, True), (last_ns + day_ns, False)):
        lei = directory.person_at(LEI, now_ns)
        assert lei is not None
        assert (lei.roles, lei.of) == ((frozenset({Role.RELATIVE}), (XIUYING,)) if may else (frozenset(), ()))
        event = Event(
            community_id=directory.community_id,
            kind=EventKind.SOS,
            subject=XIUYING,
            home_id=HomeId("b3-201"),
            t_ns=now_ns,
            known_ns=now_ns,
            seq=1,
        )
        book = Book()
        book.put(Outcome(incidents=(opened(event, IncidentState.OPEN, None, directory, now_ns),)))
        quiet = Quiet(by=LEI, subject=XIUYING, reason="away", until_ns=now_ns + 3600 * NS_PER_S)
        assert isinstance(act(Act(by=LEI, do=Do.ACKNOWLEDGE, subject=XIUYING), book, directory, now_ns), Refused) is not may
        assert isinstance(silence(quiet, book, directory, now_ns), Refused) is not may

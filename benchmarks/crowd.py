"""Communities in which many people are told at one time, for the measurement and the storm."""

import json
import time
from collections.abc import Iterable

from devices.model import NS_PER_S, CommunityId
from incidents import desk
from rules.kinds import EventKind
from rules.model import Event
from store import configuration, ledger
from store.estates import Estates
from store.ledger import DatabaseBook
from store.session import Database

PER_RESIDENT = 10
"""Relatives of each resident: one incident tells so many."""


def phone(number: int) -> str:
    """A mobile number of the mainland, of the number-th relative of all; below 100,000,000."""
    return f"+86138{number:08}"


def name(community: int) -> CommunityId:
    """Of the community with this number."""
    return CommunityId(f"crowd-{community}")


def move_in(database: Database, communities: int, residents: int) -> None:
    """Write so many communities, each of so many residents with their relatives."""
    with database.write() as session:
        for community in range(communities):
            begin_ns = time.time_ns() - 3600 * NS_PER_S
            configuration.append_community(session, name(community), begin_ns, _said(community, residents))


def happens(database: Database, kind: EventKind, community: int, residents: Iterable[int]) -> None:
    """Something happens to these residents now, all in one transaction."""
    now_ns, id_ = time.time_ns(), name(community)
    with database.write() as session:
        directory = Estates().community(session, id_).directory
        book = DatabaseBook(session, id_, now_ns)
        for resident in residents:
            fact = Event(community_id=id_, kind=kind, subject=f"old-{resident}", t_ns=now_ns, known_ns=now_ns, seq=1)
            ledger.add_event(session, fact)
            book.put(desk.take(fact, book, directory, now_ns))


def _said(community: int, residents: int) -> str:
    numbers = range(residents)
    first = community * residents * PER_RESIDENT
    return json.dumps(
        {
            "community": {"id": name(community), "name": "榆园", "timezone": "Asia/Shanghai", "language": "zh"},
            "homes": [{"id": f"h-{n}"} for n in numbers],
            "people": [
                *({"id": f"old-{n}", "name": f"老人{n}", "roles": ["resident"], "home": f"h-{n}"} for n in numbers),
                *(
                    {
                        "id": f"kin-{n}-{i}",
                        "name": f"家人{n}",
                        "roles": ["relative"],
                        "of": [f"old-{n}"],
                        "phone": phone(first + n * PER_RESIDENT + i),
                    }
                    for n in numbers
                    for i in range(PER_RESIDENT)
                ),
            ],
            "policies": [{"id": "all", "kinds": ["sos", "exit"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]}],
        }
    )

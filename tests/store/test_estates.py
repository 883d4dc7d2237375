"""A community as it is, and as it was."""

import json

from stories import estate

from devices.model import CommunityId
from store import configuration
from store.estates import Estates
from store.session import Database

WILLOW = CommunityId("willow")


def write(database: Database, effective_ns: int, name: str) -> None:
    said = estate()
    said["community"]["name"] = name
    with database.write() as session:
        configuration.append_community(session, WILLOW, effective_ns, json.dumps(said))


def test_a_community_is_as_it_was_at_each_time(database: Database) -> None:
    for effective_ns, name in ((100, "first"), (300, "third"), (200, "second")):  # the last one written is not the newest
        write(database, effective_ns, name)
    estates = Estates()
    with database.read() as session:
        assert estates.community(session, WILLOW).directory.name == "third"
        for at_ns, name in ((300, "third"), (100, "first"), (299, "second"), (199, "first"), (10**18, "third")):
            then = estates.community_at(session, WILLOW, at_ns)
            assert then is not None
            assert then.directory.name == name
        assert estates.community_at(session, WILLOW, 99) is None


def test_a_version_is_parsed_once(database: Database) -> None:
    write(database, 100, "first")
    write(database, 200, "second")
    estates = Estates()
    with database.read() as session:
        now = estates.community(session, WILLOW)
        assert estates.community_at(session, WILLOW, 250) is now
        before = estates.community_at(session, WILLOW, 150)
        assert estates.community_at(session, WILLOW, 199) is before


def test_a_file_that_is_no_longer_understood_is_as_if_it_had_not_been(database: Database) -> None:
    with database.write() as session:
        configuration.append_community(session, WILLOW, 100, '{"community": {"id": "willow", "zone": 8}}')
    write(database, 200, "second")
    with database.read() as session:
        assert Estates().community_at(session, WILLOW, 150) is None

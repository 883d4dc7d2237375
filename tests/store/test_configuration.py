from devices.model import CommunityId, HomeId, PersonId
from rules.kinds import Mode
from rules.premises import Modes
from store import configuration
from store.session import Database

WILLOW, LAKE = CommunityId("willow"), CommunityId("lake")
HOME, OTHER = HomeId("b1-101"), HomeId("b1-102")
BY = PersonId("zhou-jie")


def test_what_holds_at_a_time_is_what_was_written_for_it(database: Database) -> None:
    for effective_ns, document in ((100, "first"), (200, "second"), (200, "corrected")):
        with database.write() as session:
            configuration.append_community(session, WILLOW, effective_ns, document)
    with database.read() as session:
        held = {at_ns: configuration.community_at(session, WILLOW, at_ns) for at_ns in (99, 100, 199, 200, 1_000)}
        assert held == {99: None, 100: "first", 199: "first", 200: "corrected", 1_000: "corrected"}
        assert configuration.community_at(session, WILLOW) == "corrected"


def test_communities_do_not_mix(database: Database) -> None:
    with database.write() as session:
        configuration.append_community(session, WILLOW, 100, "柳岸新村")
        configuration.append_community(session, LAKE, 300, "湖畔家园")
        configuration.change_mode(session, LAKE, HOME, Mode.AWAY, at_ns=1, by=BY)
    with database.read() as session:
        modes = Modes()
        configuration.load_modes(session, WILLOW, modes)
        assert modes.log == []
        assert configuration.community_at(session, WILLOW) == "柳岸新村"
        assert configuration.communities(session) == (LAKE, WILLOW)


def test_a_new_file_has_a_new_number(database: Database) -> None:
    numbers = [0]
    for _ in range(3):
        with database.write() as session:
            configuration.append_community(session, WILLOW, 0, "{}")
            configuration.change_mode(session, WILLOW, HOME, Mode.AWAY, at_ns=1, by=BY)
            numbers.append(configuration.community_number(session, WILLOW))
    assert numbers == sorted(set(numbers))


def test_modes_are_loaded_once_each(database: Database) -> None:
    modes, after = Modes(), 0
    for mode, home, at_ns in ((Mode.AWAY, HOME, 10), (Mode.NIGHT, OTHER, 15), (Mode.DISARMED, HOME, 20)):
        with database.write() as session:
            assert configuration.change_mode(session, WILLOW, home, mode, at_ns=at_ns, by=BY) == at_ns
        with database.read() as session:
            after = configuration.load_modes(session, WILLOW, modes, after)
            assert configuration.load_modes(session, WILLOW, modes, after) == after
    assert modes.changes(WILLOW, HOME) == [(10, Mode.AWAY), (20, Mode.DISARMED)]
    assert modes.at(WILLOW, OTHER, 15) is Mode.NIGHT


def test_a_clock_that_was_set_back_changes_no_mode_of_before(database: Database) -> None:
    with database.write() as session:
        configuration.change_mode(session, WILLOW, HOME, Mode.AWAY, at_ns=100, by=BY)
        assert configuration.change_mode(session, WILLOW, HOME, Mode.NIGHT, at_ns=50, by=BY) == 100
        assert configuration.change_mode(session, WILLOW, OTHER, Mode.NIGHT, at_ns=50, by=BY) == 50

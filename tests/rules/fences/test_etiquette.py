"""What a resident's line may watch. Two rows of flats with a corridor of two metres between them:

d e f      y  8 to 14
─────      corridor, y 6 to 8
a b c      y  0 to 6, each 10 m wide
"""

import pytest

from devices.model import CommunityId, HomeId
from geofence.datum import Wgs84Rings
from geofence.frames import Frame
from rules.fences.etiquette import Beyond, Neighbourhood, Verdict
from rules.premises import Fence, FenceId, FenceKind, HomePlace

FRAME = Frame.at(119.95, 31.78)
OWN = Verdict()


def footprint(west: float, south: float, east: float, north: float) -> Wgs84Rings:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return ((FRAME.wgs84(corners).ring(),),)


def home(id_: str, *box: float, building: str = "3", floor: int | None = 2) -> HomePlace:
    return HomePlace(id=HomeId(id_), building=building, floor=floor, footprint=footprint(*box) if box else ())


FLATS = (
    *(home(id_, 10 * place, 0, 10 * place + 10, 6) for place, id_ in enumerate("abc")),
    *(home(id_, 10 * place, 8, 10 * place + 10, 14) for place, id_ in enumerate("def")),
)


def line(*places: tuple[float, float], of: str = "a", approach_m: float = 2.0) -> Fence:
    return Fence(
        community_id=CommunityId("elm"),
        id=FenceId("line"),
        kind=FenceKind.LINE,
        home=HomeId(of),
        approach_m=approach_m,
        path=FRAME.wgs84(places).ring(),
    )


def beyond(*kinds: Beyond, touches: str = "") -> Verdict:
    return Verdict(beyond=frozenset(kinds), touches=tuple(HomeId(one) for one in touches))


@pytest.mark.parametrize(
    ("fence", "verdict"),
    [
        pytest.param(line((2, -2), (8, -2)), OWN, id="two metres before one's own window"),
        pytest.param(line((0, -2), (10, -2)), OWN, id="along the whole of one's own wall"),
        pytest.param(line((1, 1), (9, 1)), OWN, id="within one's own rooms"),
        pytest.param(line((-2, 0), (-2, 5)), OWN, id="before the end wall"),
        pytest.param(line((2, -2.5), (8, -2.5)), beyond(Beyond.PUBLIC), id="half a metre too far out"),
        pytest.param(line((2, -2), (8, -2), approach_m=3), beyond(Beyond.PUBLIC), id="an approach distance too long"),
        pytest.param(line((2, -30), (8, -30)), beyond(Beyond.PUBLIC), id="the street"),
        pytest.param(line((2, -2), (12, -2)), beyond(Beyond.NEIGHBOUR, touches="b"), id="before the neighbour's window too"),
        pytest.param(line((12, -2), (18, -2)), beyond(Beyond.NEIGHBOUR, touches="b"), id="before the neighbour's window alone"),
        pytest.param(line((12, 2), (18, 2)), beyond(Beyond.NEIGHBOUR, touches="b"), id="within the neighbour's rooms"),
        pytest.param(line((2, 6.3), (8, 6.3), approach_m=0.5), beyond(Beyond.CORRIDOR), id="one's own half of the corridor"),
        pytest.param(
            line((2, 7), (8, 7), approach_m=0.5), beyond(Beyond.CORRIDOR, Beyond.NEIGHBOUR, touches="d"), id="the door across the corridor"
        ),
        pytest.param(
            line((2, 7), (12, 7), approach_m=0.5), beyond(Beyond.CORRIDOR, Beyond.NEIGHBOUR, touches="bde"), id="along the corridor"
        ),
        pytest.param(line((2, -2), (8, -2), of="z"), beyond(Beyond.UNKNOWN), id="a home that nobody has drawn"),
    ],
)
def test_a_line_may_watch_its_own_home_and_the_air_around_it(fence: Fence, verdict: Verdict) -> None:
    assert Neighbourhood((*FLATS, home("z"))).etiquette(fence) == verdict
    assert verdict.is_own is (verdict == OWN)


@pytest.mark.parametrize(
    ("floor", "verdict"), [(3, OWN), (2, beyond(Beyond.NEIGHBOUR, touches="b")), (None, beyond(Beyond.NEIGHBOUR, touches="b"))]
)
def test_only_homes_of_the_same_floor_are_touched(floor: int | None, verdict: Verdict) -> None:
    homes = [home("a", 0, 0, 10, 6), home("b", 11, 0, 20, 6, floor=floor)]
    assert Neighbourhood(homes).etiquette(line((6, -1), (11.5, -1), approach_m=1)) == verdict


def test_two_houses_with_a_lane_between_them_have_no_corridor() -> None:
    homes = [home("a", 0, 0, 10, 6, building="1"), home("b", 0, 9, 10, 15, building="2")]
    assert Neighbourhood(homes).etiquette(line((2, 6.5), (8, 6.5), approach_m=0.5)) == OWN


def test_a_recess_of_ones_own_home_is_no_corridor() -> None:
    u_shaped = HomePlace(
        id=HomeId("a"),
        building="3",
        floor=2,
        footprint=((FRAME.wgs84([(0, 0), (10, 0), (10, 6), (7, 6), (7, 3), (4, 3), (4, 6), (0, 6), (0, 0)]).ring(),),),
    )
    assert Neighbourhood([u_shaped, home("b", 10, 0, 20, 6)]).etiquette(line((4.5, 4), (6.5, 4), approach_m=0.5)) == OWN


def test_flats_that_share_a_wall_have_nothing_between_them() -> None:
    assert Neighbourhood(FLATS[:2]).etiquette(line((9.9, -2), (9.9, 5), approach_m=0.05)) == OWN


def test_without_any_footprint_everything_needs_an_administrator() -> None:
    assert Neighbourhood([home("a")]).etiquette(line((2, -2), (8, -2))) == beyond(Beyond.UNKNOWN)

"""Homes: what stands open before they are armed, codes, and who changed what."""

import re
from collections.abc import Callable

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, example
from fakes.reading import Asking, act, answer, text

from devices.model import DeviceId, HomeId
from incidents.directory import Language
from incidents.model import Do
from rules.home import codes
from rules.kinds import EventKind, Mode
from rules.model import Standing
from store import standings, views
from web.languages import words_in
from web.words import Notice

EN, ZH = words_in(Language.EN), words_in(Language.ZH)
HOME = HomeId("b3-201")


@pytest.fixture
def stands(estate: Estate) -> Callable[..., None]:
    """The worker hears a contact of home 201."""

    def hear(device: str, *, is_open: bool = True) -> None:
        heard = {"is_open": is_open, "t_ns": estate.now_ns, "known_ns": estate.now_ns, "seq": 1}
        with estate.database.write() as session:
            standings.write(session, Standing(community_id=LAKESIDE, device_id=DeviceId(device), home_id=HOME, **heard))

    return hear


def arm(client: Asking, mode: Mode, by: str = "wang-lei", **more: str) -> httpx.Response:
    client.be(by)
    return client.post("/modes", data={"community": LAKESIDE, "mode": f"{mode}/{HOME}", **more})


def buttons(page: httpx.Response) -> dict[str, str]:
    """What the buttons of home 201 say, by mode."""
    found = re.findall(rf'<button form="modes" name="mode" value="(\w+)/{HOME}"[^>]*>(.*?)</button>', page.text)
    return {mode: re.sub(r"<[^>]*>", "", said) for mode, said in found}


def test_an_open_window_is_named_and_each_button_says_that_it_is_left_out(client: Asking, stands: Callable[..., None]) -> None:
    assert "Open:" not in text(client.get("/homes"))
    stands("c-02")
    page = client.get("/homes")
    assert "Open: window (c-02)" in text(page)
    without = "Arm without the window"
    assert buttons(page) == {
        "disarmed": "Disarmed",
        "home": f"Home {without}",
        "away": f"Away {without}",
        "night": f"Night {without}",
        "holiday": f"Holiday {without}",
    }
    chinese = client.get("/homes?lang=zh")
    assert "开着：窗户（c-02）" in text(chinese)
    assert buttons(chinese)["away"] == "外出 布防，不含窗户"


def test_a_window_that_is_closed_again_is_not_named(client: Asking, stands: Callable[..., None]) -> None:
    stands("c-02")
    stands("c-02", is_open=False)
    page = client.get("/homes")
    assert "Open:" not in text(page)
    assert buttons(page)["away"] == "Away"


def test_only_modes_in_which_it_counts_leave_it_out(client: Asking, estate: Estate, stands: Callable[..., None]) -> None:
    next(one for one in estate.said["devices"] if one["id"] == "c-02")["guards"] = ["away"]
    estate.write(estate.said)
    stands("c-02")
    assert [mode for mode, said in buttons(client.get("/homes")).items() if "without" in said] == ["away"]


def test_several_of_a_kind_are_counted(client: Asking, estate: Estate, stands: Callable[..., None]) -> None:
    estate.said["devices"].append({"id": "c-03", "kind": "contact", "home": HOME, "covers": "window"})
    estate.write(estate.said)
    for device in ("c-03", "c-02", "c-01"):
        stands(device)
    page = client.get("/homes")
    assert buttons(page)["night"] == "Night Arm without the door, 2 × window"
    assert buttons(client.get("/homes?lang=zh"))["night"] == "夜间 布防，不含门、2处窗户"


def test_a_fridge_is_open_but_nothing_that_guards(client: Asking, estate: Estate, stands: Callable[..., None]) -> None:
    next(one for one in estate.said["devices"] if one["id"] == "c-02")["covers"] = "fridge"
    estate.write(estate.said)
    stands("c-02")
    page = client.get("/homes")
    assert "Open: fridge (c-02)" in text(page)
    assert buttons(page)["away"] == "Away"


def test_after_arming_it_is_said_what_was_left_out(client: Asking, stands: Callable[..., None]) -> None:
    stands("c-02")
    assert "The mode was changed. Open, so not guarded: window (c-02)." in answer(client, arm(client, Mode.AWAY))
    assert "模式已更改。 没有关，不布防：窗户（c-02）。" in text(
        client.get(arm(client, Mode.NIGHT).headers["location"], headers={"accept-language": "zh"})
    )
    assert "not guarded" not in answer(client, arm(client, Mode.DISARMED))


def test_a_silent_sensor_is_named_before_and_after_arming(client: Asking, estate: Estate) -> None:
    estate.happens(EventKind.OFFLINE, "c-01", device="c-01", home_id=HOME)
    assert "No signal: door sensor (c-01)" in text(client.get("/homes"))
    assert "No signal, so not guarded: door sensor (c-01)." in answer(client, arm(client, Mode.HOME))


def test_a_silent_sensor_that_guards_nothing_is_not_named(client: Asking, estate: Estate) -> None:
    estate.happens(EventKind.OFFLINE, "r-01", device="r-01", home_id=HOME)
    assert "No signal" not in text(client.get("/homes"))


@pytest.fixture
def coded(estate: Estate) -> Estate:
    """王磊 has a code for 201, and one under duress."""
    person = next(one for one in estate.said["people"] if one["id"] == "wang-lei")
    person["code"], person["duress_code"] = codes.digest("1234", b"a" * 16), codes.digest("4321", b"b" * 16)
    estate.write(estate.said)
    return estate


def test_a_code_is_asked_for_only_where_somebody_has_one(client: Asking, coded: Estate) -> None:
    assert re.findall(r'name="code/([^"]*)"', client.get("/homes").text) == ["b3-201"]
    coded.write(example())
    assert "code/" not in client.get("/homes").text


def test_a_wrong_code_changes_nothing_and_a_right_one_or_none_does(client: Asking, coded: Estate) -> None:
    def mode() -> Mode:
        with coded.database.read() as session:
            changed = views.modes(session, LAKESIDE).get(HOME)
        return changed.mode if changed else Mode.DISARMED

    assert EN.notices[Notice.WRONG_CODE] in answer(client, arm(client, Mode.AWAY, **{f"code/{HOME}": "9999"}))
    assert mode() is Mode.DISARMED
    assert EN.notices[Notice.MODE_SET] in answer(client, arm(client, Mode.AWAY, **{f"code/{HOME}": "1234"}))
    assert mode() is Mode.AWAY
    assert EN.notices[Notice.MODE_SET] in answer(client, arm(client, Mode.DISARMED, **{f"code/{HOME}": ""}))
    assert mode() is Mode.DISARMED


@pytest.mark.usefixtures("coded")
def test_a_code_of_somebody_else_does_not_say_more_than_that_it_is_wrong(client: Asking) -> None:
    refused = arm(client, Mode.AWAY, by="guard-chen", **{f"code/{HOME}": "1234"})
    assert EN.notices[Notice.WRONG_CODE] in answer(client, refused)


def test_a_home_under_duress_looks_like_any_other(client: Asking, coded: Estate) -> None:
    coded.arm("b3-201", Mode.AWAY)
    client.be("wang-lei")
    usual = client.get(arm(client, Mode.DISARMED, **{f"code/{HOME}": "1234"}).headers["location"])
    coded.arm("b3-201", Mode.AWAY)
    forced = client.get(arm(client, Mode.DISARMED, **{f"code/{HOME}": "4321"}).headers["location"])
    with coded.database.read() as session:
        assert [one.kind for one in views.open_incidents(session, LAKESIDE)] == [EventKind.DURESS]

    def looks(page: httpx.Response) -> str:
        changes = re.compile(r"<ol>.*?</ol>|data-signal=\S+", re.DOTALL)
        return changes.sub("", page.text)

    assert looks(forced) == looks(usual)


def test_the_last_ten_changes_of_a_home_say_who_did_them(client: Asking, estate: Estate) -> None:
    for n in range(12):
        estate.arm("b3-201", Mode.AWAY if n % 2 else Mode.DISARMED, by="wang-lei" if n % 2 else "guard-chen")
        estate.now_ns += 60_000_000_000
    changes = re.findall(r"<li>(.*? (?:Away|Disarmed), by .*?)</li>", client.get("/homes").text)
    assert len(changes) == 10
    assert changes[:2] == ["14:11 Away, by 王磊", "14:10 Disarmed, by 陈队"]


def test_a_home_that_was_just_changed_stays_open(client: Asking) -> None:
    page = client.get(arm(client, Mode.AWAY).headers["location"]).text
    assert re.findall(r'id="(h-[^"]*)" open>', page) == ["h-b3-201"]


def test_what_is_over_colours_no_home(client: Asking, estate: Estate) -> None:
    gone = estate.happens(EventKind.SOS, "wang-xiuying")
    assert "alarm life" in client.get("/homes").text
    act(client, Do.RESOLVE, gone)
    assert "alarm" not in client.get("/homes").text


def test_what_somebody_types_as_a_home_is_never_markup(client: Asking) -> None:
    page = client.get("/homes", params={"said": "mode_set", "home": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


def test_a_neighbour_sees_that_a_line_reaches_their_home_and_nothing_more_of_it(client: Asking, estate: Estate) -> None:
    neighbour = next(one for one in estate.said["homes"] if one["id"] == "b3-202")
    ring = [[119.9501, 31.78], [119.9502, 31.78], [119.9502, 31.7801], [119.9501, 31.7801], [119.9501, 31.78]]
    neighbour["footprint"] = {"type": "Polygon", "coordinates": [ring]}
    estate.write(estate.said)
    assert "virtual line" not in text(client.get("/homes"))
    line = next(one for one in estate.said["geofences"] if one["id"] == "terrace")
    line["geometry"]["coordinates"] = [[119.95002, 31.779982], [119.95018, 31.779982]]
    estate.write(estate.said)
    page = text(client.get("/homes"))
    assert page.count("A virtual line of 3栋201室 reaches this home") == 1
    assert page.index("3栋202室") < page.index("A virtual line of")
    assert "terrace" not in page
    assert "3栋201室的虚拟线伸到这一户" in text(client.get("/homes?lang=zh"))

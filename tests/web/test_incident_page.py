"""One incident's page: its timeline, notes and photos, and who looked."""

import re
from http.client import HTTPConnection
from io import BytesIO
from urllib.parse import quote

import httpx
import pytest
from fakes import pictures
from fakes.falling import evidence as evidence_of_a_fall
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.reading import Asking, act, answer, path, text
from PIL import Image
from sqlmodel import col, delete

from devices.model import DeviceId, PersonId
from incidents.directory import Language
from incidents.model import Do, Incident
from incidents.timeline import EntryKind
from rules.kinds import EventKind
from rules.model import Cancelled, Cleared
from store import timelines
from store.session import Database
from store.tables import EntryRow
from web.evidence import Reason
from web.guard import LARGEST_BEFORE_SIGN_IN, LARGEST_FORM
from web.languages import words_in
from web.timeline import MOST_PICTURES
from web.words import Notice

EN, ZH = words_in(Language.EN), words_in(Language.ZH)
PNG, JPEG = (pictures.photo(kind) for kind in ("PNG", "JPEG"))


def note(client: Asking, incident: Incident, text: str, by: str = "guard-chen") -> httpx.Response:
    client.be(by)
    return client.post("/notes", data={"community": LAKESIDE, "incident": incident.id, "text": text})


def photo(client: Asking, incident: Incident, content: bytes, by: str = "guard-chen") -> httpx.Response:
    client.be(by)
    form = {"community": LAKESIDE, "incident": incident.id}
    return client.post("/photos", data=form, files={"photo": ("IMG_1.jpg", content, "image/svg+xml")})


def entries(estate: Estate, incident: Incident, kind: EntryKind) -> list[str | None]:
    """Who made each entry of a kind."""
    with estate.database.read() as session:
        return [entry.by for _, entry in timelines.read(session, LAKESIDE, incident.id) if entry.kind is kind]


def test_the_timeline_says_who_took_it_until_when_who_came_and_how_it_ended(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01")
    estate.pass_s(30)
    estate.dispatch()
    estate.pass_s(10)
    act(client, Do.ACKNOWLEDGE, incident, **{f"eta/{incident.id}": "5"})
    estate.pass_s(301)
    estate.dispatch()
    estate.pass_s(9)
    act(client, Do.ON_SCENE, incident, by="guard-zhao")
    estate.pass_s(60)
    act(client, Do.FALSE_ALARM, incident, by="guard-zhao")
    estate.dispatch()
    said = text(client.get(path(incident)))
    steps = (
        "13:59:58 May have fallen",
        "14:00:00 Noted; first the wearer may cancel policy distress",
        "14:00:30 Not cancelled; people are told now",
        "14:00:30 王磊: SMS relative, Asked for help",
        "14:00:40 陈队 has it, expected by 14:05",
        "14:05:41 Nobody got there in the expected time; more people are told",
        "14:05:41 市一院急诊: Phone call",
        "14:05:50 赵队 is there",
        "14:06:50 False alarm, said 赵队",
    )
    places = [said.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
    assert said.count("王磊: SMS") == 2  # that it happened and that it is over, and nothing of it twice


def test_the_timeline_is_told_in_chinese_as_well(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    act(client, Do.ACKNOWLEDGE, incident, **{f"eta/{incident.id}": "10"})
    note(client, incident, "马上到")
    client.get(path(incident))
    said = text(client.get(path(incident), params={"lang": "zh"}))
    for part in ("已记录 通知方案 distress", "陈队去处理了，预计14:10前到", "陈队写了备注 马上到", "陈队看了这一页"):
        assert part in said


def test_who_cannot_be_reached_and_what_came_too_late_is_said(client: Asking, estate: Estate) -> None:
    next(one for one in estate.said["people"] if one["id"] == "wang-lei").pop("phone")
    estate.write(estate.said)
    incident = estate.happens(EventKind.SOS, "wang-xiuying", ago_s=700)
    said = text(client.get(path(incident)))
    assert "王磊: no way to reach them" in said
    assert "known at 14:00" in said


def test_what_is_told_again_and_again_is_said_to_be(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    for _ in range(6):
        estate.pass_s(120)
    said = text(client.get(path(incident)))
    assert said.count("Nobody has it yet; people are told again") == 3
    assert "14:10:00 Nobody has answered" in said


def test_something_graver_while_somebody_has_it_is_said_to_void_that(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    act(client, Do.ACKNOWLEDGE, incident)
    estate.now_ns += 60_000_000_000
    estate.happens(EventKind.SOS, "wang-xiuying")
    assert "14:01:00 Something new; people are told now" in text(client.get(path(incident)))


def test_a_cancel_that_came_too_late_stands_there_once(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    estate.now_ns += 60_000_000_000
    times = {"t_ns": estate.now_ns, "known_ns": estate.now_ns, "seq": 1}
    estate.takes(Cancelled(community_id=LAKESIDE, subject=PersonId("wang-xiuying"), device_id=DeviceId("w-01"), **times))
    said = text(client.get(path(incident)))
    assert said.count("14:01:00 Cancel was pressed at 14:01; make sure") == 1
    assert "Something new" not in said


def test_what_ends_by_itself_says_what_is_no_longer_so(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.OFFLINE, "c-01", device="c-01", cause="c-01")
    estate.now_ns += 60_000_000_000
    times = {"t_ns": estate.now_ns, "known_ns": estate.now_ns, "seq": 2}
    estate.takes(Cleared(community_id=LAKESIDE, kind=EventKind.OFFLINE, subject="c-01", cause="c-01", **times))
    assert "14:01:00 No longer so: Offline 14:01:00 Over by itself" in text(client.get(path(incident)))


def test_an_incident_from_before_this_version_is_shown_as_ever(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    estate.dispatch()
    act(client, Do.RESOLVE, incident)
    before = text(client.get(path(incident)))
    timeless(estate, incident)
    said = text(client.get(path(incident)))
    for part in ("13:59:58 Pressed SOS", "王磊: SMS relative, Asked for help", "14:00:00 Resolved by 陈队"):
        assert part in said
        assert part in before
    assert "policy" not in said


def timeless(estate: Estate, incident: Incident) -> None:
    """Take away what an older version did not write."""
    with estate.database.write() as session:
        for (name,) in session.connection().exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            session.connection().exec_driver_sql(f"DROP TRIGGER {name}")
        session.exec(delete(EntryRow).where(col(EntryRow.incident_id) == incident.id))


@pytest.mark.parametrize(("person", "sees"), [("guard-chen", True), ("office", False), ("wang-lei", False)])
def test_what_a_decision_was_made_of_is_shown_to_who_stands_guard(client: Asking, estate: Estate, person: str, sees: bool) -> None:  # noqa: FBT001
    evidence = {"impact_g": 3.43751, "posture": "lying", "moved": False}
    incident = estate.happens(EventKind.FALL, "wang-xiuying", score=0.97, evidence=evidence)
    client.be(person)
    said = text(client.get(path(incident)))
    assert ("97 % sure impact_g 3.438 moved no posture lying" in said) is sees
    assert ("impact" in said) is sees
    assert ("把握 97 %" in text(client.get(path(incident), params={"lang": "zh"}))) is sees


@pytest.mark.parametrize(
    ("person", "sees"),
    [("guard-chen", True), ("office", False), ("wang-lei", True), ("wang-xiuying", True)],
)
def test_why_it_is_thought_to_be_a_fall_is_shown_to_who_stands_guard_and_to_the_family(
    *, client: Asking, estate: Estate, person: str, sees: bool
) -> None:
    incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence_of_a_fall())
    client.be(person)
    page, chinese = client.get(path(incident)), client.get(path(incident), params={"lang": "zh"})
    for part in ("Very likely a fall 97 % sure", "A hard hit: 4.2\u00a0g", "Turned by 81°", "Seen up to 3 s after the hit."):
        assert (" ".join(part.split()) in text(page)) is sees
    assert ("很可能摔倒了 把握 97 %" in text(chinese)) is sees
    assert (page.text.count("<svg "), chinese.text.count('role="img"')) == ((3, 1) if sees else (0, 0))


def test_once_a_fall_is_over_why_it_was_thought_to_be_one_is_the_familys_to_see(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence_of_a_fall())
    assert "Very likely a fall" in text(client.get(path(incident)))
    act(client, Do.RESOLVE, incident)
    said = client.get(path(incident))
    assert "May have fallen" in text(said)
    assert [part for part in ("Very likely a fall", "97 %", "A hard hit", "impact_g", "<svg") if part in said.text] == []
    client.be("wang-lei")
    assert "Very likely a fall 97 % sure" in text(client.get(path(incident)))


@pytest.mark.parametrize("person", ["li-anna", "li-ming", "city-hospital"])
def test_an_incident_that_is_not_theirs_is_to_nobody_one_that_there_is(client: Asking, estate: Estate, person: str) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    client.be(person)
    missing, none = client.get(path(incident)), client.get(f"/incidents/{LAKESIDE}/none")
    assert missing.status_code == none.status_code == 404
    assert missing.text.replace(incident.id, "none") == none.text
    client.be("")
    assert client.get(path(incident)).headers["location"] == f"/sign-in?next={quote(path(incident), safe='')}"


def test_the_series_of_a_fall_are_drawn_and_never_written(client: Asking, estate: Estate) -> None:
    said = evidence_of_a_fall()
    incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=said)
    estate.pass_s(31)
    estate.dispatch()
    client.be("guard-chen")
    pages = [client.get(place).text for place in ("/", "/phones", "/homes", path(incident))]
    for name in ("magnitude_cg", "angle_deg_series"):
        assert not [page for page in pages if name in page or str(said[name])[:40] in page]
    assert "from_s" not in pages[-1]
    numbers = text(client.get(path(incident)))
    assert "The numbers angle_deg 81 impact_g 4.21 lowest_g 0.28 stage_s 3 unrest_g 0.012" in numbers
    assert "May have fallen" in numbers


def test_what_people_are_sent_of_a_fall_does_not_depend_on_its_evidence(client: Asking, estate: Estate) -> None:
    sent = []
    for said in (evidence_of_a_fall(), {}):
        incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", ago_s=0, score=0.97, evidence=said)
        estate.now_ns += 60_000_000_000
        estate.pass_s(0)
        estate.dispatch()
        page = text(client.get(path(incident)))
        sent.append(re.sub(r"\d", "", page[page.index("【") :]))
        act(client, Do.RESOLVE, incident)
        estate.dispatch()
        estate.now_ns += 3600_000_000_000
    assert sent[0] == sent[1]


@pytest.mark.parametrize(
    "broken",
    [{"magnitude_cg": "nan " * 141}, {"from_s": "now"}, {"angle_deg": "much", "impact_g": True}, {"stage_s": "soon"}],
    ids=str,
)
def test_evidence_that_makes_no_sense_is_still_a_page(client: Asking, estate: Estate, broken: dict[str, str]) -> None:
    incident = estate.happens(EventKind.FALL, "wang-xiuying", score=0.97, evidence=evidence_of_a_fall() | broken)
    client.be("guard-chen")
    for language in Language:
        page = client.get(path(incident), params={"lang": language})
        assert words_in(language).reasons[Reason.DROPPED].split("{")[0] in page.text
        assert "nan nan" not in page.text


def test_an_older_fall_is_explained_without_a_picture_and_without_a_probability(client: Asking, estate: Estate) -> None:
    said = {"impact_g": 5.08, "lowest_g": 0.23, "impulse_gs": 1.14, "unrest_g": 0.02, "angle_deg": 80.7}
    incident = estate.happens(EventKind.FALL, "wang-xiuying", score=0.92, evidence=said)
    client.be("guard-chen")
    page = client.get(path(incident))
    assert "Hardly moving afterwards Nothing much speaks against it. 92 % sure angle_deg 80.7" in text(page)
    assert "<svg" not in page.text
    assert "likely" not in text(page)


def test_of_many_falls_the_first_ones_are_drawn(client: Asking, estate: Estate) -> None:
    for _ in range(MOST_PICTURES + 3):
        estate.now_ns += 20_000_000_000
        incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence_of_a_fall())
    client.be("wang-lei")
    page = client.get(path(incident)).text
    assert page.count('role="img"') == MOST_PICTURES
    assert page.count("Very likely a fall") == MOST_PICTURES + 3
    ids = re.findall(r'id="(e-[^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_a_note_stands_in_the_timeline_with_who_wrote_it(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    estate.now_ns += 60_000_000_000
    assert "Saved." in answer(client, note(client, incident, "She is fine.\r\n<b>Tea</b>"))
    page = client.get(path(incident))
    assert "14:01:00 陈队 wrote a note She is fine. <b>Tea</b>" in text(page)
    assert "&lt;b&gt;Tea" in page.text
    act(client, Do.RESOLVE, incident)
    assert "Saved." in answer(client, note(client, incident, "over, and still"))


@pytest.mark.parametrize(
    ("by", "words", "notice"),
    [
        ("guard-chen", " \n", Notice.NO_NOTE),
        ("guard-chen", "x" * 2001, Notice.NO_NOTE),
    ],
)
def test_a_note_that_is_not_kept_says_why(client: Asking, estate: Estate, by: str, words: str, notice: Notice) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    assert EN.notices[notice] in answer(client, note(client, incident, words, by=by))
    assert entries(estate, incident, EntryKind.NOTE) == []


def test_a_note_as_long_as_a_browser_lets_it_be_is_kept(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    assert "Saved." in answer(client, note(client, incident, "x\r\n" * 999 + "xx"))


def test_a_note_about_nothing_is_refused(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    about = {"community": LAKESIDE, "incident": f"{incident.id}-no", "text": "x"}
    assert EN.notices[Notice.REFUSED] in answer(client, client.post("/notes", data=about))
    assert client.post("/notes", data=about | {"community": "nowhere"}).status_code == 404


@pytest.mark.parametrize("content", [PNG, JPEG], ids=["PNG", "JPEG"])
def test_a_photo_is_shown_as_what_it_is_and_nothing_else(client: Asking, estate: Estate, content: bytes) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = client.get(photo(client, incident, content).headers["location"])
    assert "陈队 added a photo" in text(page)
    source = re.search(r'<img class="photo" src="([^"]*)"', page.text)
    assert source
    assert source[1].startswith(path(incident) + "/photos/")
    shown = client.get(source[1])
    with Image.open(BytesIO(shown.content)) as seen:
        assert (f"image/{(seen.format or '').lower()}", seen.size, len(seen.getexif())) == (shown.headers["content-type"], (48, 64), 0)
    assert pictures.MAKER.encode() not in shown.content
    assert (shown.headers["x-content-type-options"], shown.headers["cache-control"][:7]) == ("nosniff", "private")
    assert "default-src 'none'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", PNG + b"\0" * timelines.LARGEST_PHOTO],
    ids=["empty", "gif", "svg", "large"],
)
def test_what_is_no_photo_is_not_kept(client: Asking, estate: Estate, content: bytes) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    assert EN.notices[Notice.NO_PHOTO] in answer(client, photo(client, incident, content))
    assert entries(estate, incident, EntryKind.PHOTO) == []


def test_a_photo_by_nobody_and_a_form_without_one_are_refused(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    assert photo(client, incident, PNG, by="").headers["location"] == "/sign-in"
    assert entries(estate, incident, EntryKind.PHOTO) == []
    client.be("guard-chen")
    form = {"community": LAKESIDE, "incident": incident.id, "photo": "C:\\fake.png"}
    assert EN.notices[Notice.NO_PHOTO] in answer(client, client.post("/photos", data=form))


def test_a_photo_is_of_its_own_incident_only(client: Asking, estate: Estate) -> None:
    incident, other = estate.happens(EventKind.SOS, "wang-xiuying"), estate.happens(EventKind.SOS, "li-ming")
    photo(client, incident, PNG)
    number = re.search(r"/photos/(\d+)", client.get(path(incident)).text)
    assert number
    for place in (
        f"{path(other)}/photos/{number[1]}",
        f"{path(incident)}/photos/0",
        f"{path(incident)}/photos/-1",
        f"{path(incident)}/photos/²",
        f"{path(incident)}/photos/{'9' * 40}",
        f"/incidents/nowhere/{incident.id}/photos/{number[1]}",
    ):
        assert client.get(place).status_code == 404


@pytest.mark.parametrize(
    ("place", "most"), [("/photos", LARGEST_FORM), ("/sign-in", LARGEST_BEFORE_SIGN_IN), ("/welcome/x", LARGEST_BEFORE_SIGN_IN)]
)
def test_a_form_that_is_far_too_large_or_does_not_say_how_large_is_not_read(client: Asking, served: Service, place: str, most: int) -> None:
    asking = HTTPConnection("127.0.0.1", served.port)
    asking.putrequest("POST", place)
    asking.putheader("content-length", str(most + 1))
    asking.endheaders()
    assert asking.getresponse().status == 413
    asking.close()
    assert client.post("/photos", content=iter([b"x"])).status_code == 411


def test_who_opens_the_page_is_noted_once_and_only_if_they_may(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    for stranger in ("", "li-anna"):
        client.be(stranger)
        assert client.get(path(incident)).status_code in {303, 404}
    assert entries(estate, incident, EntryKind.OPENED) == []
    client.be("wang-lei")
    estate.now_ns += 60_000_000_000
    for _ in range(3):
        client.get(path(incident))
    assert entries(estate, incident, EntryKind.OPENED) == ["wang-lei"]
    assert "14:01:00 王磊 looked at this page" in text(client.get(path(incident)))


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}], ids=str)
def test_what_a_browser_fetches_in_advance_was_not_looked_at(client: Asking, estate: Estate, headers: dict[str, str]) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    client.be("wang-lei")
    assert client.get(path(incident), headers=headers).status_code == 200
    client.head(path(incident))
    assert entries(estate, incident, EntryKind.OPENED) == []


def test_a_page_is_shown_although_the_database_is_locked(estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    cookies = estate.sign_in("wang-lei")
    hurried = Database(str(estate.database._engine.url), wait_s=0.01)
    pages = Service(hurried, estate.clock)
    try:
        with estate.database.write() as session:
            timelines.opened(session, LAKESIDE, incident.id, by=PersonId("guard-zhao"), at_ns=estate.now_ns)
            page = httpx.get(pages.url + path(incident), cookies=cookies, trust_env=False)
    finally:
        pages.stop()
        hurried.close()
    assert page.status_code == 200
    assert entries(estate, incident, EntryKind.OPENED) == ["guard-zhao"]


@pytest.mark.parametrize(("minutes", "until"), [("5", "14:05"), ("10", "14:10"), ("30", "14:30"), ("60", "15:00"), ("", "14:30")])
def test_who_takes_it_says_how_soon_they_are_there(client: Asking, estate: Estate, minutes: str, until: str) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = client.get("/").text
    assert re.findall(r'<option value="(\d+)"[^>]*>in', page) == ["5", "10", "30", "60"]
    act(client, Do.ACKNOWLEDGE, incident, **{f"eta/{incident.id}": minutes})
    assert f"陈队 has it · expected by {until}" in text(client.get("/"))


@pytest.mark.parametrize("minutes", ["0", "7", "1e9", "nan", "-5"])
def test_a_time_of_arrival_that_is_not_offered_is_refused(client: Asking, estate: Estate, minutes: str) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    refused = act(client, Do.ACKNOWLEDGE, incident, **{f"eta/{incident.id}": minutes})
    assert EN.notices[Notice.REFUSED] in answer(client, refused)
    assert estate.incident(incident).acknowledged_by is None


def test_the_time_of_arrival_of_one_incident_is_not_that_of_another(client: Asking, estate: Estate) -> None:
    incident, other = estate.happens(EventKind.SOS, "wang-xiuying"), estate.happens(EventKind.SOS, "li-ming")
    act(client, Do.ACKNOWLEDGE, incident, **{f"eta/{incident.id}": "60", f"eta/{other.id}": "5"})
    assert estate.incident(incident).eta_ns == estate.now_ns + 3600 * 10**9

"""Pausing alerts: who may, until when, and how it is shown."""

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate
from fakes.reading import Asking, act, answer, path, text

from devices.model import HomeId
from incidents.directory import Language
from incidents.model import Do, Incident, IncidentState, Story
from rules.kinds import EventKind
from store import views
from web.languages import words_in
from web.words import Notice

EN = words_in(Language.EN)


def pause(client: Asking, subject: str = "b3-201", by: str = "guard-chen", minutes: int = 120, **more: str) -> httpx.Response:
    client.be(by)
    said = {"community": LAKESIDE, "quiet": f"{minutes}/{subject}", f"reason/{subject}": "装修", **more}
    return client.post("/silences", data=said)


def silences(estate: Estate) -> list[Incident]:
    with estate.database.read() as session:
        return [one for one in views.open_incidents(session, LAKESIDE) if one.story is Story.SILENCE]


def test_a_silence_stands_calmly_on_top_and_is_no_incident_that_needs_somebody(client: Asking) -> None:
    assert EN.notices[Notice.QUIET] in answer(client, pause(client))
    page = client.get("/")
    assert "Alerts about 王秀英's home are paused until 16:00 by 陈队. Reason: 装修 End the pause" in text(page)
    assert "All is quiet" in text(page)
    assert "<title>Console" in page.text
    assert 'class="card' not in page.text
    assert "王秀英家的提醒暂停到16:00，由陈队设置，原因：装修 结束暂停" in text(client.get("/?lang=zh"))


def test_ending_a_silence_is_one_tap(client: Asking, estate: Estate) -> None:
    pause(client)
    silence = silences(estate)[0]
    assert f'value="{Do.RESOLVE}/{silence.id}"' in client.get("/").text
    assert "Noted." in answer(client, act(client, Do.RESOLVE, silence, by="guard-zhao"))
    said = text(client.get("/"))
    assert "End the pause" not in said
    assert "Pause ended by 赵队" in said
    assert "Pause ended by 赵队" in text(client.get(path(silence)))


def test_a_silence_ends_by_itself_and_says_so(client: Asking, estate: Estate) -> None:
    pause(client, minutes=30)
    silence = silences(estate)[0]
    estate.pass_s(1801)
    assert "Pause ended as planned" in text(client.get(path(silence)))


def test_a_silence_has_a_page_of_its_own(client: Asking, estate: Estate) -> None:
    pause(client, life="", **{"life/b3-201": "yes"})
    said = text(client.get(path(silences(estate)[0])))
    assert "Alerts are paused until 16:00 · by 陈队. Reason: 装修 Falls and calls for help too" in said
    assert "End the pause" in said
    assert "I have it" not in said
    assert "Pause alerts" not in said


def test_what_is_held_back_says_until_when(client: Asking, estate: Estate) -> None:
    pause(client)
    held = estate.happens(EventKind.CROSS, "b3-201", home_id=HomeId("b3-201"))
    assert estate.dispatch() == 0
    words = "Alerts are paused; people are told after 16:00"
    assert words in text(client.get("/"))
    assert text(client.get(path(held))).count(words) == 2  # the card, and when it was put off
    act(client, Do.ACKNOWLEDGE, held)
    assert words not in text(client.get("/"))


def test_what_is_held_back_is_told_when_the_silence_is_ended_and_the_timeline_says_by_whom(client: Asking, estate: Estate) -> None:
    pause(client)
    held = estate.happens(EventKind.CROSS, "b3-201", home_id=HomeId("b3-201"))
    estate.now_ns += 60_000_000_000
    act(client, Do.RESOLVE, silences(estate)[0])
    assert estate.dispatch() > 0
    assert "14:01:00 Pause ended by 陈队" in text(client.get(path(held)))


def test_alerts_about_a_home_are_paused_on_its_own_place_of_the_page(client: Asking, estate: Estate) -> None:
    page = client.get("/homes").text
    assert all(f'name="quiet" value="{minutes}/b3-201"' in page for minutes in EN.quiet_for)
    done = pause(client)
    assert done.headers["location"].endswith("#h-b3-201")
    page = client.get(done.headers["location"])
    assert "Alerts are paused until 16:00" in text(page)
    assert 'value="30/b3-201"' not in page.text
    assert 'value="30/b3-202"' in page.text
    assert len(silences(estate)) == 1


def test_alerts_about_whom_an_incident_is_about_are_paused_on_its_page(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.EXIT, "wang-xiuying")
    assert 'value="480/wang-xiuying"' in client.get(path(incident)).text
    done = pause(client, "wang-xiuying", back="incident", incident=incident.id)
    assert done.headers["location"].startswith(path(incident) + "?")
    assert EN.notices[Notice.QUIET] in answer(client, done)
    assert [one.subject for one in silences(estate)] == ["wang-xiuying"]


def test_a_call_for_help_in_silence_is_not_to_be_paused_from_its_page(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.DURESS, "wang-xiuying")
    assert 'name="quiet"' not in client.get(path(incident)).text


def test_life_safety_is_paused_only_where_it_was_ticked(client: Asking, estate: Estate) -> None:
    pause(client)
    pause(client, "b3-202", **{"life/b3-202": "yes"})
    assert {one.subject: one.headline.evidence["life"] for one in silences(estate)} == {"b3-201": False, "b3-202": True}
    assert text(client.get("/")).count("Falls and calls for help too") == 1
    assert estate.dispatch() == 1  # to the daughter of 202


@pytest.mark.parametrize(
    ("by", "said", "notice"),
    [
        ("li-anna", {}, Notice.NOT_YOURS),
        ("guard-chen", {"reason/b3-201": "  "}, Notice.QUIET_REASON),
        ("guard-chen", {"quiet": "31/b3-201"}, Notice.REFUSED),
        ("guard-chen", {"quiet": "²/b3-201"}, Notice.REFUSED),
        ("guard-chen", {"quiet": ""}, Notice.REFUSED),
        ("guard-chen", {"quiet": "30/nowhere", "reason/nowhere": "x"}, Notice.REFUSED),
    ],
)
def test_a_silence_that_is_refused_says_why(client: Asking, estate: Estate, by: str, said: dict[str, str], notice: Notice) -> None:
    client.be(by)
    form = {"community": LAKESIDE, "quiet": "30/b3-201", "reason/b3-201": "装修", **said}
    for language in Language:
        refused = client.post("/silences", data=form)
        page = client.get(refused.headers["location"], headers={"accept-language": language})
        assert words_in(language).notices[notice] in text(page)
    assert silences(estate) == []


def test_who_is_not_signed_in_pauses_nothing(client: Asking, estate: Estate) -> None:
    assert pause(client, by="").headers["location"] == "/sign-in"
    assert silences(estate) == []


def test_a_second_silence_about_the_same_is_refused(client: Asking) -> None:
    pause(client)
    assert EN.notices[Notice.QUIET_ALREADY] in answer(client, pause(client))


def test_life_safety_of_somebody_without_family_is_not_silenced(client: Asking, estate: Estate) -> None:
    estate.said["people"] = [one for one in estate.said["people"] if one["id"] != "wang-lei"]
    estate.write(estate.said)
    assert EN.notices[Notice.QUIET_FAMILY] in answer(client, pause(client, **{"life/b3-201": "yes"}))
    assert silences(estate) == []


def test_an_incident_that_is_held_back_is_still_nobodys(client: Asking, estate: Estate) -> None:
    pause(client)
    held = estate.happens(EventKind.CROSS, "b3-201", home_id=HomeId("b3-201"))
    assert estate.incident(held).state is IncidentState.OPEN
    assert "<title>(1) Console" in client.get("/").text


def test_somebody_who_is_away_is_said_to_be_on_the_homes_page_until_then(client: Asking, estate: Estate) -> None:
    client.be("wang-lei")
    assert "王秀英 is away (hospital, travelling)" in text(client.get("/homes"))
    said = {"community": LAKESIDE, "away": "4320/wang-xiuying", "reason/wang-xiuying": "住院"}
    assert EN.notices[Notice.QUIET] in answer(client, client.post("/silences", data=said))
    assert "王秀英 is away until 4 Mar 14:00" in text(client.get("/homes"))
    (silence,) = silences(estate)
    assert (silence.subject, silence.headline.evidence["away"]) == ("wang-xiuying", True)
    assert EN.notices[Notice.NOT_YOURS] in answer(client, client.post("/silences", data=said | {"away": "1440/li-ming"}))
    assert EN.notices[Notice.REFUSED] in answer(client, client.post("/silences", data=said | {"away": "99999999/wang-xiuying"}))

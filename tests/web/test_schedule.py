"""A home's schedule, chosen in the app as the family does it, and what the API refuses."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service, example
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from rules.kinds import Mode
from rules.premises import SCHEDULE
from store import choices, configuration
from store.importing import apply, kept_in, plan
from web.client import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


def planned(estate: Estate) -> list[dict[str, Any]] | None:
    """What the household chose, as the community's document has it."""
    with estate.database.read() as session:
        said = json.loads(configuration.community_at(session, LAKESIDE) or "{}")
    (home,) = (one for one in said["homes"] if one["id"] == "b3-201")
    chosen: list[dict[str, Any]] | None = home.get("chosen", {}).get("schedule")
    return chosen


def put(served: Service, estate: Estate, who: str, entries: list[dict[str, Any]], home: str = "b3-201") -> httpx.Response:
    return httpx.put(
        f"{served.url}/api/homes/{home}/schedule",
        json={"planned": entries},
        cookies=estate.sign_in(who),
        headers={"Origin": served.url},
        trust_env=False,
    )


def entry(at_: str = "22:30", mode: str = "night", days: tuple[str, ...] = ("mon",)) -> dict[str, Any]:
    return {"at": at_, "mode": mode, "days": list(days)}


@pytest.mark.parametrize(
    ("locale", "begin", "save", "next_"),
    [("zh-CN", "设置定时", "保存定时", "接下来：22:30 夜间"), ("en", "Arm by schedule", "Save the schedule", "Next: Night, 22:30")],
)
def test_the_daughter_has_the_home_armed_by_night(
    *, estate: Estate, served: Service, screen: Screens, locale: str, begin: str, save: str, next_: str
) -> None:
    page = at(screen(locale, 390, 844, who="wang-lei"), served, "/arm")
    page.get_by_role("button", name=begin).click()
    first, second = page.locator(".planned > li").all()
    expect(first.locator("input[type=time]")).to_have_value("22:30")
    second.get_by_role("checkbox").last.uncheck()
    second.get_by_role("combobox").select_option("home")
    page.get_by_role("button", name=save).click()
    expect(page.locator("[aria-labelledby=schedule] .explained")).to_have_text(next_)
    page.reload()
    expect(page.locator("[aria-labelledby=schedule] .explained")).to_have_text(next_)
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert planned(estate) == [
        {"at": "22:30", "mode": "night", "days": week},
        {"at": "06:30", "mode": "home", "days": week[:-1]},
    ]
    assert violations(page) == []


def test_a_schedule_without_a_day_is_not_saved_and_what_is_dropped_is_as_before(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei"), served, "/arm")
    page.get_by_role("button", name="Arm by schedule").click()
    entry_ = page.locator(".planned > li").first
    for day in entry_.get_by_role("checkbox").all():
        day.uncheck()
    expect(entry_.get_by_text("Choose at least one day.")).to_be_visible()
    expect(page.get_by_role("button", name="Save the schedule")).to_be_disabled()
    page.get_by_role("button", name="Discard changes").click()
    expect(page.locator(".planned")).to_have_count(0)
    assert planned(estate) is None


def test_two_modes_at_one_time_are_refused_in_words(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei", with_errors=True), served, "/arm")
    page.get_by_role("button", name="Arm by schedule").click()
    page.locator("input[type=time]").last.fill("22:30")
    page.locator("input[type=time]").last.blur()
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.get_by_role("alert")).to_contain_text("two modes at one time")
    assert planned(estate) is None


def test_a_mode_that_the_schedule_set_says_so(estate: Estate, served: Service, screen: Screens) -> None:
    estate.arm("b3-201", Mode.NIGHT, by=SCHEDULE)
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    expect(page.get_by_text("14:00由定时计划设置")).to_be_visible()


def test_everything_is_taken_away_again_and_an_import_keeps_that(estate: Estate, served: Service, tmp_path: Path) -> None:
    said = example()
    (home,) = (one for one in said["homes"] if one["id"] == "b3-201")
    home["schedule"] = [entry()]
    estate.write(said, ago_s=0)
    assert put(served, estate, "wang-lei", []).json() == {"planned": [], "next_words": ""}
    file = tmp_path / "again.json"
    file.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    apply(estate.database, plan(kept_in(estate.database), file), estate.now_ns + 1)
    assert planned(estate) == []


@pytest.mark.parametrize("days", [[], ["mon", "someday"]])
def test_what_is_no_schedule_is_refused(estate: Estate, served: Service, days: list[str]) -> None:
    assert put(served, estate, "wang-lei", [{"at": "22:30", "mode": "night", "days": days}]).status_code == 422
    assert put(served, estate, "wang-lei", [entry("24:00")]).status_code == 422
    assert put(served, estate, "wang-lei", [entry()] * 29).status_code == 422
    assert planned(estate) is None


def test_a_home_of_others_is_not_there(estate: Estate, served: Service) -> None:
    assert put(served, estate, "li-anna", [entry()]).status_code == 404
    assert planned(estate) is None


def test_who_changes_it_all_the_time_is_told_to_wait(estate: Estate, served: Service) -> None:
    statuses = [
        put(served, estate, "wang-lei", [entry(f"{n // 60:02d}:{n % 60:02d}")]).status_code for n in range(choices.CHANGES.most + 1)
    ]
    assert statuses == [*[200] * choices.CHANGES.most, 422]


def test_it_holds_from_the_moment_in_which_it_was_chosen(estate: Estate, served: Service) -> None:
    assert put(served, estate, "wang-lei", [entry()]).status_code == 200
    with estate.database.read() as session:
        before = json.loads(configuration.community_at(session, LAKESIDE, estate.now_ns - 1) or "{}")
    assert before["homes"]
    assert all("chosen" not in one for one in before["homes"])
    assert planned(estate) == [entry()]

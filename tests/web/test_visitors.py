"""Known visitors in the app: the family says who comes when, and what they cause is shown as a visit."""

import re

import pytest
from fakes.lakeside import Estate, Service
from fakes.reading import Asking, text
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from rules.kinds import EventKind
from store.estates import Estates
from web.client import is_built

PATH = "/api/homes/b3-201/visitors"
CARER = {"name": "小李", "kind": "carer", "since": "13:30", "to": "16:00", "days": ["sun"], "until": None}


def test_the_family_says_who_comes_and_what_they_cause_is_noted(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as family:
        said = family.put(PATH, json={"visitors": [CARER]})
        assert said.status_code == 200, said.text
        assert said.json()["visitors"] == [CARER]
        with estate.database.read() as session:
            estate.directory = Estates().community(session, estate.id).directory
        estate.happens(EventKind.INTRUSION, "b3-201", device="c-01", home_id="b3-201")
        home = family.get("/api/homes/b3-201").json()
        assert home["tone"] == "good"
        (card,) = home["incidents"]
        assert (card["title_words"], card["tone"]) == ("Carer 小李 came", "good")
        assert card["state_words"] == "A known visit: noted, nobody was told"
    with Asking(served.url, estate, "guard-chen") as guard:
        assert "护工小李来访" in text(guard.get("/?lang=zh"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"to": "13:00"},  # the next day
        {"days": []},
        {"until": "2026-02-30"},
        {"kind": "burglar"},
    ],
)
def test_what_will_not_do_changes_nothing(served: Service, estate: Estate, wrong: dict[str, object]) -> None:
    with Asking(served.url, estate, "wang-lei") as family:
        assert family.put(PATH, json={"visitors": [CARER | wrong]}).status_code == 422
        assert family.get(PATH).json()["visitors"] == []


def test_nobody_says_it_of_anothers_home(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "li-anna") as other:
        assert other.put(PATH, json={"visitors": [CARER]}).status_code == 404


@pytest.mark.skipif(not is_built(), reason="make setup builds the client")
@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 390), ("en", 1440)])
def test_a_visitor_is_added_by_thumb(served: Service, screen: Screens, locale: str, width: int) -> None:
    page = at(screen(locale, width, 844, who="wang-lei"), served, "/arm")
    part = page.get_by_role("region", name=re.compile("约好的来访|Known visitors"))
    part.get_by_role("button", name=re.compile("添加来访|Add a visitor")).click()
    part.get_by_role("textbox", name=re.compile("称呼|Name")).fill("小李")
    part.get_by_role("textbox", name=re.compile("称呼|Name")).blur()
    part.get_by_role("button", name=re.compile("^保存$|Save the visitors")).click()
    expect(part.get_by_role("button", name=re.compile("^保存$|Save the visitors"))).to_have_count(0)
    page.reload()
    expect(part.get_by_role("textbox", name=re.compile("称呼|Name"))).to_have_value("小李")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

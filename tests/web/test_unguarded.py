"""Nobody is told "all well" by silence: whose wearable is not worn, charges or is not heard is named."""

from collections.abc import Callable
from typing import Any

import pytest
from fakes.lakeside import LAKESIDE, Estate
from fakes.reading import Asking, text

from incidents.directory import Language
from rules.faults.wear import Wear, Why
from rules.kinds import EventKind
from store import positions
from web.languages import words_in

EN, ZH = words_in(Language.EN), words_in(Language.ZH)


@pytest.fixture
def worker_keeps(estate: Estate) -> Callable[..., None]:
    """The worker's checkpoint says of a wearable why it may not show a fall."""

    def keep(why: Why | None, device: str = "w-01", community: str = LAKESIDE) -> None:
        state: dict[str, Any] = {"still": [0, 0, 1]} | ({} if why is None else {"unfit": why.value})
        with estate.database.write() as session:
            positions.save_decisions(session, Wear.name, {f"{community}/{device}": state})

    return keep


def test_a_watch_on_the_charger_is_no_quiet_day(client: Asking, worker_keeps: Callable[..., None]) -> None:
    worker_keeps(Why.CHARGING)
    page, home = text(client.get("/")), text(client.get("/homes"))
    assert EN.all_quiet not in page
    assert EN.nothing_told in page
    assert "A fall may go unnoticed now: 王秀英 (charging, not worn)" in page
    assert "A fall may go unnoticed now: 王秀英 (charging, not worn)" in home
    chinese = text(client.get("/?lang=zh"))
    assert ZH.all_quiet not in chinese
    assert "现在摔倒可能发现不了：王秀英（在充电，没有戴）" in chinese


@pytest.mark.parametrize("why", list(Why))
def test_each_reason_has_its_words(*, why: Why, client: Asking, worker_keeps: Callable[..., None]) -> None:
    worker_keeps(why)
    assert f"({EN.unfit[why]})" in text(client.get("/"))
    assert set(EN.unfit) == set(ZH.unfit) == set(Why)


def test_it_is_quiet_again_once_it_is_worn(client: Asking, worker_keeps: Callable[..., None]) -> None:
    worker_keeps(Why.NOT_WORN)
    worker_keeps(None)
    assert EN.all_quiet in text(client.get("/"))


def test_another_communitys_watch_and_one_that_is_no_more_are_not_named(client: Asking, worker_keeps: Callable[..., None]) -> None:
    worker_keeps(Why.NOT_WORN, community="elsewhere")
    worker_keeps(Why.NOT_WORN, device="w-99")
    assert EN.all_quiet in text(client.get("/"))


@pytest.mark.parametrize("kind", [EventKind.OFFLINE, EventKind.STUCK, EventKind.IMPLAUSIBLE])
def test_a_watch_that_is_not_heard_or_stuck_is_named_with_its_home(*, kind: EventKind, client: Asking, estate: Estate) -> None:
    estate.happens(kind, "w-01", device="w-01", cause="w-01")
    assert f"A fall may go unnoticed now: 王秀英 ({EN.kinds[kind]})" in text(client.get("/homes"))
    assert EN.all_quiet not in text(client.get("/"))


def test_a_fault_that_has_a_reason_is_headed_by_it(client: Asking, estate: Estate) -> None:
    estate.happens(EventKind.IMPLAUSIBLE, "w-01", device="w-01", evidence={"why": Why.CLIPPED.value})
    assert ">Range too small<" in client.get("/").text


def test_who_does_not_get_up_stands_first_with_the_newest_word(client: Asking, estate: Estate) -> None:
    first = estate.happens(EventKind.FALL, "li-ming", device="w-02")
    second = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01")
    for mark_s in (10, 60):
        fall_ms = second.headline.t_ns // 10**6
        estate.pass_s(mark_s)
        evidence = {"still_s": mark_s, "since_fall_s": mark_s, "fall_t_ms": fall_ms}
        estate.happens(EventKind.LONG_LIE, "wang-xiuying", device="w-01", evidence=evidence)
    page = client.get("/").text
    assert page.index(f"i-{second.id}") < page.index(f"i-{first.id}")
    assert "Has not moved for 1 min (" in text(client.get("/"))
    assert "已有1分钟没有动静（" in text(client.get("/?lang=zh"))
    story = text(client.get(f"/incidents/{LAKESIDE}/{second.id}?lang=en"))
    assert "Has not moved for 10 s" in story
    assert "Has not moved for 1 min" in story
    estate.happens(EventKind.RECOVERED, "wang-xiuying", device="w-01")
    assert "Seems up again since" in text(client.get("/"))

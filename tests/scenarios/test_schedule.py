"""Homes that arm themselves, through the whole core."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from stories import START, at, estate, picked, said, tell, until

from store.community import parse
from store.model import InputError

NOON_S = (12 - 8) * 3600 - (START.hour * 3600 + START.minute * 60 + START.second)
"""Noon in Shanghai of the story's first day, in seconds of the story."""


def scheduled(*planned: dict[str, Any]) -> dict[str, Any]:
    given = estate()
    given["homes"][0]["schedule"] = list(planned)
    return given


def wall(clock: str, day: int = 0) -> float:
    hours, minutes = clock.split(":")
    return NOON_S + day * 86400 + (int(hours) - 12) * 3600 + int(minutes) * 60


NIGHT = {"at": "22:30", "mode": "away"}
MORNING = {"at": "06:30", "mode": "disarmed"}


def opened(seconds: float, *, shut_s: float = 5) -> list[dict[str, Any]]:
    return [said(seconds, "window-1", "contact", open=True), said(seconds + shut_s, "window-1", "contact", open=False)]


def test_what_is_opened_between_the_two_times_is_an_intrusion_and_before_and_after_it_is_not(tmp_path: Path) -> None:
    shut = said(wall("21:00"), "window-1", "contact", open=False)
    lines = [shut, *opened(wall("22:29")), *opened(wall("23:00")), *opened(wall("06:31", 1)), until(wall("07:00", 1))]
    output = tell(tmp_path, lines, scheduled(NIGHT, MORNING))
    assert [line["t"] for line in picked(output, "event", kind="intrusion")] == [at(wall("23:00"))]


def test_what_stands_open_when_the_schedule_arms_is_left_out_and_the_family_is_told(tmp_path: Path) -> None:
    lines = [
        said(wall("21:00"), "window-1", "contact", open=False),
        said(wall("21:05"), "window-1", "contact", open=True),
        until(wall("23:00")),
    ]
    output = tell(tmp_path, lines, scheduled(NIGHT))
    (event,) = picked(output, "event", kind="left_open")
    assert (event["at"], event["evidence"]["bypassed"]) == (at(wall("22:30")), True)
    told = picked(output, "notification", to="zhou-jie")
    assert [line["at"] for line in told] == [at(wall("22:30"))]
    assert not picked(output, "event", kind="intrusion")


def test_the_same_at_any_size_of_a_batch(tmp_path: Path) -> None:
    lines = [said(wall("22:29") + second, "window-1", "contact", open=bool(second % 2)) for second in range(120)]
    outputs = [tell(tmp_path, [*lines, until(wall("23:00"))], scheduled(NIGHT, MORNING), batch) for batch in (1, 7, 256)]
    assert picked(outputs[0], "event", kind="intrusion")
    assert all(one == other for one, other in itertools.pairwise(outputs))


@pytest.mark.parametrize(
    ("planned", "said_"),
    [
        ([{"at": "22:30", "mode": "armed"}], "homes[0].schedule[0].mode"),
        ([{"at": "24:00", "mode": "away"}], 'homes[0].schedule[0].at: \'24:00\' is no time of day, wanted "00:00" to "23:59"'),
        ([{"at": "22:30", "mode": "away", "days": []}], "homes[0].schedule[0].days: is empty"),
        ([NIGHT, {"at": "22:30", "mode": "night", "days": ["tue"]}], "homes[0].schedule[1]: 22:30 on tue stands here twice"),
        ([NIGHT | {"when": "always"}], "homes[0].schedule[0].when: is no key known here"),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_path(planned: list[dict[str, Any]], said_: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(json.dumps(scheduled(*planned)), "willow.json")
    assert said_ in str(refused.value)


def test_nobody_may_be_called_as_schedules_are() -> None:
    given = estate()
    given["people"].append({"id": "schedule", "name": "S", "roles": ["guard"]})
    with pytest.raises(InputError, match="schedule stands for the schedules of homes"):
        parse(json.dumps(given), "willow.json")

"""The life of an incident, told as stories through the community file and a capture."""

from pathlib import Path
from typing import Any

import pytest
from stories import armed, at, did, estate, fall, picked, said, tell, until

Line = dict[str, Any]
MINUTE, HOUR = 60.0, 3600.0


def sos(seconds: float, device: str = "w-1") -> Line:
    return said(seconds, device, "button", pressed="sos")


def cancel(seconds: float, device: str = "w-1") -> Line:
    return said(seconds, device, "button", pressed="cancel")


def home() -> dict[str, Any]:
    """The estate, where she wears her watch at the waist."""
    given = estate()
    given["devices"][0]["placement"] = "waist"
    return given


def states(output: list[Line], **wanted: Any) -> list[tuple[str, str]]:
    return [(line["at"], line["state"]) for line in picked(output, "incident", **wanted)]


def told(output: list[Line], **wanted: Any) -> list[tuple[str, str, str]]:
    return [(line["to"], line["channel"], line["at"]) for line in picked(output, "notification", **wanted)]


def with_policy(*steps: dict[str, Any], kinds: list[str], **more: Any) -> dict[str, Any]:
    given = home()
    given["policies"] = [{"id": "only", "kinds": ["sos", *kinds], "steps": list(steps), **more}]
    return given


RELATIVES = {"after_s": 0, "tell": ["relatives"], "by": ["sms"]}


def test_she_stumbles_presses_cancel_in_time_and_nobody_ever_hears_of_it(tmp_path: Path) -> None:
    output = tell(tmp_path, [*fall(0), cancel(25), until(600)], home())
    assert [state for _, state in states(output, kind="fall")] == ["suspected", "cancelled"]
    assert told(output) == []


def test_she_presses_cancel_too_late_and_it_is_passed_on_but_closes_nothing(tmp_path: Path) -> None:
    output = tell(tmp_path, [*fall(0), cancel(60), until(65)], home())
    assert [state for _, state in states(output, kind="fall")] == ["suspected", "open"]
    assert {line["to"] for line in picked(output, "notification", purpose="update")} == {"zhou-jie", "day-guard"}


def test_the_evidence_is_hard_and_help_is_called_after_five_seconds_instead_of_thirty(tmp_path: Path) -> None:
    given = with_policy(RELATIVES, kinds=["fall"], cancel_window_s=30, certain_window_s=5)
    output = tell(tmp_path, [*fall(0, hard=3), until(60)], given)
    (event,) = picked(output, "event", kind="fall")
    assert event["score"] >= 0.95
    (suspected, _), (opened, _) = states(output, kind="fall")
    assert float(opened[-7:-1]) - float(suspected[-7:-1]) == pytest.approx(5)


def test_her_watch_asks_whether_she_is_all_right_while_nobody_is_told(tmp_path: Path) -> None:
    given = home()
    given["devices"][0]["asks"] = True
    output = tell(tmp_path, [*fall(0), cancel(25), until(600)], given)
    (asked,) = picked(output, "notification")
    assert (asked["to"], asked["channel"], asked["purpose"]) == ("zhou-fen", "device", "ask")
    assert asked["text"].startswith("您还好吗？没事请按取消键")


def test_she_takes_long_to_reach_the_button_so_her_window_is_longer(tmp_path: Path) -> None:
    given = home()
    given["people"][0]["cancel_window_s"] = 120
    output = tell(tmp_path, [*fall(0), cancel(100), until(600)], given)
    assert [state for _, state in states(output, kind="fall")] == ["suspected", "cancelled"]


def test_she_falls_lies_there_and_presses_sos_and_it_is_one_story(tmp_path: Path) -> None:
    output = tell(tmp_path, [*fall(0, lies_s=200), sos(220), until(230)], home())
    assert {line["id"] for line in picked(output, "incident")} == {picked(output, "incident")[0]["id"]}
    kinds = [line["kind"] for line in picked(output, "event")]
    assert kinds == ["fall", *["long_lie"] * (len(kinds) - 2), "sos"]
    assert len(kinds) == 6  # after 10, 30, 60 and 120 s


def test_he_falls_in_the_same_home_and_it_is_his_own_incident(tmp_path: Path) -> None:
    given = estate()
    given["people"][1]["home"] = "b1-101"
    output = tell(tmp_path, [sos(0), sos(20, "w-2"), until(30)], given)
    assert {line["subject"] for line in picked(output, "incident", state="open")} == {"zhou-fen", "xu-bo"}


def test_a_closed_incident_stays_closed_and_the_next_one_says_which_it_repeats(tmp_path: Path) -> None:
    output = tell(tmp_path, [sos(0), did(60, "zhou-jie", "resolve", "zhou-fen"), sos(3600), until(3610)])
    first, second = (line for line in picked(output, "incident", state="open", kind="sos"))
    assert second["repeat_of"] == first["id"]


def test_the_daughters_are_called_one_after_the_other(tmp_path: Path) -> None:
    given = with_policy({**RELATIVES, "in_turn_s": 45}, kinds=[])
    sister = {"id": "zhou-min", "name": "周敏", "roles": ["relative"], "of": ["zhou-fen"], "phone": "+8613900000008"}
    given["people"].append(sister)
    output = tell(tmp_path, [sos(0), did(70, "zhou-min", "acknowledge", "zhou-fen"), until(300)], given)
    assert told(output) == [("zhou-jie", "sms", at(0)), ("zhou-min", "sms", at(45))]


def test_by_night_and_while_she_is_away_other_people_are_told(tmp_path: Path) -> None:
    away = {"after_s": 0, "tell": ["roster:gate"], "by": ["sms"], "when": {"modes": ["away"]}}
    night = {"after_s": 0, "tell": ["hospital"], "by": ["voice"], "when": {"from": "22:00", "to": "06:00", "severity": ["life"]}}
    given = with_policy(away, night, {**RELATIVES, "after_s": 30}, kinds=[])
    lines = [
        sos(0),
        did(60, "zhou-jie", "resolve", "zhou-fen"),
        armed(100, "b1-101", "away"),
        sos(200),
        did(260, "zhou-jie", "resolve", "zhou-fen"),
        armed(300, "b1-101", "disarmed"),
        sos(13 * HOUR),
        until(13 * HOUR + 60),
    ]
    output = tell(tmp_path, lines, given)
    assert told(output, purpose="tell") == [
        *[("zhou-jie", "sms", at(30))],
        *[("day-guard", "sms", at(200)), ("zhou-jie", "sms", at(230))],
        *[("hospital", "voice", at(13 * HOUR)), ("zhou-jie", "sms", at(13 * HOUR + 30))],
    ]


def test_nobody_answers_and_the_last_step_is_repeated_until_the_office_hears_of_it(tmp_path: Path) -> None:
    given = with_policy(RELATIVES, kinds=[], repeat={"every_s": 60, "times": 2})
    given["people"].append({"id": "office", "name": "物业", "roles": ["administrator"], "phone": "+8613900000009"})
    output = tell(tmp_path, [sos(0), until(300)], given)
    assert told(output, purpose="tell") == [("zhou-jie", "sms", at(0)), ("zhou-jie", "sms", at(60)), ("zhou-jie", "sms", at(120))]
    assert told(output, purpose="update") == [("office", "sms", at(180))]


def test_the_son_in_london_reads_both_times(tmp_path: Path) -> None:
    given = estate()
    given["people"][3]["timezone"] = "Europe/London"
    output = tell(tmp_path, [sos(0, "w-2"), until(5)], given)
    (text,) = [line["text"] for line in picked(output, "notification", to="emma-xu")]
    assert "10:00 (02:00 your time)" in text


def test_her_family_knows_that_falls_are_not_told_and_when_they_are_again(tmp_path: Path) -> None:
    quiet = {"by": "day-guard", "subject": "zhou-fen", "minutes": 60, "reason": "手环送修", "life": True}
    output = tell(tmp_path, [{"at": at(0), "silence": quiet}, sos(600), until(2 * HOUR)])
    assert [(line["to"], line["purpose"], line["at"]) for line in picked(output, "notification")][:3] == [
        ("zhou-jie", "update", at(0)),
        ("day-guard", "ending", at(HOUR)),
        ("zhou-jie", "ending", at(HOUR)),
    ]
    assert "手环送修" in picked(output, "notification")[0]["text"]
    assert ("zhou-jie", "sms", at(HOUR)) in told(output, purpose="tell"), "she still waits for help"


def test_a_silence_that_nobody_may_ask_for_is_rejected(tmp_path: Path) -> None:
    quiet = {"by": "hospital", "subject": "b1-101", "minutes": 60, "reason": "x"}
    (line,) = picked(tell(tmp_path, [{"at": at(0), "silence": quiet}]), "rejected")
    assert (line["topic"], line["reason"]) == ("silence", "hospital may not ask for silence about b1-101")


def test_under_duress_there_is_no_window_and_the_home_hears_nothing(tmp_path: Path) -> None:
    given = estate()
    given["people"][0]["phone"] = "+8613900000011"
    output = tell(tmp_path, [said(0, "w-1", "button", pressed="duress"), until(5)], given)
    assert states(output) == [(at(0), "open")]
    assert {to for to, _, _ in told(output)} == {"zhou-jie", "day-guard"}
    assert all("不要打电话给本人" in line["text"] for line in picked(output, "notification"))

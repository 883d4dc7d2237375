"""What people complain of in other systems (GoAlert, Home Assistant, Alarmo and their like), told as stories that end well here."""

import copy
from pathlib import Path
from typing import Any

from stories import ESTATE, armed, at, did, estate, picked, said, tell, until

Line = dict[str, Any]
DAY = 86400.0
MINUTE = 60.0


def sos(seconds: float, device: str = "w-1", **more: Any) -> Line:
    return said(seconds, device, "button", pressed="sos", **more)


def people(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The estate's people, some of them changed."""
    return [one | changes.get(one["id"].replace("-", "_"), {}) for one in copy.deepcopy(ESTATE["people"])]


def policy(*steps: dict[str, Any], kinds: list[str], **more: Any) -> dict[str, Any]:
    return {"id": "-".join(kinds)[:40].replace("_", "-"), "kinds": kinds, "steps": list(steps), **more}


def told(output: list[Line], **wanted: Any) -> list[tuple[str, str]]:
    """(to, at) of everything handed over."""
    return [(line["to"], line["at"]) for line in picked(output, "notification", **wanted)]


def test_the_next_tier_has_no_contact_method_and_the_one_after_it_is_told_at_once(tmp_path: Path) -> None:
    mute = people(zhou_jie={"phone": None})
    steps = [
        {"after_s": 0, "tell": ["relatives"], "by": ["sms"]},
        {"after_s": 60, "tell": ["zhou-jie"], "by": ["sms"]},
        {"after_s": 600, "tell": ["roster:gate"], "by": ["sms"]},
    ]
    for one in mute:
        one.pop("phone") if one.get("phone", "") is None else None
    given = estate(people=mute, policies=[policy(*steps, kinds=["fall"]), policy(steps[2], kinds=["sos"])])
    given["policies"][0]["kinds"], given["policies"][1]["kinds"] = ["intrusion"], ["sos"]
    given["policies"][0]["steps"][0]["tell"] = ["zhou-jie"]
    lines = [said(0, "door-1", "contact", open=False), armed(1, "b1-101", "away"), said(10, "door-1", "contact", open=True), until(20)]
    output = tell(tmp_path, lines, given)
    assert told(output) == [("day-guard", at(10))]


def test_an_escalation_that_an_acknowledgement_paused_goes_on_when_nobody_comes(tmp_path: Path) -> None:
    lines = [sos(0), did(20, "zhou-jie", "acknowledge", "zhou-fen", eta_min=10), until(660)]
    output = tell(tmp_path, lines)
    assert [line["state"] for line in picked(output, "incident", kind="sos")] == ["open", "acknowledged", "open"]
    assert ("hospital", at(620)) in told(output)


def test_an_escalation_goes_on_again_and_again_whoever_acknowledges_and_does_not_come(tmp_path: Path) -> None:
    lines = [sos(0)]
    lines += [did(30 + 3600 * hour, "zhou-jie", "acknowledge", "zhou-fen", eta_min=30) for hour in range(5)]
    output = tell(tmp_path, [*lines, until(5 * 3600)])
    assert [line["state"] for line in picked(output, "incident", kind="sos")] == ["open", *["acknowledged", "open"] * 5]
    assert len([to for to, _ in told(output) if to == "hospital"]) >= 5


def test_after_somebody_has_it_no_message_leaves_not_even_the_fallback_of_an_earlier_one(tmp_path: Path) -> None:
    lines = [{"at": at(0), "carrier": "silent"}, sos(1), did(5, "day-guard", "acknowledge", "zhou-fen"), until(600)]
    output = tell(tmp_path, lines)
    assert {when for _, when in told(output)} == {at(1)}


def test_a_neighbours_call_is_not_swallowed_by_an_open_incident_next_door(tmp_path: Path) -> None:
    lines = [sos(0), did(5, "day-guard", "on_scene", "zhou-fen"), sos(60, "w-2"), until(70)]
    output = tell(tmp_path, lines)
    assert {line["subject"] for line in picked(output, "incident", state="open")} == {"zhou-fen", "xu-bo"}
    assert ("emma-xu", at(60)) in told(output)


def test_an_sos_is_not_swallowed_by_an_open_fall_that_somebody_has(tmp_path: Path) -> None:
    given = estate()
    given["policies"][0]["kinds"] = ["sos", "duress", "inactivity", "fall", "long_lie"]
    lines = [sos(0), did(5, "day-guard", "acknowledge", "zhou-fen"), sos(120), until(130)]
    output = tell(tmp_path, lines, given)
    assert [line["state"] for line in picked(output, "incident")] == ["open", "acknowledged", "open"]
    assert ("zhou-jie", at(120)) in told(output)


def test_a_burglary_is_not_swallowed_by_last_weeks_incident_that_nobody_closed(tmp_path: Path) -> None:
    first = [said(0, "door-1", "contact", open=False), armed(1, "b1-101", "away"), said(10, "door-1", "contact", open=True)]
    lines = [*first, did(60, "day-guard", "on_scene", "b1-101"), said(90, "door-1", "contact", open=False)]
    beats = [said(DAY * day / 2, "door-1", "status") for day in range(1, 15)]
    again = [said(7 * DAY, "door-1", "contact", open=True), until(7 * DAY + 60)]
    output = tell(tmp_path, [*lines, *sorted([*beats, *again], key=lambda line: line["at"])])
    opened = [line for line in picked(output, "incident", kind="intrusion") if line["state"] == "open"]
    assert len(opened) == 2
    assert opened[1]["repeat_of"] == opened[0]["id"]
    assert ("zhou-jie", at(7 * DAY)) in told(output)


def test_everybody_who_was_told_is_told_how_it_ended(tmp_path: Path) -> None:
    lines = [
        sos(0),
        until(70),
        did(90, "day-guard", "on_scene", "zhou-fen"),
        did(600, "day-guard", "resolve", "zhou-fen"),
        until(610),
    ]
    output = tell(tmp_path, lines)
    alarmed = {line["to"] for line in picked(output, "notification", purpose="tell")}
    endings = picked(output, "notification", purpose="ending")
    assert {line["to"] for line in endings} == alarmed - {"day-guard"} == {"zhou-jie", "hospital"}
    assert all("到达现场" in line["text"] and "处理完毕" in line["text"] for line in endings)


def test_an_ending_is_told_under_silence_too(tmp_path: Path) -> None:
    quiet = {"by": "day-guard", "subject": "b1-101", "minutes": 60, "reason": "换锁"}
    first = [said(0, "door-1", "contact", open=False), armed(1, "b1-101", "away"), said(10, "door-1", "contact", open=True)]
    lines = [*first, {"at": at(30), "silence": quiet}, did(60, "day-guard", "false_alarm", "b1-101"), until(70)]
    assert ("zhou-jie", at(60)) in told(tell(tmp_path, lines), purpose="ending")


def test_work_on_a_door_rings_nobody_and_its_end_is_told_to_who_asked_for_it(tmp_path: Path) -> None:
    quiet = {"by": "day-guard", "subject": "b1-101", "minutes": 30, "reason": "换锁"}
    lines = [
        said(0, "door-1", "contact", open=False),
        armed(1, "b1-101", "away"),
        {"at": at(5), "silence": quiet},
        *(said(60 + 10 * n, "door-1", "contact", open=n % 2 == 0) for n in range(10)),
        did(400, "day-guard", "false_alarm", "b1-101"),
        until(40 * MINUTE),
    ]
    output = tell(tmp_path, lines)
    assert [(line["to"], line["at"], line["purpose"]) for line in picked(output, "notification")] == [
        ("day-guard", at(5 + 30 * MINUTE), "ending")
    ]


def test_a_step_reaches_nobody_and_is_marked(tmp_path: Path) -> None:
    """A fixed line cannot take an SMS: the next channel at once."""
    given = estate(policies=[policy({"after_s": 0, "tell": ["hospital"], "by": ["sms"]}, kinds=["sos"])])
    output = tell(tmp_path, [sos(0), until(5)], given)
    assert [(line["to"], line["channel"], line["at"]) for line in picked(output, "notification")] == [("hospital", "voice", at(0))]

"""What a fall's evidence says: how sure, what speaks for it and against it, and what of its series can be drawn."""

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fakes.falling import IMPACT_G, TURNED_DEG, evidence
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import CommunityId
from devices.simulator import motion
from incidents.directory import Language
from rules.kinds import EventKind
from rules.model import Event
from web.evidence import LONGEST, MOST_CG, SERIES, Account, Reason, Sureness, Trace, account, sureness
from web.fall_window import drawing, fallen
from web.languages import words_in
from web.picture import plot
from web.timeline import decided
from web.words import Words

EN, ZH = words_in(Language.EN), words_in(Language.ZH)

SVG = "{http://www.w3.org/2000/svg}"
CURVES = ("magnitude_cg", "angle_deg_series")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
series = scalars | st.lists(st.integers(-5, 12_000), max_size=60).map(lambda values: " ".join(map(str, values)))


def fall(said: dict[str, Any], *, score: float = 0.97, kind: EventKind = EventKind.FALL) -> Event:
    return Event(community_id=CommunityId("x"), kind=kind, subject="s", t_ns=0, known_ns=0, seq=0, score=score, evidence=said)


def known(said: dict[str, Any], **fields: Any) -> Account:
    found = account(fall(said, **fields))
    assert found is not None
    return found


def trace(said: dict[str, Any]) -> Trace:
    found = known(said).trace
    assert found is not None
    return found


def picture(event: Event, words: Words = EN) -> ET.Element:
    drawn = drawing(event, words)
    assert drawn is not None
    return ET.fromstring(drawn)  # noqa: S314  our own


def texts(drawn: ET.Element) -> list[str]:
    return [" ".join("".join(one.itertext()).split()) for one in drawn.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("percent", "word"),
    [
        (100, Sureness.VERY_LIKELY),
        (90, Sureness.VERY_LIKELY),
        (89, Sureness.LIKELY),
        (66, Sureness.LIKELY),
        (65, Sureness.EVEN),
        (33, Sureness.EVEN),
        (32, Sureness.UNLIKELY),
        (0, Sureness.UNLIKELY),
    ],
)
def test_a_probability_has_one_word(percent: int, word: Sureness) -> None:
    assert sureness(percent) is word


@pytest.mark.parametrize(("score", "percent"), [(1.0, 99), (0.999, 99), (0.896, 90), (0.5, 50), (0.0, 0)])
def test_nothing_is_surer_than_99_percent_and_the_word_is_that_of_the_number_beside_it(score: float, percent: int) -> None:
    found = known(evidence(), score=score)
    assert found.percent == percent
    assert found.sureness is sureness(percent)


def test_a_hard_fall_has_every_reason_for_it_and_none_against() -> None:
    found = known(evidence())
    assert [one.reason for one in found.speaks_for] == [Reason.HIT, Reason.DROPPED, Reason.TURNED, Reason.STILL_SINCE]
    assert found.speaks_against == ()
    assert found.judged_s == 3.0


def test_of_who_is_up_at_once_it_is_said_what_speaks_against_a_fall() -> None:
    found = known(evidence(lies=False), score=0.71)
    assert [one.reason for one in found.speaks_for] == [Reason.HIT, Reason.DROPPED]
    assert [one.reason for one in found.speaks_against] == [Reason.UPRIGHT, Reason.MOVING]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("impact_g", 2.5, Reason.HIT),
        ("impact_g", 2.2, None),
        ("impact_g", 2.0, Reason.SOFT),
        ("lowest_g", 0.65, Reason.DROPPED),
        ("lowest_g", 0.7, None),
        ("lowest_g", 0.8, Reason.NO_DROP),
        ("angle_deg", 45, Reason.TURNED),
        ("angle_deg", 40.0, None),
        ("angle_deg", 35.0, Reason.UPRIGHT),
        ("unrest_g", 0.05, Reason.STILL),
        ("unrest_g", 0.1, None),
        ("unrest_g", 0.15, Reason.MOVING),
    ],
)
def test_what_is_neither_clearly_like_a_fall_nor_unlike_one_is_no_reason(name: str, value: float, reason: Reason | None) -> None:
    found = known({"stage_s": 3.0, name: value})
    assert [one.reason for one in (*found.speaks_for, *found.speaks_against)] == ([reason] if reason else [])


def test_the_phases_are_where_they_were_drawn() -> None:
    found = trace(evidence())
    assert found.low_s is not None
    assert found.low_s == pytest.approx((-0.34, -0.10), abs=0.06)
    assert found.still_s == pytest.approx(0.52, abs=0.09)  # after the second bump
    assert (found.impact_g, found.turned_deg) == (IMPACT_G, TURNED_DEG)


def test_a_step_before_the_fall_is_not_part_of_it() -> None:
    values = str(evidence()["magnitude_cg"]).split()
    for place in (42, 43):  # 0.9 s before the impact
        values[place] = "55"
    found = trace(evidence() | {"magnitude_cg": " ".join(values)})
    assert found.low_s == trace(evidence()).low_s
    values[37] = "55"  # longer ago than any fall lasts
    values[52:65] = ["100"] * 13
    values[42:44] = ["100"] * 2
    values[33] = "55"
    assert trace(evidence() | {"magnitude_cg": " ".join(values)}).low_s == pytest.approx((-1.14, -1.10))


def test_who_moves_on_is_not_still_and_who_was_not_light_did_not_go_down() -> None:
    flat = evidence(lies=False)
    flat["magnitude_cg"] = re.sub(r"\b\d{1,2}\b", "100", str(flat["magnitude_cg"]))
    assert trace(flat).low_s is None
    assert trace(flat).still_s is None


def test_a_movement_at_the_very_end_is_not_called_still() -> None:
    values = str(evidence()["magnitude_cg"]).split()
    values[-3] = "180"
    assert trace(evidence() | {"magnitude_cg": " ".join(values)}).still_s is None


def test_evidence_from_before_scores_were_probabilities_is_told_in_words_without_how_sure() -> None:
    found = known({"impact_g": 5.1, "lowest_g": 0.23, "impulse_gs": 1.1, "unrest_g": 0.07, "angle_deg": 80.7}, score=0.92)
    assert (found.percent, found.sureness, found.trace) == (None, None, None)
    assert [one.reason for one in found.speaks_for] == [Reason.HIT, Reason.DROPPED, Reason.TURNED]


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {EventKind.FALL}))
def test_only_a_fall_is_explained(kind: EventKind) -> None:
    assert account(fall(evidence(), kind=kind)) is None


def test_a_fall_of_which_nothing_is_known_is_not_explained() -> None:
    assert account(fall({})) is None
    assert account(fall({"corroborated_by": "radar-1"})) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"magnitude_cg": ""},
        {"magnitude_cg": "100 98"},
        {"magnitude_cg": "100 nan " + "100 " * 100},
        {"magnitude_cg": "1_0 " * 100},
        {"magnitude_cg": "-5 " * 100},
        {"magnitude_cg": "²² " * 100},
        {"magnitude_cg": f"{MOST_CG + 1} " * 100},
        {"magnitude_cg": "9" * 5000 + " 100" * 100},
        {"magnitude_cg": "100 " * (LONGEST + 1)},
        {"magnitude_cg": 100},
        {"from_s": "-2.6"},
        {"from_s": float("nan")},
        {"from_s": float("inf")},
        {"from_s": True},
        {"from_s": 0.5},
        {"from_s": -90.0},
    ],
    ids=str,
)
def test_a_series_that_makes_no_sense_is_not_drawn_and_the_words_stay(broken: dict[str, Any]) -> None:
    found = known(evidence() | broken)
    assert found.trace is None
    assert plot(found, EN) is None
    assert [one.reason for one in found.speaks_for] == [Reason.HIT, Reason.DROPPED, Reason.TURNED, Reason.STILL]


@pytest.mark.parametrize("name", sorted(SERIES - {"angle_deg_series"}))
def test_a_series_that_is_missing_is_not_drawn(name: str) -> None:
    assert known({key: value for key, value in evidence().items() if key != name}).trace is None


@pytest.mark.parametrize("broken", ["", "0 1 2", "181 " * 141, "x " * 141])
def test_without_the_angle_the_force_is_drawn_alone(broken: str) -> None:
    drawn = plot(known(evidence() | {"angle_deg_series": broken}), EN)
    assert drawn is not None
    assert (drawn.turn == "", drawn.force != "") == (True, True)
    assert float(drawn.height[:-2]) < 12


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*evidence()]), series), st.floats(0, 1))
def test_no_evidence_whatever_is_an_error(broken: dict[str, Any], score: float) -> None:
    event = fall(evidence() | broken, score=score)
    found = account(event)
    for words in (EN, ZH):
        assert found is None or decided(found, words) is not None
        drawn = drawing(event, words)
        assert drawn is None or ET.fromstring(drawn) is not None  # noqa: S314  our own


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_a_picture_is_named_says_what_it_shows_and_is_small(words: Words) -> None:
    drawn = drawing(fall(evidence()), words)
    assert drawn is not None
    assert len(drawn.encode()) < 15_000
    root = ET.fromstring(drawn)  # noqa: S314  our own
    inner = next(one for one in root.iter(f"{SVG}svg") if one.get("role") == "img")
    says = {one.get("id"): one.text for one in inner}
    assert says[inner.get("aria-labelledby")] == words.marks["title"]
    assert f"{IMPACT_G:.1f}" in (says[inner.get("aria-describedby")] or "")
    assert not list(root.iter(f"{SVG}script"))


def test_the_longest_picture_is_small_too() -> None:
    values = {name: " ".join(["173"] * LONGEST) for name in CURVES}
    drawn = drawing(fall(evidence() | values), EN)
    assert drawn is not None
    assert len(drawn.encode()) < 15_000


def test_the_marks_of_the_phases_stand_in_the_picture() -> None:
    said = texts(picture(fall(evidence())))
    assert said[0] == "Very likely a fall97 % sure"
    for mark in ("dropping", f"hit, {IMPACT_G:.1f} g", "lying still", "Turned by", "81°", "−2", "0", "3 s"):
        assert mark in said
    assert {"lying still", "still"}.isdisjoint(texts(picture(fall(evidence(lies=False), score=0.71))))


def test_who_is_still_without_having_turned_is_not_said_to_lie() -> None:
    said = texts(picture(fall(evidence() | {"angle_deg": 20.0})))
    assert "still" in said
    assert "lying still" not in said


def test_the_dot_stands_on_the_tip_that_the_series_missed() -> None:
    values = [min(int(value), 250) for value in str(evidence()["magnitude_cg"]).split()]
    drawn = plot(known(evidence() | {"magnitude_cg": " ".join(map(str, values))}), EN)
    assert drawn is not None
    across, down = (np.array([int(one) for one in drawn.force[1:].split()]).reshape(-1, 2).T).tolist()
    assert across == sorted(across)
    highest_em = 1.7 + 8.0 * min(down) / 1000
    assert float(drawn.dot[:-2]) < highest_em - 2
    assert max(across) == 1000


def test_an_early_word_reaches_less_far_and_says_so() -> None:
    early = decided(known(evidence(until_s=1.5)), EN)
    assert early.more.startswith("Seen up to 1.5 s after the hit.")
    assert early.plot is not None
    assert early.plot.ticks[-1].text == "1 s"


def test_words_are_never_markup() -> None:
    odd = replace(EN, marks=EN.marks | {"title": "<script>&"})
    root = picture(fall(evidence()), odd)
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>&" in "".join(root.itertext())


def test_a_simulated_fall_is_found_by_the_detector_and_told() -> None:
    event = fallen(motion.fall(np.random.default_rng(6), typical=True))
    assert event is not None
    assert Reason.HIT in [one.reason for one in known(dict(event.evidence)).speaks_for]
    assert account(event) is not None


def test_a_quiet_day_draws_nothing() -> None:
    assert fallen(motion.resting(np.random.default_rng(6), 20.0)) is None
    assert drawing(fall({"impact_g": 3.0}), EN) is None

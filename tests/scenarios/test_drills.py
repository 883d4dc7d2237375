"""A drill through the whole core: nobody mistakes any text of it, in any language, for something real."""

from pathlib import Path
from typing import Any

import pytest
from stories import at, did, estate, picked, said, tell, until

MARKS = {
    "zh": ("演练，没有真的出事", "这是演练，没有真的出事"),
    "zh-Hant": ("演練，沒有真的出事", "這是演練，沒有真的出事"),
    "en": ("DRILL, not real", "This is only a drill"),
}
"""How a text says it, and how a call does."""

REAL = ("疑似", "马上上门", "馬上上門", "may have fallen", "go there now")
"""Words of a real fall."""


def drilling(language: str, *, by: tuple[str, ...] = ("sms", "voice", "push", "email")) -> dict[str, Any]:
    given = estate()
    given["people"].append({"id": "office", "name": "物业", "roles": ["administrator"], "phone": "+8613900000009"})
    for person in given["people"]:
        if "resident" not in person["roles"]:
            push = '{"endpoint": "https://push.example.org/1", "keys": {"p256dh": "a", "auth": "b"}}'
            person |= {"language": language, "contacts": [{"push": push}, {"email": "a@example.org"}]}
    given["policies"][0]["steps"][0]["by"] = list(by)
    given["policies"][0]["repeat"] = {"every_s": 300, "times": 1}
    return given


def drill(seconds: float, resident: str = "zhou-fen", by: str = "office") -> dict[str, Any]:
    return {"at": at(seconds), "drill": {"by": by, "resident": resident}}


def texts(output: list[dict[str, Any]], incident: str) -> list[dict[str, Any]]:
    return [line for line in picked(output, "notification") if line["incident"] == incident]


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
def test_every_text_and_call_of_it_says_that_it_is_one(tmp_path: Path, language: str) -> None:
    lines = [drill(0), did(100, "zhou-jie", "acknowledge", "zhou-fen", eta_min=2), did(500, "office", "resolve", "zhou-fen"), until(600)]
    output = tell(tmp_path, lines, drilling(language))
    (incident,) = {line["id"] for line in picked(output, "incident")}
    heard = texts(output, incident)
    assert {line["channel"] for line in heard} == {"sms", "voice", "push", "email"}
    assert {line["purpose"] for line in heard} == {"tell", "ending"}
    written, spoken = MARKS[language]
    for line in heard:
        mark = spoken if line["channel"] == "voice" else written
        before = line["text"].partition(mark)[0]
        assert mark in line["text"], line["text"]
        assert len(before) <= len("A message from 柳岸新村. "), line["text"]  # it is what is read, or heard, first
        assert not any(word in line["text"] for word in REAL), line["text"]
    assert "hospital" not in {line["to"] for line in heard}


def test_so_does_that_nobody_answers(tmp_path: Path) -> None:
    output = tell(tmp_path, [drill(0), until(3600)], drilling("zh", by=("sms",)))
    (incident,) = {line["id"] for line in picked(output, "incident")}
    heard = texts(output, incident)
    assert {line["purpose"] for line in heard} == {"tell", "update", "ending"}
    assert all("演练，没有真的出事" in line["text"] for line in heard if line["channel"] == "sms")
    assert heard[-1]["text"] == "【柳岸新村】演练，没有真的出事：已结束：假设周芬（1栋101室）10:00摔倒。一直没有人接手。谢谢参加演练。"


@pytest.mark.parametrize(
    ("language", "first", "last"),
    [
        (
            "zh",
            "【柳岸新村】演练，没有真的出事：假设周芬（1栋101室）10:00摔倒。请像真的一样回答。不用上门，不要打120。回复1=我去处理，1误报=误报。",
            "【柳岸新村】演练，没有真的出事：已结束：假设周芬（1栋101室）10:00摔倒。10:01由物业处理完毕。谢谢参加演练。",
        ),
        (
            "zh-Hant",
            "【柳岸新村】演練，沒有真的出事：假設周芬（1栋101室）10:00跌倒。請像真的一樣回答。不用上門，不要打120。回覆1=我去處理，1誤報=誤報。",
            "【柳岸新村】演練，沒有真的出事：已結束：假設周芬（1栋101室）10:00跌倒。10:01由物业處理完畢。多謝參加演練。",
        ),
        (
            "en",
            (
                "DRILL, not real: Suppose 周芬 (1栋101室) fell at 10:00. Answer as if real. Do not go, do not call 120."
                " Reply 1=I go, 1 false=false alarm"
            ),
            (
                "DRILL, not real: Over: Suppose 周芬 (1栋101室, 柳岸新村) fell at 10:00. 物业 resolved it at 10:01."
                " Thank you for taking part in the drill."
            ),
        ),
    ],
)
def test_the_words_of_it(tmp_path: Path, language: str, first: str, last: str) -> None:
    output = tell(tmp_path, [drill(0), did(60, "office", "resolve", "zhou-fen")], drilling(language, by=("sms",)))
    assert [line["text"] for line in picked(output, "notification", to="zhou-jie")] == [first, last]


def test_what_really_happens_meanwhile_is_told_as_it_is_and_the_drill_stops(tmp_path: Path) -> None:
    lines = [drill(0), said(20, "w-1", "button", pressed="sos"), until(100)]
    output = tell(tmp_path, lines, drilling("zh", by=("sms",)))
    practice, real = dict.fromkeys(line["id"] for line in picked(output, "incident"))
    assert [(line["kind"], line["state"], line["severity"]) for line in picked(output, "incident")] == [
        ("drill", "open", "urgent"),
        ("drill", "resolved", "urgent"),
        ("sos", "open", "life"),
    ]
    told = texts(output, real)
    assert [(line["at"], line["to"]) for line in told] == [
        (at(20), "day-guard"),
        (at(20), "zhou-jie"),
        (at(80), "hospital"),
    ]
    assert not any("演练" in line["text"] for line in told)
    assert texts(output, practice)[-1]["text"] == (
        "【柳岸新村】演练，没有真的出事：已结束：假设周芬（1栋101室）10:00摔倒。有真的报警，演练马上停止。"
    )


def test_who_may_not_begin_one_is_rejected(tmp_path: Path) -> None:
    output = tell(tmp_path, [drill(0, by="zhou-jie")], drilling("zh"))
    assert output == [{"at": at(0), "type": "rejected", "topic": "drill", "reason": "zhou-jie is no administrator, who alone begin drills"}]


def test_the_same_bytes_at_any_batch(tmp_path: Path) -> None:
    lines = [drill(0), said(20, "w-1", "button", pressed="sos"), until(100)]
    assert tell(tmp_path, lines, drilling("zh"), batch=1) == tell(tmp_path, lines, drilling("zh"), batch=256)

import json
from collections.abc import Callable

import numpy as np
import pytest

from devices.model import Message, SensorKind
from devices.sensors.keypad import KEYPAD, MODES
from rules.kinds import Mode

Build = Callable[..., Message]


def test_its_modes_are_those_of_a_home() -> None:
    assert tuple(Mode) == MODES


def test_a_code_keeps_its_leading_zeros_and_every_mode_has_its_number(message: Build) -> None:
    batch = KEYPAD.decode([message(SensorKind.KEYPAD, {"mode": mode, "code": f"00{n}0"}) for n, mode in enumerate(Mode)]).batch
    assert [Mode(MODES[number]) for number in batch.mode] == list(Mode)
    assert batch.code.tolist() == ["0000", "0010", "0020", "0030", "0040"]
    assert batch.mode.dtype == np.int8


@pytest.mark.parametrize(
    "code", [2580, 25.8, True, "258", "1234567890123", "25 80", "２５８０", "²²²²", "", "7C2A91FF", ["2580"], {"code": "2580"}, None]
)
def test_a_wrong_code_is_set_aside_and_not_shown(code: object, message: Build) -> None:
    (rejected,) = KEYPAD.decode([message(SensorKind.KEYPAD, {"mode": "away", "code": code})]).rejected
    assert rejected.reason == "$.code is not shown, wanted a string of 4 to 12 digits"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"mode": "away"}, "$.code is missing"),
        ({"code": "98765"}, "$.mode is missing"),
        ({"mode": "armed", "code": "98765"}, "$.mode is 'armed', wanted one of disarmed, home, away, night, holiday"),
        ({"mode": None, "code": "98765"}, "$.mode is None, wanted `str`, got `null`"),
        ({"t": "soon", "mode": "away", "code": "98765"}, "$.t is 'soon', wanted ISO 8601"),
    ],
)
def test_whatever_else_is_wrong_the_code_is_not_shown(payload: dict[str, object], reason: str, message: Build) -> None:
    (rejected,) = KEYPAD.decode([message(SensorKind.KEYPAD, payload)]).rejected
    assert rejected.reason.startswith(reason)
    assert "98765" not in rejected.reason


def test_broken_json_does_not_show_the_code(message: Build) -> None:
    whole = json.dumps({"t": 1_772_416_800_000, "mode": "away", "code": "98765"}).encode()
    for payload in (whole[:-1], whole[:-3], whole.replace(b"98765", b"9876\xff"), whole.replace(b'"98765"', b"'98765'"), whole + b"98765"):
        (rejected,) = KEYPAD.decode([message(SensorKind.KEYPAD, payload)]).rejected
        assert "9876" not in rejected.reason


def test_the_text_of_a_batch_has_no_code(message: Build) -> None:
    batch = KEYPAD.decode([message(SensorKind.KEYPAD, {"mode": "away", "code": "98765"})]).batch
    assert "98765" not in f"{batch!r}{batch}"

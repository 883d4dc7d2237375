"""`anju notify`: the way to somebody, tried from the command line."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from fakes.command import anju
from stories import ESTATE

from notifier.carrier.provider import Refuse
from notifier.carrier.twilio import FakeTwilio


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with an estate in it."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "estate.yaml").write_text(json.dumps(ESTATE, ensure_ascii=False), encoding="utf-8")
    assert run(folder, "import", folder / "estate.yaml").returncode == 0
    return folder


def run(state: Path, *arguments: object, settings: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    config = state / "anju.toml"
    config.write_text(f"state = {json.dumps(str(state))}\n{settings}", encoding="utf-8")
    return anju(*arguments, f"--config={config}", environment=os.environ | environment)


def test_a_dry_run_says_by_what_it_would_go_and_sends_nothing(state: Path) -> None:
    done = run(state, "notify", "--to", "zhou-jie", "--dry-run")
    assert done.stdout.splitlines() == [
        "sms to 周杰 (zhou-jie) +8613900000001",
        "by console",
        "【安居】这是一条测试消息，没有人需要帮助。  [1 SMS]",
    ]
    assert (done.returncode, (state / "phones.jsonl").exists()) == (0, False)


def test_a_route_decides_which_gateway_comes_first(state: Path, twilio: FakeTwilio) -> None:
    settings = 'gateway = ["twilio", "console"]\n[[route]]\ngateway = "console"\nprefix = "+86"\n[[route]]\ngateway = "twilio"\n'
    dry = [run(state, "notify", "--to", to, "--dry-run", settings=settings, **twilio.environment).stdout for to in ("zhou-jie", "emma-xu")]
    assert [text.splitlines()[1] for text in dry] == ["by console, then twilio", "by twilio"]
    assert "This is a test." in dry[1]
    assert twilio.messages == []


def test_it_is_sent_and_what_came_of_it_is_said(state: Path, twilio: FakeTwilio) -> None:
    sent = run(state, "notify", "--to", "emma-xu", "--text", "hello", settings='gateway = "twilio"\n', **twilio.environment)
    assert (sent.returncode, sent.stdout.splitlines()[-1]) == (0, "twilio: accepted")
    assert twilio.bodies == [("+447700900123", "hello")]


def test_a_code_is_explained_with_its_source(state: Path, twilio: FakeTwilio) -> None:
    twilio.creates.append(Refuse(400, 21211))
    known = twilio.environment
    mode = {"TWILIO_TEST_ACCOUNT_SID": known["TWILIO_ACCOUNT_SID"], "TWILIO_TEST_AUTH_TOKEN": known["TWILIO_AUTH_TOKEN"]}
    done = run(state, "notify", "--to", "+15005550001", "--test-mode", settings='gateway = "twilio"\n', **known, **mode)
    assert done.returncode == 1
    wanted = "twilio: rejected, 21211: the number is invalid (broken; https://www.twilio.com/docs/api/errors/21211)"
    assert done.stdout.splitlines()[-1] == wanted


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--to", "nobody-here"], "is nobody"),
        (["--to", "+1"], "phone number"),
        (["--to", "hospital", "--channel", "sms"], "has no sms, has voice"),
        (["--to", "zhou-jie", "--channel", "push"], "has no push"),
    ],
)
def test_who_cannot_be_told_is_one_line(state: Path, arguments: list[str], what: str) -> None:
    done = run(state, "notify", *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert what in done.stderr


@pytest.fixture
def twilio() -> object:
    with FakeTwilio() as fake:
        yield fake


def test_a_contact_method_is_verified_by_the_code_that_was_sent_there(state: Path, twilio: FakeTwilio) -> None:
    settings, at = 'gateway = "twilio"\n', ("--to", "emma-xu", "--channel", "sms")
    sent = run(state, "contact", "verify", *at, settings=settings, **twilio.environment)
    assert (sent.returncode, sent.stdout.splitlines()[-1]) == (0, "twilio: accepted")
    code = re.findall(r"\b\d{6}\b", twilio.bodies[-1][1])[0]
    again = run(state, "contact", "verify", *at, settings=settings, **twilio.environment)
    assert "a code was sent to emma-xu" in again.stderr
    wrong = run(state, "contact", "confirm", *at, "000000" if code != "000000" else "000001")
    assert (wrong.returncode, wrong.stdout) == (1, "wrong\n")
    right = run(state, "contact", "confirm", *at, code)
    assert (right.returncode, right.stdout) == (0, "verified\n")
    known = [json.loads(line) for line in run(state, "contact", "list").stdout.splitlines()]
    assert {one["state"] for one in known if (one["person"], one["channel"]) == ("emma-xu", "sms")} == {"verified"}
    assert {one["state"] for one in known if one["person"] != "emma-xu"} == {"unverified"}
    assert run(state, "contact", "forget", *at).returncode == 0
    assert "verified" not in {json.loads(line)["state"] for line in run(state, "contact", "list").stdout.splitlines()}


@pytest.mark.parametrize(("arguments", "what"), [(["--month", "2026-13"], "is no month"), ([], "")])
def test_costs_are_told_by_community_and_gateway(state: Path, arguments: list[str], what: str) -> None:
    done = run(state, "costs", *arguments, settings='[[price]]\ngateway = "twilio"\neach = 0.05\n[quota]\nwillow = 200\n')
    assert (done.returncode == 0, what in done.stderr) == (not what, True)

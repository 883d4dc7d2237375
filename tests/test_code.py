"""`anju code`: from what somebody types to what their community's file says of it."""

import json

import pytest
from click.testing import CliRunner, Result
from stories import estate

from app import cli  # noqa: TID251  the command line is the composition root
from devices.model import PersonId
from rules.home import codes
from store import community
from store.model import InputError


def code(*arguments: str, typed: str) -> Result:
    return CliRunner().invoke(cli, ["code", *arguments], input=typed)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_it_prints_one_line_that_a_community_file_takes(end: str) -> None:
    done = code("--stdin", typed=f"0123{end}")
    (line,) = done.stdout.splitlines()
    given = estate()
    given["people"][0] |= {"code": line}
    kept = community.parse(json.dumps(given), "file").codes[PersonId("zhou-fen")]
    assert codes.whose("0123", {PersonId("zhou-fen"): kept}) == ("zhou-fen", False)


def test_it_asks_twice_and_shows_nothing_of_it() -> None:
    done = code(typed="0123\n0123\n")
    (line,) = done.stdout.splitlines()
    assert codes.matches("0123", line)
    assert "0123" not in done.stderr
    assert done.stderr.count("Code") == 1


def test_two_that_differ_are_asked_for_again() -> None:
    assert codes.matches("4567", code(typed="0123\n0124\n4567\n4567\n").stdout.strip())


def test_the_same_code_is_never_printed_the_same_way() -> None:
    assert code("--stdin", typed="0123").stdout != code("--stdin", typed="0123").stdout


@pytest.mark.parametrize("typed", ["", "987", "9876543210987", "98 765", "９８７６", "98765x"])
def test_what_is_no_code_is_wrong_input_and_not_shown(typed: str) -> None:
    error = code("--stdin", typed=typed).exception
    assert isinstance(error, InputError)
    assert str(error) == "code: is not shown, wanted 4 to 12 digits"

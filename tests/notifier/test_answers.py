"""What people write back, as they write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.model import Do
from notifier.answers import Reply, Wish, free_number, understood


@pytest.mark.parametrize(
    ("text", "number", "do"),
    [
        ("1", 1, Do.ACKNOWLEDGE),
        ("1 到", 1, Do.ACKNOWLEDGE),
        ("1到", 1, Do.ACKNOWLEDGE),
        (" １ ", 1, Do.ACKNOWLEDGE),
        ("“1”", 1, Do.ACKNOWLEDGE),
        ("12 ok", 12, Do.ACKNOWLEDGE),
        ("1, on my way!", 1, Do.ACKNOWLEDGE),
        ("1 I have it, thanks", 1, Do.ACKNOWLEDGE),
        ("收到", None, Do.ACKNOWLEDGE),
        ("我去处理", None, Do.ACKNOWLEDGE),
        ("Yes.", None, Do.ACKNOWLEDGE),
        ("1 误报", 1, Do.FALSE_ALARM),
        ("1误报，谢谢", 1, Do.FALSE_ALARM),
        ("２ 误报。", 2, Do.FALSE_ALARM),
        ("1 False alarm", 1, Do.FALSE_ALARM),
        ("1 false-alarm", 1, Do.FALSE_ALARM),
        ("误报", None, Do.FALSE_ALARM),
        ("1 去不了", 1, Do.DECLINE),
        ("1 can't", 1, Do.DECLINE),
        ("1 can’t go", 1, Do.DECLINE),
        ("I can't", None, Do.DECLINE),
        ("1 no", 1, Do.DECLINE),
        ("1 到了", 1, Do.ON_SCENE),
        ("1 I'm here", 1, Do.ON_SCENE),
    ],
)
def test_answers_are_understood_as_they_are_written(text: str, number: int | None, do: Do) -> None:
    assert understood(text) == Reply(number=number, do=do)


@pytest.mark.parametrize(
    ("text", "wish"), [("STOP", Wish.STOP), ("stop.", Wish.STOP), ("退订", Wish.STOP), ("TD", Wish.STOP), ("Start", Wish.START)]
)
def test_who_wants_no_messages_says_so_in_the_usual_words(text: str, wish: Wish) -> None:
    assert understood(text) is wish


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "谁摔倒了",
        "is it true?",
        "1 不知道",
        "1 not a false alarm",
        "1 不是误报",
        "call me",
        "13800000001",
        "1 1",
        "1 2",
        "no false alarm",
        "没收到",
    ],
)
def test_what_is_not_clear_is_no_answer(text: str) -> None:
    assert understood(text) is None


@given(st.text())
def test_anything_may_be_written(text: str) -> None:
    said = understood(text)
    assert said is None or isinstance(said, Reply | Wish)


def test_numbers_are_small_and_given_once() -> None:
    assert free_number(frozenset()) == 1
    assert free_number(frozenset({1, 2, 4})) == 3
    assert free_number(frozenset({2})) == 1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.messages.segments import is_gsm7, segments, utf16_units


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("安" * 70, 1),
        ("安" * 71, 2),
        ("安" * 134, 2),
        ("安" * 135, 3),
        ("a" * 69 + "安", 1),
        ("é" * 160, 1),
        ("ë" * 71, 2),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_the_standard_does(text: str, count: int) -> None:
    assert segments(text) == count


def test_an_escaped_character_is_not_cut_in_two() -> None:
    assert segments("a" * 152 + "[" + "a" * 151) == 2
    assert segments("a" * 152 + "[" + "a" * 152) == 3


def test_a_surrogate_pair_is_not_cut_in_two() -> None:
    assert segments("安" * 66 + "😀" + "安" * 65) == 2
    assert segments("安" * 66 + "😀" + "安" * 66) == 3


@given(text=st.text(max_size=400))
def test_units_are_those_of_utf_16(text: str) -> None:
    assert utf16_units(text) == len(text.encode("utf-16-le")) // 2


@given(text=st.text(max_size=300), more=st.characters(exclude_categories=["Cs"]))
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert segments(text + more) >= segments(text)


def test_chinese_is_not_of_the_7_bit_alphabet() -> None:
    assert is_gsm7("Building 3, floor 2 [€]")
    assert not is_gsm7("3栋")

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import SensorKind
from devices.topics import Topic, parse


def test_a_topic_names_community_device_and_kind() -> None:
    assert parse("anju/elm-3/w-01/button") == Topic(community="elm-3", device="w-01", kind=SensorKind.BUTTON)


def test_an_id_may_have_63_characters_and_no_more() -> None:
    assert isinstance(parse(f"anju/elm/{'a' * 63}/button"), Topic)
    assert isinstance(parse(f"anju/elm/{'a' * 64}/button"), str)


@pytest.mark.parametrize(
    ("topic", "named"),
    [
        ("", "topic"),
        ("anju", "topic"),
        ("anju/elm/w-1", "topic"),
        ("anju/elm/w-1/button/x", "topic"),
        ("Anju/elm/w-1/button", "topic"),
        ("/anju/elm/w-1/button", "topic"),
        ("anju/Elm/w-1/button", "community"),
        ("anju//w-1/button", "community"),
        ("anju/elm/-w/button", "device"),
        ("anju/elm/w-1\n/button", "device"),
        ("anju/elm/w_1/button", "device"),
        ("anju/elm/w-1/pulse", "kind"),
        ("anju/elm/w-1/", "kind"),
    ],
)
def test_a_broken_topic_is_told_by_what_is_broken(topic: str, named: str) -> None:
    reason = parse(topic)
    assert isinstance(reason, str)
    assert reason.startswith(named)


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_no_topic_raises(topic: str) -> None:
    assert isinstance(parse(topic), str | Topic)

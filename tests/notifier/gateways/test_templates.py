import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateways.model import GatewaySettingsError, Slots
from notifier.gateways.templates import Template, filled, named, templates_from

SLOTS = Slots(characters=35, source="")
TEMPLATES = tuple(
    Template.parse(code, text)
    for code, text in (
        ("two", "安居提醒，${a}，其次${b}，请处理。"),
        ("one", "安居提醒，${a}，请处理。"),
        ("three", "安居提醒，${a}，其次${b}，再次${c}，请处理。"),
    )
)
TEXT = "【柳岸新村】周芬（1栋101室）10:02疑似摔倒，到10:03已有1分钟没有起来。请立即前往查看，并回复到。"


def put(text: str) -> tuple[str, tuple[str, ...]]:
    found = filled(text, TEMPLATES, SLOTS)
    assert not isinstance(found, str), found
    return found[0].code, found[1]


def test_a_short_text_goes_into_one_variable() -> None:
    assert put("周芬10:02疑似摔倒。") == ("one", ("周芬10:02疑似摔倒",))


def test_a_longer_text_is_cut_where_a_clause_ends_and_never_within_a_time() -> None:
    code, values = put(TEXT)
    assert code == "two"
    assert values == ("柳岸新村，周芬（1栋101室）10:02疑似摔倒", "到10:03已有1分钟没有起来。请立即前往查看，并回复到")


def test_the_signature_of_a_text_becomes_plain_words_because_the_provider_adds_its_own() -> None:
    assert "【" not in "".join(put(TEXT)[1])


@pytest.mark.parametrize("text", ["请拨13900000001。", "见https://example.org/a", "见WWW.example.org", "周芬【1】摔倒"])
def test_numbers_links_and_brackets_are_never_put_in(text: str) -> None:
    assert filled(text, TEMPLATES, SLOTS) == "forbidden_in_template"


def test_a_number_within_a_longer_one_is_no_telephone() -> None:
    assert put("水表到10:02共12390000000123升。")[0] == "one"


def test_what_fits_no_template_says_so() -> None:
    assert filled("摔" * 106, TEMPLATES, SLOTS) == "too_long_for_template"
    assert put("摔" * 105)[0] == "three"


@given(st.text(alphabet=st.sampled_from("周芬1栋室，。、 摔倒a:"), min_size=1, max_size=120).filter(lambda text: text.strip("，。、 ")))
def test_nothing_but_punctuation_is_lost_and_no_variable_is_empty_or_too_long(text: str) -> None:
    found = filled(text, TEMPLATES, SLOTS)
    if isinstance(found, str):
        return
    _, values = found
    assert all(0 < len(value) <= 35 for value in values)
    assert re.sub("[，。、 ]", "", "".join(values)) == re.sub("[，。、 ]", "", text)


def test_variables_come_by_name_and_in_their_places() -> None:
    template = Template.parse("two", "甲${a}乙${b}丙")
    assert (template.shown(("1", "2")), named(template, ("1", "2"))) == ("甲1乙2丙", {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("text", "what"), [("安居提醒", "none"), ("${a}和${a}", "each once"), ("安居${a}，${b}", "side by side"), ("${a}${b}", "side by side")]
)
def test_a_template_that_no_provider_approves_is_an_error_at_once(text: str, what: str) -> None:
    with pytest.raises(GatewaySettingsError, match=what):
        Template.parse("it", text)


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"a": 1}', "SMS_1"])
def test_what_is_no_json_object_of_texts_is_an_error(said: str) -> None:
    with pytest.raises(GatewaySettingsError, match="IT is not what was wanted"):
        templates_from("IT", said)


def test_templates_are_a_json_object_of_codes_and_texts() -> None:
    (template,) = templates_from("IT", '{"SMS_1": "安居提醒，${a}，请处理。"}')
    assert (template.code, template.names) == ("SMS_1", ("a",))

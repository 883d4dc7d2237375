"""YAML 1.2 to plain values: what it means, what is refused, and where it stands."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.document import MAX_BYTES, Plain, parse, read, shown, spelled
from store.model import InputError


def error_of(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, "c.yaml")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("no", "no"),
        ("on", "on"),
        ("08:00", "08:00"),
        ("12:30:45", "12:30:45"),
        ("2026-03-01", "2026-03-01"),
        ("true", True),
        ("~", None),
        ("08", 8),
        ("0o14", 12),
        ("0x1f", 31),
        ("+447700900002", 447700900002),
        ("1.5e2", 150.0),
        ("'12'", "12"),
        ('"\\u738b"', "王"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, means: object) -> None:
    value = parse(f"a: {written}\n", "c.yaml").value["a"]
    assert (type(value) if not isinstance(value, str) else str, value) == (type(means), means)


def test_text_without_quotes_is_marked_as_plain() -> None:
    values = parse("{a: 08:00, b: \"08:00\", c: '08:00'}", "c.yaml").value
    assert [isinstance(value, Plain) for value in values.values()] == [True, False, False]


def test_json_is_yaml_and_all_its_text_is_quoted() -> None:
    values = parse('{"a": "08:00", "b": [1, 2.5, null]}', "c.yaml").value
    assert values == {"a": "08:00", "b": [1, 2.5, None]}
    assert not isinstance(values["a"], Plain)


@pytest.mark.parametrize("text", ['{"name": "\\ud842\\udfb7"}', 'name: "\\ud842\\udfb7"'])
def test_a_rare_character_escaped_as_json_does_is_one_character(text: str) -> None:
    assert parse(text, "c.yaml").value == {"name": "𠮷"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("# nothing but words\n", "is empty"),
        ("- a\n- b\n", "holds no keys"),
        ("a: 1\nb: [1\n", "line 3"),
        ("a: 1\na: 2\n", "line 2: a: stands here twice"),
        ('{"a": 1, "a": 2}', "a: stands here twice"),
        ("a: 1\n---\nb: 2\n", "another document"),
        ("a: !!python/object:os.system {}\n", "tag"),
        ("a: !secret 3\n", "tag"),
        ("a: !!binary aGVsbG8=\n", "tag"),
        ("? [1, 2]\n: 3\n", "a key is a list"),
        ("a: \x00", "not YAML"),
        ("a: &a [*a]\n", "nested too deeply"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: " + "9" * 5000, "no number"),
        ("%YAML 1.1\n---\na: 12:30\n", "no number"),
        ("a: *nowhere\n", "alias"),
    ],
)
def test_what_no_community_file_may_hold_is_refused(text: str, said: str) -> None:
    assert said in error_of(text)


def test_aliases_of_aliases_do_not_multiply_without_end() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    assert "values, aliases followed" in error_of("\n".join(lines))


def test_an_anchor_may_be_used_again() -> None:
    assert parse("a: &days [mon, tue]\nb: *days\n", "c.yaml").value == {"a": ["mon", "tue"], "b": ["mon", "tue"]}


@pytest.mark.parametrize("text", ["a:\n  - x: 1\n    y: 2\n", '{"a": [\n {"x": 1,\n\n "y": 2}]}'])
def test_a_path_has_its_line_in_yaml_and_in_json(text: str) -> None:
    lines = text.splitlines()
    number = next(place for place, line in enumerate(lines, start=1) if "y" in line)
    assert parse(text, "c.yaml").line(("a", 0, "y")) == number


def test_the_line_of_something_missing_is_that_of_what_should_hold_it() -> None:
    assert parse("a: 1\nb:\n  c: 2\n", "c.yaml").line(("b", "d", 3)) == 2


def test_a_path_is_spelled_as_people_read_it() -> None:
    assert spelled(("people", 2, "phone")) == "people[2].phone"
    assert spelled(("people", "tele phone\n")) == "people.'tele phone\\n'"


def test_a_value_is_shown_on_one_line_and_not_endlessly() -> None:
    assert "\n" not in shown("a\nb\u2028c")
    assert len(shown("x" * 1000)) <= 60


@pytest.mark.parametrize(("raw", "said"), [(b"a: \xff\n", "line 1"), (b"a: 1\nb: \xe7\x8e\n", "line 2")])
def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path, raw: bytes, said: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(raw)
    with pytest.raises(InputError, match=said):
        read(file)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(file) == "a: 1\n"


def test_a_file_beyond_the_limit_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="larger than"):
        read(file)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / name)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@?,#~<=. \n\t0918\\u\x85\u2028\ufeff王"), max_size=40))
def test_garbage_is_values_or_one_line(text: str) -> None:
    try:
        parse(text, "c.yaml")
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  either outcome is right


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)))
def test_json_means_the_same_as_in_json(values: dict[str, object]) -> None:
    assert parse(json.dumps(values), "c.yaml").value == values

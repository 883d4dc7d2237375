"""Every language says all that is said, with the same blanks; what is missing, doubtful or stray stops the build."""

from pathlib import Path

import pytest

from incidents.directory import Language
from notifier.messages.catalogue import TranslationError, messages, path_of, read, translated, written
from notifier.messages.languages import HERE, wording_in
from notifier.messages.zh import ZH

OTHERS = sorted(set(Language) - {Language.ZH})
FALL = """msgctxt "happened/fall"
msgid "{who}{time}疑似摔倒。"
msgstr "{who} may have fallen {at}."
"""


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_says_just_what_the_table_says(language: Language) -> None:
    path = path_of(HERE, language, "messages")
    assert path.read_bytes() == written(ZH, read(path)), "make translations"
    assert messages(wording_in(language)).keys() == messages(ZH).keys()


@pytest.mark.parametrize(
    ("instead", "fault"),
    [
        (FALL.replace("{who} may have fallen {at}.", ""), "happened/fall .* is missing"),
        ("", "happened/fall .* is missing"),
        ("#, fuzzy\n" + FALL, "happened/fall .* is marked as doubtful"),
        (FALL.replace("{at}", "then"), r"happened/fall says \['who'\] where"),
        (FALL.replace("{at}", "{at} {name}"), r"happened/fall says \['name', 'time', 'who'\] where"),
        (FALL + "\n" + FALL.replace("happened/fall", "happened/flood"), "happened/flood .* is nothing that is said"),
    ],
    ids=["empty", "left out", "doubtful", "a blank less", "a blank more", "stray"],
)
def test_a_catalogue_that_is_not_whole_is_refused(instead: str, fault: str, tmp_path: Path) -> None:
    whole = path_of(HERE, "en", "messages").read_text(encoding="utf-8")
    assert FALL in whole
    path = tmp_path / "messages.po"
    path.write_text(whole.replace("#, python-brace-format\n" + FALL, instead), encoding="utf-8")
    with pytest.raises(TranslationError, match=fault):
        translated(ZH, path)


def test_what_is_new_waits_for_its_translation_and_what_is_gone_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "messages.po"
    before = path_of(HERE, "en", "messages").read_text(encoding="utf-8")
    path.write_text(before.replace(FALL, FALL.replace("疑似摔倒", "倒下")), encoding="utf-8")
    after = written(ZH, read(path)).decode()
    assert "倒下" not in after
    assert FALL.replace("{who} may have fallen {at}.", "") in after
    assert after.count("msgid") == before.count("msgid")

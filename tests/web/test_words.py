"""Every language says everything."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest

from incidents.directory import Channel, Language, Role, Severity
from incidents.model import CLOSED, Do, Ended, IncidentState, Purpose
from notifier.carrier.phones import Condition
from notifier.messages.catalogue import messages, path_of, read, written
from rules.kinds import EventKind, Mode
from store.outbox import NotificationState
from web.evidence import Reason, Sureness
from web.languages import HERE, words_in
from web.silences import QUIET_MIN
from web.words import Mark, Move, Notice, Particular, Words

EN, ZH = words_in(Language.EN), words_in(Language.ZH)

WHOLE: dict[str, set[Any]] = {
    "kinds": set(EventKind),
    "severities": set(Severity),
    "states": set(IncidentState) - CLOSED,
    "do": set(Do),
    "roles": set(Role),
    "channels": set(Channel),
    "sent": set(NotificationState),
    "purposes": set(Purpose),
    "ended": CLOSED | (set(Ended) - {Ended.BY_RESPONDER, Ended.BY_WEARER}),
    "particulars": set(Particular),
    "moves": set(Move),
    "quiet_for": set(QUIET_MIN),
    "modes": set(Mode),
    "sureness": set(Sureness),
    "reasons": set(Reason),
    "marks": set(Mark),
    "notices": set(Notice),
    "conditions": set(Condition),
    "answers": {Do.ACKNOWLEDGE, Do.DECLINE, Do.FALSE_ALARM},
}


def sayings(words: Words) -> Iterator[tuple[str, str]]:
    for field in fields(words):
        said = getattr(words, field.name)
        if field.metadata.get("fixed"):
            continue
        if isinstance(said, Mapping):
            yield from ((f"{field.name}.{key}", one) for key, one in said.items())
        else:
            yield field.name, said


@pytest.mark.parametrize("words", [words_in(language) for language in Language], ids=list(Language))
def test_every_kind_state_and_role_has_words(words: Words) -> None:
    assert {name: set(getattr(words, name)) for name in WHOLE} == WHOLE
    assert [name for name, said in sayings(words) if not said.strip() and not name.endswith("_gap")] == []


@pytest.mark.parametrize("language", sorted(set(Language) - {Language.ZH}))
def test_a_catalogue_says_just_what_the_table_says(language: Language) -> None:
    path = path_of(HERE, language, "pages")
    assert path.read_bytes() == written(ZH, read(path)), "make translations"
    assert messages(words_in(language)).keys() == messages(ZH).keys()


def test_english_has_no_chinese_in_it() -> None:
    assert [name for name, said in sayings(EN) if re.search("[一-鿿]", said)] == []

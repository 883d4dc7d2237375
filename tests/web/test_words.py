"""Both languages say everything, with the same blanks to fill in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest

from incidents.directory import Channel, Role, Severity
from incidents.model import CLOSED, Do, Ended, IncidentState, Purpose
from notifier.carrier.phones import Condition
from rules.kinds import EventKind, Mode
from store.outbox import NotificationState
from web.en import EN
from web.evidence import Reason, Sureness
from web.silences import QUIET_MIN
from web.words import Mark, Move, Notice, Particular, Words
from web.zh import ZH

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
        if isinstance(said, Mapping):
            yield from ((f"{field.name}.{key}", one) for key, one in said.items())
        elif isinstance(said, tuple):
            yield from ((f"{field.name}.{number}", one) for number, one in enumerate(said))
        else:
            yield field.name, said


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_every_kind_state_and_role_has_words(words: Words) -> None:
    assert {name: set(getattr(words, name)) for name in WHOLE} == WHOLE
    assert [name for name, said in sayings(words) if not said.strip() and not name.endswith("_gap")] == []
    assert len(words.months) == 12


def test_both_languages_have_the_same_blanks() -> None:
    def blanks(words: Words) -> dict[str, list[str]]:
        return {name: sorted(re.findall(r"\{\w*\}", said)) for name, said in sayings(words)}

    assert blanks(ZH) == blanks(EN)


def test_english_has_no_chinese_in_it() -> None:
    assert [name for name, said in sayings(EN) if re.search("[一-鿿]", said)] == []

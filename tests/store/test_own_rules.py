"""Rules of a community's own in its file: what they become, what is refused, and what an import keeps."""

import json
from datetime import time
from typing import Any

import pytest

from devices.model import DeviceId
from incidents.directory import Language, Severity
from rules.kinds import EventKind, Mode
from rules.model import Event
from rules.premises import Condition, Hours, Match, OwnRule, RuleId, SensorState
from store.community import parse
from store.importing import plan
from store.model import Community, InputError

SOUND: dict[str, Any] = {
    "community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"},
    "homes": [{"id": "a-1"}, {"id": "a-2"}],
    "people": [
        {"id": "ann", "name": "安奶奶", "roles": ["resident"], "home": "a-1"},
        {"id": "cai", "name": "蔡", "roles": ["relative"], "of": ["ann"], "phone": "+8613800000001"},
    ],
    "devices": [
        {"id": "fridge", "kind": "contact", "home": "a-1", "covers": "fridge"},
        {"id": "door", "kind": "contact", "home": "a-1", "covers": "door"},
        {"id": "hall", "kind": "motion", "home": "a-1"},
        {"id": "radar", "kind": "radar", "home": "a-1"},
        {"id": "other", "kind": "contact", "home": "a-2", "covers": "door"},
        {"id": "gate", "kind": "contact", "covers": "gate"},
        {"id": "bell", "kind": "button", "home": "a-1"},
    ],
    "policies": [
        {"id": "own", "kinds": ["custom", "sos"], "steps": [{"after_s": 0, "tell": ["cai"], "by": ["sms"]}]},
        {"id": "loud", "kinds": [], "steps": [{"after_s": 0, "tell": ["cai"], "by": ["voice"]}]},
    ],
    "rules": [
        {
            "id": "fridge",
            "name": "冰箱门开太久",
            "names": {"en": "Fridge left open"},
            "home": "a-1",
            "when": [{"device": "fridge", "state": "open", "for_s": 600}, {"kind": "motion", "state": "no_motion", "for_s": 60}],
            "match": "all",
            "between": {"from": "22:00", "to": "06:00", "days": ["sat", "sun"]},
            "modes": ["home", "night"],
            "severity": "urgent",
            "policy": "loud",
        },
        {"id": "gates", "name": "大门", "when": [{"kind": "contact", "covers": "gate", "state": "open"}]},
    ],
}


def said(**changes: Any) -> dict[str, Any]:
    """The sound file, its first rule changed; None takes a key away."""
    text = json.loads(json.dumps(SOUND))
    text["rules"][0] = {key: value for key, value in (text["rules"][0] | changes).items() if value is not None}
    return dict(text)


def read(**changes: Any) -> Community:
    return parse(json.dumps(said(**changes)), "elm.yaml")


def found(cause: str, subject: str) -> Event:
    return Event(community_id="elm", kind=EventKind.CUSTOM, subject=subject, t_ns=0, known_ns=0, seq=-1, cause=cause)


def test_every_key_of_a_rule_arrives_where_it_is_asked_for() -> None:
    community = read()
    fridge, gates = community.premises().rules
    assert fridge == OwnRule(
        community_id="elm",
        id=RuleId("fridge"),
        home="a-1",
        when=(
            Condition(devices=(DeviceId("fridge"),), state=SensorState.OPEN, for_s=600),
            Condition(devices=(DeviceId("hall"),), state=SensorState.NO_MOTION, for_s=60, every=True),
        ),
        between=Hours(since=time(22), until=time(6), days=frozenset({5, 6})),
        modes=frozenset({Mode.HOME, Mode.NIGHT}),
    )
    assert (gates.home, gates.match, gates.when[0].devices) == (None, Match.ALL, ("gate",))
    named = community.directory.rules[RuleId("fridge")]
    assert (named.name, named.names[Language.EN], named.severity) == ("冰箱门开太久", "Fridge left open", Severity.URGENT)


def test_a_rule_is_told_by_its_own_policy_else_by_the_one_for_such_rules() -> None:
    directory = read().directory
    policies = [directory.policy_of(found(*which)) for which in (("fridge", "a-1"), ("gates", "elm"), ("gone", "elm"))]
    assert [policy and policy.id for policy in policies] == ["loud", "own", "own"]


@pytest.mark.parametrize("state", ["draft", "removed"])
def test_a_rule_that_is_not_switched_on_judges_nothing_and_keeps_its_name(state: str) -> None:
    community = read(state=state)
    assert [rule.id for rule in community.rules] == ["gates"]
    assert community.directory.rules[RuleId("fridge")].name == "冰箱门开太久"


OPEN = {"device": "fridge", "state": "open"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"when": []}, "rules[0].when: is empty, wanted at least one"),
        ({"when": [OPEN] * 9}, "rules[0].when: has 9, wanted at most 8"),
        (
            {"when": [{**OPEN, "state": "ajar"}]},
            "rules[0].when[0].state: 'ajar' is not known, wanted 'open', 'closed', 'motion' or 'no_motion'",
        ),
        ({"when": [{**OPEN, "for_s": 86_401}]}, "rules[0].when[0].for_s: is 86401, wanted less than or equal to 86400"),
        ({"when": [{**OPEN, "if": "x > 3"}]}, "rules[0].when[0].if: is no key known here"),
        ({"when": [{**OPEN, "device": "frigde"}]}, "rules[0].when[0].device: 'frigde' is not in devices, did you mean fridge?"),
        ({"when": [{**OPEN, "device": "other"}]}, "rules[0].when[0].device: 'other' is no sensor of home a-1"),
        (
            {"when": [{**OPEN, "device": "bell"}]},
            "rules[0].when[0].device: is of kind button, wanted one of contact, motion, radar, camera",
        ),
        ({"when": [{**OPEN, "device": "hall"}]}, "rules[0].when[0].state: 'open' is nothing a motion says, wanted motion or no_motion"),
        ({"when": [{"kind": "camera", "state": "motion"}]}, "rules[0].when[0].kind: 'camera' is the kind of no sensor of home a-1"),
        ({"when": [{**OPEN, "kind": "contact"}]}, "rules[0].when[0]: holds both device and kind, wanted one"),
        ({"when": [{"state": "open"}]}, "rules[0].when[0]: names no sensor, wanted device or kind"),
        ({"when": [{**OPEN, "covers": "door"}]}, "rules[0].when[0].covers: does not fit, wanted it with kind: contact only"),
        ({"when": [OPEN, {**OPEN, "state": "closed"}]}, "rules[0].when[1].state: is closed while fridge must be open too: never both"),
        ({"home": "a-9"}, "rules[0].home: 'a-9' is not in homes"),
        ({"policy": "loude"}, "rules[0].policy: 'loude' is not in policies, did you mean loud?"),
        ({"home": None}, "rules[0].modes: says nothing without home: a community has no mode"),
        ({"severity": "life", "policy": None}, "rules[0].severity: is life, which wakes people up: wanted a policy with it that says whom"),
        ({"between": {"from": "24:00", "to": "06:00"}}, "rules[0].between.from: '24:00' ends a day, wanted \"00:00\" of the next one"),
        ({"name": "长" * 41}, "rules[0].name: has 41 characters, wanted at most 40"),
        ({"names": {"fr": "Frigo"}}, "rules[0].names.fr: 'fr' is not known, wanted 'zh', 'zh-Hant' or 'en'"),
        ({"policy": "own"}, "policies[1].kinds: is empty, wanted at least one, or a rule that names the policy"),
    ],
)
def test_a_rule_that_will_not_do_is_told_by_path_and_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        read(**changes)
    assert words in str(error.value)


def test_an_import_says_what_becomes_of_rules() -> None:
    kept = json.dumps(said())
    changed = said(severity="notice")
    changed["rules"].append(changed["rules"][1] | {"id": "more"})
    changes = plan(lambda _: kept, "elm.yaml", text=json.dumps(changed)).changes
    assert changes == ('~ rules fridge severity: "urgent" → "notice"', "+ rules more")


MADE = {"by": "cai", "at": "2026-03-01T06:00:00+00:00"}


@pytest.mark.parametrize("prune", [False, True])
def test_a_rule_that_was_made_or_changed_in_the_app_stays_as_it_is_there(*, prune: bool) -> None:
    kept = said(severity="notice", state="draft", made=MADE)
    kept["rules"].append({"id": "app", "name": "门", "home": "a-1", "when": [{"device": "door", "state": "open"}], "made": MADE})
    found = plan(lambda _: json.dumps(kept), "elm.yaml", text=json.dumps(said()), prune=prune)
    rules = {rule["id"]: rule for rule in json.loads(found.content)["rules"]}
    assert rules["fridge"] == kept["rules"][0]
    assert "app" in rules
    assert "= rules fridge (kept as it was made in the app)" in found.changes


def test_prune_drops_what_was_made_in_the_app_about_a_sensor_that_is_gone() -> None:
    kept = said()
    kept["rules"].append({"id": "app", "name": "门", "home": "a-1", "when": [{"device": "door", "state": "open"}], "made": MADE})
    new = said()
    new["devices"] = [one for one in new["devices"] if one["id"] != "door"]
    found = plan(lambda _: json.dumps(kept), "elm.yaml", text=json.dumps(new), prune=True)
    assert [rule["id"] for rule in json.loads(found.content)["rules"]] == ["fridge", "gates"]

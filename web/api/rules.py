"""A community's own rules, made by form: saved as drafts, tried on what the log still holds, and then switched on."""

import asyncio
import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from devices.log import Log, LogError
from devices.model import NS_PER_S, Device, HomeId, PersonId
from incidents.directory import Policy, Severity
from notifier.rehearsal import What
from rules.kinds import Mode
from rules.premises import OwnRule
from store import own_rules, trials, views
from store.exporting import Span
from store.model import Community
from store.own_rules import Kept, RuleError, Why
from store.references import STATES_OF
from store.schema import ConditionSaid, HoursSaid, RuleState
from store.trials import Trial
from web.api.model import (
    ConditionOfRule,
    HoursOfDays,
    RuleRemoval,
    Rules,
    RuleShown,
    RuleWish,
    SensorOfRule,
    StateWish,
    TrialChange,
    TrialShown,
    TrialWish,
)
from web.api.problems import ProblemError
from web.gate import TheDoor, TheWho
from web.readiness import sensors
from web.rights import Action
from web.scene import Scene
from web.site import Site, TheSite, Visit
from web.who import Who
from web.words import Notice

_DAY_NS = 24 * 3600 * NS_PER_S
_PROOF_S = 3600
"""How long a trial counts: what was shown is still in mind."""
_MOST_CHANGES = 10_000
_NEWEST = 5
"""Findings that are named."""
_MOST_SHOWN = 100
"""Findings that are shown with what a change does to them, the newest."""
_SAME_S = 3600
"""Two findings so near to each other are the same, and those that the rule's own waiting moves apart."""
_OWN_WORDS = frozenset({"occupants", "relatives", "neighbours"})
"""Whom a household may have told by its own rules; who works here is told as an administrator says."""
_REFUSED = {
    Why.GONE: (404, Notice.NOT_YOURS),
    Why.CHANGED: (409, Notice.RULE_CHANGED),
    Why.TOO_OFTEN: (422, Notice.REFUSED),
    Why.TOO_MANY: (422, Notice.RULES_ENOUGH),
    Why.WRONG: (422, Notice.REFUSED),
}
_TRYING = threading.Lock()
"""One trial at a time: each reads days of the log."""

router = APIRouter(prefix="/api/rules", tags=["rules"])

OfHome = Annotated[str | None, Query(max_length=64)]


@router.get("")
def all_of(request: Request, site: TheSite, who: TheWho, home: OfHome = None) -> Rules:
    """Rules of a home; without one, those of the community."""
    _check(who, home)
    return _shown(site, request, home)


@router.post("", status_code=201)
def make(request: Request, site: TheSite, who: TheWho, wish: RuleWish) -> Rules:
    """Save a new rule: it judges nothing yet."""
    return _save(request, site, who, wish, rule_id=f"own-{secrets.token_hex(5)}", seen=None)


@router.put("/{rule_id}")
def change(request: Request, site: TheSite, who: TheWho, rule_id: str, wish: RuleWish) -> Rules:
    """Save another version of a rule: it judges nothing until it is switched on again."""
    _check(who, _kept(site, who, rule_id).said.home)
    return _save(request, site, who, wish, rule_id=rule_id, seen=wish.tag or "")


@router.delete("/{rule_id}")
def remove(request: Request, site: TheSite, who: TheWho, rule_id: str, wish: RuleRemoval) -> Rules:
    """Take a rule away."""
    home = _kept(site, who, rule_id).said.home
    _switch(site, who, rule_id, RuleState.REMOVED, wish.tag)
    return _shown(site, request, home)


@router.post("/{rule_id}/trial")
def try_out(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, rule_id: str, wish: TrialWish
) -> TrialShown:
    """When a rule would have found something in the last days, beside when it did as it was on last."""
    kept = _kept(site, who, rule_id)
    with site.visit(request) as visit:
        community, scene = visit.community, visit.scene
        history = views.mode_history(visit.session, community.id, _MOST_CHANGES).get(HomeId(kept.said.home or ""), ())
        before = own_rules.last_active(visit.session, community.id, rule_id)
    span = Span(community_id=community.id, since_ns=scene.now_ns - wish.days * _DAY_NS, until_ns=scene.now_ns)
    modes = [(one.since_ns, one.mode) for one in reversed(history)]
    found, *earlier = _tried(site, [kept.rule, *([before] if before else [])], community, modes, span)
    unheard = [one for one in community.devices if one.id in found.unheard]
    days = max((found.until_ns - found.since_ns) / _DAY_NS, 1.0)
    same_ns = max(_SAME_S, *(one.for_s for rule in (kept.rule, before) if rule for one in rule.when)) * NS_PER_S
    pairs = trials.paired(earlier[0] if earlier else replace(found, found_ns=()), found, same_ns)
    return TrialShown(
        found=len(found.found_ns),
        a_week=round(len(found.found_ns) / days * 7, 1),
        newest_words=[scene.clock(at_ns) for at_ns in found.found_ns[: -_NEWEST - 1 : -1]],
        since_words=scene.clock(found.since_ns),
        since_ns=found.since_ns,
        until_ns=found.until_ns,
        was_on=before is not None,
        sums=Counter(_what(*pair) for pair in pairs),
        changes=[_change(*pair, scene) for pair in pairs[-_MOST_SHOWN:]],
        unheard_words=sensors(unheard, scene).full,
        is_flood=found.is_flood,
        proof=_proof(door.key, kept.tag, scene.now_ns // NS_PER_S + _PROOF_S, is_flood=found.is_flood),
    )


def _what(before_ns: int | None, after_ns: int | None) -> What:
    if before_ns is None:
        return What.GAINED
    if after_ns is None:
        return What.LOST
    return What.SAME if after_ns == before_ns else What.EARLIER if after_ns < before_ns else What.LATER


def _change(before_ns: int | None, after_ns: int | None, scene: Scene) -> TrialChange:
    return TrialChange(
        what=_what(before_ns, after_ns),
        before_ns=before_ns,
        after_ns=after_ns,
        before_words="" if before_ns is None else scene.clock(before_ns),
        after_words="" if after_ns is None else scene.clock(after_ns),
    )


@router.put("/{rule_id}/state")
def put_state(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, rule_id: str, wish: StateWish
) -> Rules:
    """Switch a rule off, or on once it was tried."""
    home = _kept(site, who, rule_id).said.home
    if wish.is_on:
        _check_proof(door.key, wish, site.clock() // NS_PER_S)
    _switch(site, who, rule_id, RuleState.ACTIVE if wish.is_on else RuleState.DRAFT, wish.tag)
    return _shown(site, request, home)


def _check(who: Who, home: str | None) -> None:
    """Refuse who may not make rules for a home, or for the community; whether there is such a home is not said."""
    if (home is not None and home not in who.directory.homes) or not who.may_at(Action.MAKE_RULES, HomeId(home) if home else None):
        raise ProblemError(404, Notice.NOT_YOURS)


def _kept(site: Site, who: Who, rule_id: str) -> Kept:
    """A rule that somebody may change; of others it is not said whether there is one."""
    with site.database.read() as session:
        found = next((one for one in own_rules.kept(session, who.community_id) if one.said.id == rule_id), None)
    if found is None:
        raise ProblemError(404, Notice.NOT_YOURS)
    _check(who, found.said.home)
    return found


def _save(request: Request, site: Site, who: Who, wish: RuleWish, *, rule_id: str, seen: str | None) -> Rules:
    _check(who, wish.home)
    of_homes = {one.id for one in who.directory.devices.values() if one.home is not None or one.wearer is not None}
    if wish.home is None and any(one.device is None or one.device in of_homes for one in wish.when):
        raise ProblemError(422, Notice.REFUSED)  # who runs the estate looks into nobody's home
    if wish.severity not in _severities(who) or (wish.policy is not None and wish.policy not in _policies(who)):
        raise ProblemError(422, Notice.REFUSED)
    try:
        with site.database.write() as session:
            own_rules.save(session, who.community_id, _said(wish), who.id, site.clock(), rule_id=rule_id, seen=seen)
    except RuleError as error:
        raise ProblemError(*_REFUSED[error.why]) from None
    return _shown(site, request, wish.home)


def _switch(site: Site, who: Who, rule_id: str, state: RuleState, seen: str) -> None:
    try:
        with site.database.write() as session:
            own_rules.switch(session, who.community_id, rule_id, who.id, site.clock(), state=state, seen=seen)
    except RuleError as error:
        raise ProblemError(*_REFUSED[error.why]) from None


def _tried(site: Site, rules: Sequence[OwnRule], community: Community, modes: Sequence[tuple[int, Mode]], span: Span) -> tuple[Trial, ...]:
    if site.open_log is None or not _TRYING.acquire(blocking=False):
        raise ProblemError(503, Notice.NO_PAST)
    try:
        return asyncio.run(_try_on(site.open_log, rules, community, modes, span))
    except (LogError, OSError):
        raise ProblemError(503, Notice.NO_PAST) from None
    finally:
        _TRYING.release()


async def _try_on(
    open_log: Callable[[], Awaitable[Log]],
    rules: Sequence[OwnRule],
    community: Community,
    modes: Sequence[tuple[int, Mode]],
    span: Span,
) -> tuple[Trial, ...]:
    log = await open_log()
    try:
        return await trials.try_on(log, rules, community, modes, span)
    finally:
        await log.close()


def _proof(key: bytes, tag: str, until_s: int, *, is_flood: bool) -> str:
    """That a rule was tried as it is, and whether it would have flooded: nobody switches on what they have not seen."""
    said = f"own-rule {tag} {until_s} {int(is_flood)}"
    return f"{until_s}.{int(is_flood)}.{hmac.new(key, said.encode(), sha256).hexdigest()}"


def _check_proof(key: bytes, wish: StateWish, now_s: int) -> None:
    until, _, rest = wish.proof.partition(".")
    is_flood = rest.startswith("1.")
    is_sound = until.isdecimal() and hmac.compare_digest(wish.proof.encode(), _proof(key, wish.tag, int(until), is_flood=is_flood).encode())
    if not is_sound or int(until) < now_s:
        raise ProblemError(409, Notice.TRY_FIRST)
    if is_flood and not wish.is_sure:
        raise ProblemError(409, Notice.RULE_FLOODS)


def _said(wish: RuleWish) -> dict[str, Any]:
    """A wish in the words of the community's file."""
    said = wish.model_dump(mode="json", exclude={"tag", "between"}, exclude_none=True, exclude_defaults=True)
    said |= {"name": wish.name, "when": [one.model_dump(mode="json", exclude_none=True) for one in wish.when]}
    if wish.between is not None:
        days = {} if wish.between.days is None else {"days": list(wish.between.days)}
        said["between"] = {"from": wish.between.since, "to": wish.between.to, **days}
    return said


def _severities(who: Who) -> list[Severity]:
    """What somebody may say a rule matters: life safety goes through quiet hours and spending limits."""
    return [Severity.NOTICE, Severity.URGENT, *([Severity.LIFE] if who.has_all(Action.MAKE_RULES) else [])]


def _policies(who: Who) -> list[str]:
    """Policies that somebody may name: a household those that tell nobody who works here."""
    return [policy.id for policy in who.directory.policies if who.has_all(Action.MAKE_RULES) or _is_of_family(policy)]


def _is_of_family(policy: Policy) -> bool:
    return all(_OWN_WORDS.issuperset(step.tell) for step in policy.steps)


def _shown(site: Site, request: Request, home: str | None) -> Rules:
    with site.visit(request) as visit:
        rules = [one for one in own_rules.kept(visit.session, visit.community.id) if one.said.home == home]
        devices = {str(one.id): one for one in visit.community.devices if one.home == home and one.kind in STATES_OF}
        return Rules(
            rules=[_rule(one, visit, devices) for one in rules],
            sensors=_sensors(list(devices.values()), visit.scene, kinds=home is not None),
            policies=_policies(visit.who),
            severities=_severities(visit.who),
            has_modes=home is not None,
            may_add=len(rules) < own_rules.MOST_OF_A_HOME,
        )


def _rule(kept: Kept, visit: Visit, devices: Mapping[str, Device]) -> RuleShown:
    said, scene = kept.said, visit.scene
    return RuleShown(
        id=said.id,
        home=said.home,
        name=said.names.get(scene.words.language, said.name),
        when=[ConditionOfRule(**one.model_dump()) for one in said.when],
        match=said.match,
        between=_hours(said.between),
        modes=said.modes,
        severity=said.severity,
        policy=said.policy,
        is_on=said.state is RuleState.ACTIVE,
        tag=kept.tag,
        when_words=[_words(one, devices, scene) for one in said.when],
        by_words="" if said.made is None else scene.name(PersonId(said.made.by)),
    )


def _words(one: ConditionSaid, devices: Mapping[str, Device], scene: Scene) -> str:
    """Which sensors a condition is about."""
    if one.device is not None:
        return sensors([devices[one.device]], scene).full if one.device in devices else one.device
    if one.covers is not None:
        return scene.wording.contacts[one.covers]
    return "" if one.kind is None else scene.wording.devices[one.kind]


def _sensors(devices: list[Device], scene: Scene, *, kinds: bool) -> list[SensorOfRule]:
    """Each sensor, and if wanted each kind of which there are several."""
    single = [
        SensorOfRule(device=one.id, kind=None, covers=None, words=sensors([one], scene).full, states=list(STATES_OF[one.kind]))
        for one in devices
    ]
    there = [(one.kind, one.covers) for one in devices] if kinds else []
    several = [(kind, covers) for kind, covers in dict.fromkeys(there) if there.count((kind, covers)) > 1]
    for kind, covers in several:
        words = scene.wording.contacts[covers] if covers else scene.wording.devices[kind]
        single.append(SensorOfRule(device=None, kind=kind, covers=covers, words=words, states=list(STATES_OF[kind])))
    return single


def _hours(said: HoursSaid | None) -> HoursOfDays | None:
    return None if said is None else HoursOfDays(since=said.since, to=said.to, days=said.days if said.said("days") else None)

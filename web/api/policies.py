"""Who is told when by what until somebody answers: policies as time lines, the texts, and the way to oneself."""

from collections.abc import Iterable
from dataclasses import replace

from fastapi import APIRouter, Request

from devices.model import PersonId
from incidents.audience import ROSTER, tellable
from incidents.directory import Channel, Language, Policy, PolicyId, Role, Severity, Step, When
from incidents.grouping import STORY
from incidents.lifecycle import opened
from incidents.model import Duty, IncidentState, Purpose, Story
from notifier.gateways.model import GatewayAwayError
from notifier.messages import render, segments
from notifier.trying import Trial, told, trial
from rules.kinds import EventKind, Mode
from rules.model import Event
from store import administering, attempts, contacts
from store.administering import Said, version
from store.attempts import Limit
from store.contacts import ContactState
from store.model import InputError
from web.api.administration import put_item
from web.api.model import (
    Changed,
    Choice,
    Policies,
    PolicyKept,
    PolicyWish,
    SendingShown,
    SendingWish,
    StepDrawn,
    StepWish,
    TextShown,
)
from web.api.own import when_words
from web.api.problems import ProblemError
from web.gate import TheWho
from web.scene import Scene
from web.site import Site, TheSite, Visit
from web.words import Notice

router = APIRouter(prefix="/api/administration", tags=["administration"])

_TOLD_BY = tuple(one for one in Channel if one is not Channel.DEVICE)
_TESTS = Limit(what="tests to oneself", most=5, within_s=3600)


@router.get("/policies")
def policies(request: Request, site: TheSite) -> Policies:
    """Every policy, and as a time line."""
    with site.visit(request) as visit:
        words, directory = visit.scene.words, visit.community.directory
        said = administering.document(visit.session, visit.community.id)
        of = {one.id: one for one in directory.policies}
        tells = [Choice(id=word, words=name) for word, name in words.tells.items() if word != ROSTER.removesuffix(":")]
        tells += [Choice(id=f"{ROSTER}{one}", words=f"{words.tells['roster']} · {one}") for one in directory.rosters]
        tells += [
            Choice(id=one.id, words=visit.scene.name(one.id))
            for one in directory.people.values()
            if one.roles - {Role.RESIDENT, Role.RELATIVE, Role.NEIGHBOUR}
        ]
        return Policies(
            policies=[_policy(one, of[PolicyId(one["id"])], visit) for one in said.get("policies", [])],
            kinds=[Choice(id=kind, words=words.kinds[kind]) for kind in EventKind if kind is not EventKind.DRILL],
            tells=tells,
            channels=[Choice(id=one, words=words.channels[one]) for one in _TOLD_BY],
        )


@router.put("/policies/{item_id}")
def put_policy(site: TheSite, who: TheWho, item_id: str, wish: PolicyWish) -> Changed:
    """Add a policy, or change it."""
    with site.database.read() as session:
        said = administering.document(session, who.community_id)
    kept: Said = next((one for one in said.get("policies", []) if one["id"] == item_id), {"steps": []})
    repeats = wish.repeat_every_s is not None and wish.repeat_times is not None
    item = {
        "id": item_id,
        "kinds": [one.value for one in wish.kinds],
        "cancel_window_s": wish.cancel_window_s,
        "steps": [_with_rest(one.model_dump(mode="json"), kept["steps"]) for one in wish.steps],
        "repeat": {"every_s": wish.repeat_every_s, "times": wish.repeat_times} if repeats else None,
    }
    return put_item(site, who, "policies", item, wish.version)


@router.get("/texts")
def texts(request: Request, site: TheSite, kind: EventKind) -> list[TextShown]:
    """What a guard would be told of such an event now, in every language by SMS, call and mail: with the community's own names."""
    with site.visit(request) as visit:
        return [_text(kind, language, channel, visit) for language in Language for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL)]


@router.get("/trial")
def try_dry(request: Request, site: TheSite, to: str, channel: Channel) -> SendingShown:
    """By which way a message would go to somebody; nothing is sent."""
    with site.visit(request) as visit:
        tried = _trial(site, visit, to, channel)
        return SendingShown(lines=list(tried.lines()), is_mine=_is_mine(visit, channel, to))


@router.post("/trial")
def try_out(request: Request, site: TheSite, who: TheWho, wish: SendingWish) -> SendingShown:
    """Send a test to oneself, by a way that is verified: to nobody else."""
    with site.visit(request) as visit:
        tried = _trial(site, visit, who.id, wish.channel)
        if not _is_mine(visit, wish.channel, who.id):
            raise ProblemError(422, Notice.REFUSED)
    with site.database.write() as session:
        if not attempts.take(session, _TESTS, f"{who.community_id}/{who.id}", site.clock()):
            raise ProblemError(409, Notice.REFUSED)
    try:
        name, answer = tried.send(site.clock())
    except (InputError, GatewayAwayError):
        raise ProblemError(422, Notice.REFUSED) from None
    return SendingShown(lines=[told(name, answer)], is_mine=True)


def _trial(site: Site, visit: Visit, to: str, channel: Channel) -> Trial:
    """A test to somebody of the community."""
    if site.routes is None:
        raise ProblemError(409, Notice.REFUSED)
    if PersonId(to) not in visit.community.directory.people:
        raise ProblemError(422, Notice.REFUSED)
    try:
        return trial(visit.session, to, site.routes, channel=channel, severity=Severity.LIFE, community=visit.community.id, text=None)
    except InputError:
        raise ProblemError(422, Notice.REFUSED) from None


def _is_mine(visit: Visit, channel: Channel, to: str) -> bool:
    """Whether it is a way to whoever asks, and they have shown that it is theirs."""
    if to != visit.who.id or channel not in tellable(visit.who.person):
        return False
    return contacts.state(visit.session, visit.community.id, visit.who.person, channel) is ContactState.VERIFIED


def _with_rest(step: Said, kept: Iterable[Said]) -> Said:
    """A step with what a page does not show of it, where it tells the same people after the same time."""
    same = next((one for one in kept if (one["after_s"], one["tell"]) == (step["after_s"], step["tell"])), {})
    return {**same, **step}


def _policy(said: Said, policy: Policy, visit: Visit) -> PolicyKept:
    words = visit.scene.words
    repeat = said.get("repeat") or {}
    return PolicyKept(
        id=said["id"],
        kinds=[EventKind(one) for one in said["kinds"]],
        kinds_words=words.list_gap.join(words.kinds[EventKind(one)] for one in said["kinds"]),
        cancel_window_s=policy.cancel_window_s,
        steps=[StepWish(after_s=one["after_s"], tell=one["tell"], by=one["by"]) for one in said["steps"]],
        repeat_every_s=repeat.get("every_s"),
        repeat_times=repeat.get("times"),
        drawn=[_step(one, visit) for one in sorted(policy.steps, key=lambda one: one.after_s)],
        version=version(said),
    )


def _step(step: Step, visit: Visit) -> StepDrawn:
    scene, words = visit.scene, visit.scene.words
    return StepDrawn(
        at_s=step.after_s,
        when_words=when_words(step.after_s, visit),
        tell_words=words.names_gap.join(_tell(one, scene) for one in step.tell),
        by_words=words.names_gap.join(words.channels[one] for one in step.by),
        in_turn_s=step.in_turn_s,
        more_words=words.clause_gap.join(_circumstances(step.when, scene) if step.when else ()),
    )


def _tell(target: str, scene: Scene) -> str:
    if target.startswith(ROSTER):
        return f"{scene.words.tells['roster']} · {target.removeprefix(ROSTER)}"
    return scene.words.tells.get(target) or scene.name(target)


def _circumstances(when: When, scene: Scene) -> Iterable[str]:
    words = scene.words
    if when.modes is not None:
        yield words.list_gap.join(words.modes[one] for one in Mode if one in when.modes)
    if when.severities is not None:
        yield words.list_gap.join(words.severities[one] for one in Severity if one in when.severities)
    if when.since is not None and when.until is not None:
        yield words.from_to.format(since=f"{when.since:%H:%M}", until=f"{when.until:%H:%M}")
    if when.lies_s is not None:
        yield words.down_for.format(lasting=scene.wording.lasting(when.lies_s))


def _text(kind: EventKind, language: Language, channel: Channel, visit: Visit) -> TextShown:
    directory, now_ns = visit.community.directory, visit.scene.now_ns
    to = next((one for one in directory.people.values() if Role.GUARD in one.roles), visit.who.person)
    spoken = replace(directory, people={**directory.people, to.id: replace(to, language=language)})
    resident = next((one for one in directory.people.values() if Role.RESIDENT in one.roles), None)
    device = next((one.id for one in directory.devices.values() if resident and one.wearer == resident.id), None)
    is_of_home = STORY[kind] in {Story.PERIMETER, Story.LEFT_OPEN}
    home = resident.home if resident else next(iter(directory.homes), None)
    event = Event(
        community_id=visit.community.id,
        kind=kind,
        subject=(home if is_of_home else resident.id if resident else home) or visit.community.id,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
        device_id=None if is_of_home else device,
        resident_id=resident.id if resident and not is_of_home else None,
        home_id=home,
    )
    supposed = opened(event, IncidentState.OPEN, None, spoken, now_ns)
    duty = Duty(incident=supposed, purpose=Purpose.TELL, step=0, round=0, to=to.id, channel=channel)
    text = render(duty, channel, spoken, now_ns)
    return TextShown(
        language=language, channel=channel, channel_words=visit.scene.words.channels[channel], text=text, segments=segments(text)
    )

"""From a claimed notification to what a gateway is given, and from its answer to what happens next.

Decisions only: those that ask the database do so in the caller's transaction, and the time is an argument.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlmodel import Session

from devices.model import NS_PER_S
from incidents.audience import tellable
from incidents.directory import Channel, Directory, Person, Severity
from incidents.model import Due, Duty, Purpose, Story
from notifier import holding, spending
from notifier.answers import free_number
from notifier.delivery import next_channel, reached_by, takes_answer
from notifier.gateways import model as gateways
from notifier.gateways.codes import Remedy, meaning
from notifier.gateways.model import Answer, Gateway, InDoubt, Outgoing
from notifier.holding import Held, Limit, Per
from notifier.messages import Answering, buttons, render, render_bundle, segments
from notifier.routing import Routes
from store import contacts, links, outbox
from store.contacts import ContactState, Known
from store.links import Links
from store.outbox import Attempted, Delivery, DeliveryOutcome, Notification, NotificationState, StoredReceipt, WrittenBack

GIVE_UP_NS = 600 * NS_PER_S
"""After this time from the first attempt nothing is tried again, nor asked for."""

LONGEST_PAUSE_S = 60
"""Pauses between attempts begin at 1 s and double up to this."""

UNSURE = frozenset({DeliveryOutcome.BEGUN, DeliveryOutcome.UNKNOWN})
"""Outcomes after which a notification may have been sent."""

MOST_BUNDLED = 50
"""So many others are told of by one message; it names the first ones."""

NOT_FOUND_YET, NOT_LOOKED_UP = "not_found_yet", "not_looked_up"
"""Codes of attempts that only asked: they are as unsure as the one before, and sent nothing themselves."""

WORDLESS = (KeyError, ValueError, TypeError, AttributeError)
"""What is raised where a notification cannot be put into words."""

_SAYS = {Remedy.BROKEN: ContactState.BROKEN, Remedy.CONSENT: ContactState.OPTED_OUT}
"""What a remedy says of a contact method."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A claimed notification, ready for its gateway.

    Attributes
    ----------
    has_other : bool
        Another gateway that fares well could take it, and has not been tried.
    first_ns : int
        When it was attempted first.
    unsure_ns : int or None
        When it was sent last, if that may have got through: it is to be looked up before it is sent again.
    """

    notification: Notification
    outgoing: Outgoing
    gateway: Gateway
    has_other: bool
    claimed_ns: int
    first_ns: int
    unsure_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A claimed notification that is held back."""

    until_ns: int
    held: Held


def prepare(
    session: Session, claimed: Notification, directory: Directory | None, routes: Routes, now_ns: int
) -> HandOver | Wait | Attempted:
    """What a claimed notification's gateway is to be given, written with the claim; or until when it waits, or what came of it.

    What may have been sent is looked up where it was sent; everything else goes by the first gateway that fares well, and by another
    one where that did not take it.
    """
    if directory is None:
        retry_ns = now_ns + LONGEST_PAUSE_S * NS_PER_S
        return Attempted(outcome=DeliveryOutcome.RETRY, at_ns=now_ns, code="no_community", retry_ns=retry_ns)
    person = directory.people.get(claimed.duty.to)
    if person is None or not person.roles:
        return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, code="nobody")
    earlier = _earlier(session, claimed)
    sent = _sent_unsurely(earlier)
    channel = next((one.channel for one in reversed(earlier) if one.channel), None) or _channel(session, claimed.duty, person)
    useless = "no_channel" if channel is None else None if sent else _useless(session, claimed, person, channel, now_ns)
    if channel is None or useless is not None:
        return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, channel=channel, code=useless)
    severity = claimed.duty.incident.severity
    # A drill tries the way of a fall, behind everything that is real.
    on_route = Severity.LIFE if claimed.duty.incident.story is Story.DRILL else severity
    candidates, full_ns = _with_room(session, routes.candidates(channel, person, on_route), claimed, now_ns)
    failed = {one.gateway for one in earlier if one.gateway and one.outcome is DeliveryOutcome.RETRY}
    gateway = routes.gateways.get(sent.gateway or "") if sent else routes.breakers.choice(candidates, failed, now_ns)
    if gateway is None and sent:
        return Attempted(outcome=DeliveryOutcome.UNKNOWN, at_ns=now_ns, channel=channel, code="gateway_gone")
    if gateway is None:
        return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, channel=channel, code="no_gateway")
    if not earlier and (held := _held(session, claimed, directory, channel, now_ns) or _turn(routes, candidates, full_ns, claimed)):
        return held
    at_least_micro = routes.spending.cost_micro(gateway.name, person.phone_e164, channel, 1)
    if spending.is_refused(severity, routes.spending.stage(session, claimed.community_id, directory.timezone, now_ns), at_least_micro):
        return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, channel=channel, code="over_quota")
    text, answer = claimed.text, None
    late_s = holding.late_by_s(severity, claimed.created_ns, now_ns)
    if late_s and claimed.bundle is None and not any(one.outcome in UNSURE for one in earlier):
        text = None  # nobody has these words, and nobody is going to look for them
    if text is None and claimed.held is not None and severity.rank < Severity.URGENT.rank:
        text = _with_others(session, claimed, channel, directory, now_ns)
    if text is None:  # else it was attempted before, in these words, or tells of others too
        answering, answer = _answering(session, claimed.duty, channel, person, gateway)
        if routes.links is not None and gateway.capabilities.link.covers(person.phone_e164):
            answering = replace(answering, link=routes.links.marked)
        text = render(claimed.duty, channel, directory, now_ns, answering, late_s=late_s)
    length = segments(text)
    cost_micro = routes.spending.cost_micro(gateway.name, person.phone_e164, channel, length)
    outbox.prepare(
        session, claimed, channel=channel, gateway=gateway.name, text=text, segments=length, cost_micro=cost_micro, answer=answer
    )
    text = _with_token(session, claimed, text, routes.links, now_ns)
    is_signal = claimed.duty.purpose is Purpose.SIGNAL
    return HandOver(
        notification=claimed,
        outgoing=Outgoing(
            community_id=claimed.community_id,
            notification_id=claimed.id,
            person=person,
            channel=channel,
            text=text,
            created_ns=claimed.created_ns,
            until_ns=claimed.duty.incident.eta_ns if is_signal else _window_ns(claimed.duty),
            signal=claimed.duty.incident.signal if is_signal else None,
            incident_id=None if claimed.duty.purpose is Purpose.WORD or claimed.bundle else claimed.duty.incident.id,
            buttons=buttons(claimed.duty, directory) if channel is Channel.PUSH and not claimed.bundle else (),
        ),
        gateway=gateway,
        has_other=any(one.name not in {*failed, gateway.name} and not routes.breakers.is_open(one.name, now_ns) for one in candidates),
        claimed_ns=now_ns,
        first_ns=earlier[0].handed_ns if earlier else now_ns,
        unsure_ns=sent.handed_ns if sent else None,
    )


def found_again(session: Session, one: HandOver, found: Sequence[Answer]) -> Answer | None:
    """Of what a provider has, what is this notification and no other one in the same words; None if it has none."""
    for answer in found:
        known = outbox.delivery_of(session, one.gateway.name, answer.provider_id) if answer.provider_id else None
        if known is None:
            return answer
        if (known.community_id, known.notification_id) == (one.notification.community_id, one.notification.id):
            return replace(answer, provider_id=None)  # an earlier attempt has it
    return None


def attempted(answer: Answer, one: HandOver, now_ns: int) -> Attempted:
    """What an answer comes to: whether and when there is another attempt, and whether the next channel waits for it.

    It does not where only the operator can mend it and no other gateway is there. What nobody can be asked about is left at that.
    """
    outcome, retry_ns = answer.outcome, None
    is_over = now_ns - one.first_ns >= GIVE_UP_NS or (
        outcome is DeliveryOutcome.UNKNOWN and one.gateway.capabilities.in_doubt is InDoubt.LEAVE
    )
    known = meaning(one.gateway.name, answer.code)
    takes_over = outcome is DeliveryOutcome.RETRY and one.has_other
    pause_s = 0 if takes_over else min(2 ** (one.notification.attempt - 1), LONGEST_PAUSE_S)
    match outcome:
        case DeliveryOutcome.RETRY if is_over:
            outcome = DeliveryOutcome.REJECTED
        case DeliveryOutcome.RETRY | DeliveryOutcome.UNKNOWN if not is_over:
            retry_ns = now_ns + pause_s * NS_PER_S
    return Attempted(
        outcome=outcome,
        at_ns=now_ns,
        channel=one.outgoing.channel,
        gateway=one.gateway.name,
        provider_id=answer.provider_id,
        code=answer.code,
        retry_ns=retry_ns,
        falls_back=known is not None and known.remedy is Remedy.OPERATOR and not one.has_other,
    )


def reported(receipt: StoredReceipt, outcome: DeliveryOutcome, now_ns: int) -> Attempted:
    """What a receipt comes to. What failed by nobody's fault is tried once more; the silence it is given counts from the first attempt."""
    known = meaning(receipt.delivery.gateway or "", receipt.code)
    is_bad_luck = outcome is DeliveryOutcome.REJECTED and known is not None and known.remedy is Remedy.AGAIN
    retry_ns = now_ns if is_bad_luck and receipt.delivery.attempt == 1 else None
    return Attempted(outcome=outcome, at_ns=now_ns, code=receipt.code, retry_ns=retry_ns)


def learnt(of: Notification | Delivery, attempted: Attempted) -> Known | None:
    """What a code says of the contact method itself; None for nothing."""
    used: Attempted | Delivery = of if isinstance(of, Delivery) else attempted
    known = meaning(used.gateway or "", attempted.code)
    state = _SAYS.get(known.remedy) if known is not None else None
    if state is None or used.channel is None:
        return None
    return Known(channel=used.channel, state=state, code=attempted.code, since_ns=attempted.at_ns)


def fall_back(session: Session, failed: Notification, directory: Directory, now_ns: int) -> Channel | None:
    """Write the duty to tell somebody by their next channel, if there is one and nothing has reached them; which it is.

    Within one round no channel is fallen back to that was used already, whichever step used it.
    """
    duty = failed.duty
    person = directory.people.get(duty.to)
    told = outbox.thread(session, failed.community_id, duty.incident.id, duty.to, purpose=duty.purpose, round_=duty.round)
    has_arrived = any(one.state is NotificationState.DELIVERED for one in told if one.duty.step == duty.step)
    if person is None or has_arrived:
        return None
    tried = outbox.deliveries(session, failed.community_id, (one.id for one in told))
    used = {one.duty.channel for one in told} | {one.channel for one in tried}
    channel = next_channel(person, {one for one in used if one is not None})
    if channel is not None:
        text = failed.text if failed.bundle else None
        outbox.add(session, replace(duty, channel=channel), now_ns, text=text, bundle=failed.bundle)
    return channel


def _useless(session: Session, claimed: Notification, person: Person, channel: Channel, now_ns: int) -> str | None:
    """Why a notification is not sent by a channel; None if it is. What is broken is used where there is nothing else."""
    window_ns = _window_ns(claimed.duty)
    if channel not in person.channels:
        return "no_channel"
    if claimed.duty.purpose is Purpose.ASK and window_ns is not None and window_ns <= now_ns:
        return "window_over"
    match contacts.state(session, claimed.community_id, person, channel):
        case ContactState.OPTED_OUT:
            return ContactState.OPTED_OUT
        case ContactState.BROKEN:
            others = [one for one in tellable(person) if one is not channel]
            is_only = all(contacts.state(session, claimed.community_id, person, one) is ContactState.BROKEN for one in others)
            return None if is_only else ContactState.BROKEN
        case _:
            return None


def _with_others(session: Session, claimed: Notification, channel: Channel, directory: Directory, now_ns: int) -> str | None:
    """One text for all that waits for the same person; None where nothing does, and where it cannot be put into words: each goes alone."""
    others = outbox.waiting_too(session, claimed, Severity.URGENT, now_ns, MOST_BUNDLED)
    if not others:
        return None
    try:
        text = render_bundle([claimed.duty, *(one.duty for one in others)], channel, directory, now_ns)
    except WORDLESS:
        _log.exception("dispatch.not_bundled", id=claimed.id)
        return None
    outbox.bundle(session, claimed, others)
    return text


def _answering(session: Session, duty: Duty, channel: Channel, person: Person, gateway: Gateway) -> tuple[Answering, WrittenBack | None]:
    """How somebody can answer by a channel of a gateway; and, where they write back, from where and by which number."""
    phone, can = person.phone_e164, gateway.capabilities
    if phone is None or not takes_answer(duty, channel) or not can.reply.covers(phone):
        return Answering(number=None, keys=can.keys.covers(phone)), None
    taken = outbox.answer_numbers(session, phone)
    number = taken.get((duty.incident.community_id, duty.incident.id)) or free_number(frozenset(taken.values()))
    return Answering(number=number), (phone, number)


def _with_token(session: Session, claimed: Notification, text: str, by: Links | None, now_ns: int) -> str:
    """The text as it leaves: where a link stands, with its token, which is good from now on."""
    if by is None or links.MARK not in text:
        return text
    token = by.token(claimed.community_id, claimed.id)
    links.keep(session, token, claimed.community_id, claimed.id, now_ns)
    return text.replace(links.MARK, token)


def _window_ns(duty: Duty) -> int | None:
    """Until when the wearer may cancel."""
    return next((row.at_ns for row in duty.incident.dues if row.due is Due.CANCEL_WINDOW), None)


def _held(session: Session, claimed: Notification, directory: Directory, channel: Channel, now_ns: int) -> Wait | Attempted | None:
    """Why a notification that was never attempted is not attempted now either; None if it is."""
    severity, person = claimed.duty.incident.severity, directory.people[claimed.duty.to]
    if holding.is_too_late(severity, claimed.created_ns, now_ns):
        return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, channel=channel, code="too_late")
    if (until_ns := holding.asleep(person, severity, directory.timezone, now_ns)) is not None:
        return Wait(until_ns=until_ns, held=Held.QUIET_HOURS)
    found = holding.held(channel, severity, _counted(session, claimed), now_ns)
    return None if found is None else Wait(until_ns=found[0], held=found[1])


def _with_room(
    session: Session, candidates: Sequence[Gateway], claimed: Notification, now_ns: int
) -> tuple[Sequence[Gateway], dict[str, int]]:
    """The gateways whose providers let more through; if there is none all of them, and until when each does not."""
    severity, full = claimed.duty.incident.severity, {}
    for gateway in candidates:

        def nth(limit: gateways.Limit, name: str = gateway.name) -> int | None:
            to = (claimed.community_id, claimed.duty.to) if gateways.Per.NUMBER in limit.per else (None, None)
            return outbox.nth_newest_ns(session, limit.count, gateway=name, community_id=to[0], to=to[1])

        limits = gateway.capabilities.limits
        found = [holding.full_until(limit, severity, nth, now_ns) for limit in limits]
        if (until_ns := max((one for one in found if one is not None), default=None)) is not None:
            full[gateway.name] = until_ns
    free = tuple(gateway for gateway in candidates if gateway.name not in full)
    return (free, {}) if free else (candidates, full)


def _turn(routes: Routes, candidates: Sequence[Gateway], full_ns: dict[str, int], claimed: Notification) -> Wait | None:
    """When a notification comes to its turn, where no provider lets more through; life safety does not wait."""
    if not full_ns or claimed.duty.incident.severity is Severity.LIFE:
        return None
    first = min(candidates, key=lambda one: full_ns[one.name])
    until_ns = full_ns[first.name]
    if claimed.held != Held.PROVIDER_LIMIT:  # else it was in the queue, and is the next
        until_ns = routes.queues.turn(first.capabilities, first.name, until_ns)
    return Wait(until_ns=until_ns, held=Held.PROVIDER_LIMIT)


def _counted(session: Session, claimed: Notification) -> Callable[[Limit], int | None]:
    """Looks up what a limit counts, in the database: other dispatchers' messages count too."""
    community_id, to = claimed.community_id, claimed.duty.to

    def nth(limit: Limit) -> int | None:
        match limit.per:
            case Per.RECIPIENT:
                return outbox.nth_newest_ns(session, limit.most, channel=limit.channel, community_id=community_id, to=to)
            case Per.COMMUNITY:
                return outbox.nth_newest_ns(session, limit.most, channel=limit.channel, community_id=community_id)

    return nth


def _channel(session: Session, duty: Duty, person: Person) -> Channel | None:
    """The channel that a duty names, or the one that reached this person."""
    if duty.channel is not None:
        return duty.channel
    community_id = duty.incident.community_id
    told = outbox.thread(session, community_id, duty.incident.id, duty.to)
    tried = outbox.deliveries(session, community_id, (one.id for one in told))
    return reached_by(person, [(one.channel, one.outcome is DeliveryOutcome.DELIVERED) for one in tried if one.channel])


def _earlier(session: Session, claimed: Notification) -> list[Delivery]:
    if claimed.attempt == 1:
        return []
    tried = outbox.deliveries(session, claimed.community_id, [claimed.id])
    return sorted((one for one in tried if one.attempt < claimed.attempt), key=lambda one: one.attempt)


def _sent_unsurely(earlier: Sequence[Delivery]) -> Delivery | None:
    """The last attempt that was sent, if nobody knows whether it got through."""
    for one in reversed(earlier):
        if one.outcome not in UNSURE:
            return None
        if one.gateway is not None and one.code not in {NOT_FOUND_YET, NOT_LOOKED_UP}:
            return one
    return None

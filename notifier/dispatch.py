"""The dispatcher: acts on what is due, hands messages to gateways, and moves on what gateways say.

Every attempt is in the database before it is made (`store.outbox.claim`). One whose end nobody wrote down is looked up at the provider, and
sent again only if it surely was not accepted; where that cannot be said, the next channel is used.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor as OneThread  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from sqlmodel import Session

from devices.model import NS_PER_S
from incidents.desk import sweep as sweep_incidents
from incidents.model import Severity
from notifier.delivery import SILENCE_NS, next_channel, reached_by
from notifier.gateways.model import SEND_S, Answer, Gateway, GatewayAwayError, Outgoing
from notifier.messages import render
from store import ledger, outbox
from store.estates import Estates
from store.model import StoreBusyError
from store.outbox import Attempted, DeliveryOutcome, Notification, NotificationState
from store.session import Database

AT_ONCE = 8
"""Messages on their way to gateways at one time."""
KEPT_FOR_LIFE = 2
"""Of those as many as nothing else may take: a slow gateway does not hold up a fall."""
LEASE_S = SEND_S + 10.0
"""After it an attempt that nobody spoke of is looked up."""
SETTLE_S = 5.0
"""What a dispatcher that was killed sent last has arrived by then."""
ASK_FOR_S = 6 * 3600.0
"""For so long gateways are asked what became of what they accepted."""
MOST_ATTEMPTS = 6
RETRY_S = 2.0
"""Doubled with each attempt."""
ASK_S = 5.0
"""Between a time-out and the question whether it was accepted, and between two questions for statuses."""
LOOK_S = 0.25
_BATCH = 100
_log = structlog.get_logger(__name__)

_MAY_BE_SENT = {DeliveryOutcome.BEGUN, DeliveryOutcome.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A claimed notification, ready to leave.

    Attributes
    ----------
    outgoing, gateway
        None for somebody who is not there any more, or has no channel that is served.
    known : frozenset of str
        What the gateway calls messages to this person that are known to be others.
    """

    notification: Notification
    outgoing: Outgoing | None = None
    gateway: Gateway | None = None
    known: frozenset[str] = frozenset()


class Dispatcher:
    """Serves every community.

    Parameters
    ----------
    database
        Incidents and the outbox.
    gateways
        The first that serves a channel gets its messages.
    worker
        Stands in the claims: a name that at one time only one process has, and its successor too.
    clock
        Wall clock, ns.
    """

    def __init__(self, database: Database, gateways: Sequence[Gateway], *, worker: str, clock: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._gateways = tuple(gateways)
        self._worker = worker
        self._clock = clock
        self._estates = Estates()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="gateway")
        self._leaving: set[Future[None]] = set()
        self._ask_ns = 0
        self._trouble = False

    def take_over(self, now_ns: int) -> None:
        """Claims under our name are those of a process that has ended."""
        with self._database.write() as session:
            outbox.release(session, self._worker, now_ns + round(SETTLE_S * NS_PER_S))

    def sweep(self, now_ns: int) -> None:
        """Act on everything that is due by now; messages leave in the background."""
        try:
            for step in (self._sweep_incidents, self._ask, self._take_receipts, self._fall_back, self._send):
                step(now_ns)
            self._tell(None)
        except StoreBusyError as error:
            self._tell(error)

    def settle(self) -> None:
        """Wait until everything that is leaving has left."""
        for leaving in tuple(self._leaving):
            leaving.result()

    def close(self) -> None:
        """Hand over nothing more, and wait for what is leaving."""
        self._pool.shutdown(wait=True)

    def _sweep_incidents(self, now_ns: int) -> None:
        """Steps, expiries and endings that are due."""
        with self._database.read() as session:
            due = ledger.communities_due(session, now_ns)
        for community_id in due:
            with self._database.write() as session:
                book = ledger.DatabaseBook(session, community_id, now_ns)
                book.put(sweep_incidents(book, self._estates.community(session, community_id).directory, now_ns))

    def _ask(self, now_ns: int) -> None:
        """Ask gateways what became of what they accepted."""
        if now_ns < self._ask_ns or self._leaving:
            return
        self._ask_ns = now_ns + round(ASK_S * NS_PER_S)
        with self._database.read() as session:
            accepted = outbox.unsettled(session, now_ns - round(ASK_FOR_S * NS_PER_S), _BATCH)
        for one in accepted:
            gateway = next((known for known in self._gateways if known.name == one.gateway), None)
            if gateway is not None and one.provider_id is not None:
                self._start(self._ask_one, gateway, one.provider_id)

    def _ask_one(self, gateway: Gateway, provider_id: str) -> None:
        try:
            said = gateway.status(provider_id)
        except GatewayAwayError as error:
            _log.warning("dispatch.not_asked", gateway=gateway.name, reason=str(error))
            return
        if said.word in gateway.outcomes:
            with self._database.write() as session:
                outbox.keep_receipt(session, gateway.name, provider_id, status=said.word, code=said.code, received_ns=self._clock())

    def _take_receipts(self, now_ns: int) -> None:
        """Move deliveries on by what gateways said; a failure lets the next channel be tried at once."""
        outcomes = {gateway.name: gateway.outcomes for gateway in self._gateways}
        with self._database.write() as session:
            for receipt in outbox.take_receipts(session, _BATCH):
                of = receipt.delivery
                outcome = outcomes.get(of.gateway or "", {}).get(receipt.status)
                if outcome is not None:
                    code = None if outcome is DeliveryOutcome.DELIVERED else receipt.code or receipt.status
                    attempted = Attempted(outcome=outcome, at_ns=now_ns, code=code)
                    outbox.record(session, of.community_id, of.notification_id, of.attempt, attempted)

    def _fall_back(self, now_ns: int) -> None:
        """By the next channel, what was not heard of in time or failed."""
        with self._database.write() as session:
            for notification in outbox.take_fallbacks(session, now_ns, _BATCH):
                duty = notification.duty
                told = outbox.thread(session, notification.community_id, duty.incident.id, duty.to, purpose=duty.purpose, round_=duty.round)
                if any(one.state is NotificationState.DELIVERED and one.duty.step == duty.step for one in told):
                    continue
                tried = outbox.deliveries(session, notification.community_id, (one.id for one in told))
                used = {one.channel for one in tried if one.channel} | {one.duty.channel for one in told if one.duty.channel}
                person = self._estates.community(session, notification.community_id).directory.people.get(duty.to)
                channel = next_channel(person, used) if person else None
                if channel is None:
                    _log.warning("dispatch.nothing_left", incident=duty.incident.id, to=duty.to)
                else:
                    outbox.add(session, replace(duty, channel=channel), now_ns)

    def _send(self, now_ns: int) -> None:
        """Claim what is due, as much as there is room for, and let it leave."""
        for least, most in ((Severity.LIFE, AT_ONCE), (Severity.INFO, AT_ONCE - KEPT_FOR_LIFE)):
            room = most - len(self._leaving)
            if room <= 0:
                continue
            with self._database.write() as session:
                claimed = outbox.claim(session, now_ns, LEASE_S, room, self._worker, silence_ns=SILENCE_NS, least=least)
                jobs = [self._prepared(session, one, now_ns) for one in claimed]
            for job in jobs:
                self._start(self._leave, job)

    def _prepared(self, session: Session, notification: Notification, now_ns: int) -> _Job:
        """Channel and words of a claimed notification, written with the claim; of a later attempt those of the first one."""
        duty, directory = notification.duty, self._estates.community(session, notification.community_id).directory
        person = directory.people.get(duty.to)
        before = outbox.deliveries(session, notification.community_id, [notification.id])
        channel = next((one.channel for one in before if one.channel), None) or duty.channel
        if person is not None and channel is None:
            told = outbox.thread(session, notification.community_id, duty.incident.id, duty.to)
            tried = outbox.deliveries(session, notification.community_id, (one.id for one in told))
            channel = reached_by(person, [(one.channel, one.outcome is DeliveryOutcome.DELIVERED) for one in tried if one.channel])
        if person is None or channel is None:
            return _Job(notification=notification)
        gateway = next((one for one in self._gateways if channel in one.channels), None)
        text = notification.text or render(duty, channel, directory, now_ns)
        if gateway is not None:
            outbox.prepare(session, notification, channel=channel, gateway=gateway.name, text=text)
        outgoing = Outgoing(
            community_id=notification.community_id,
            notification_id=notification.id,
            person=person,
            channel=channel,
            text=text,
            created_ns=notification.created_ns,
        )
        known = outbox.provider_ids(session, notification.community_id, duty.to, gateway.name) if gateway else frozenset()
        return _Job(notification=notification, outgoing=outgoing, gateway=gateway, known=known)

    def _leave(self, job: _Job) -> None:
        """Look up what may have been sent, send what was not, and write what came of it."""
        answer = self._answer(job)
        attempted = self._attempted(job, answer)
        if attempted.outcome not in {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED}:
            _log.warning("dispatch.attempt", id=job.notification.id, outcome=attempted.outcome, code=answer.code)
        place = (job.notification.community_id, job.notification.id, job.notification.attempt)
        while True:
            try:
                with self._database.write() as session:
                    outbox.record(session, *place, attempted)
            except StoreBusyError as error:
                self._tell(error)
                time.sleep(LOOK_S)
            else:
                return

    def _answer(self, job: _Job) -> Answer:
        if job.gateway is None or job.outgoing is None:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_gateway")
        if job.notification.previous in _MAY_BE_SENT:
            try:
                found = [one for one in job.gateway.look_up(job.outgoing) if one.provider_id is None or one.provider_id not in job.known]
            except GatewayAwayError as error:
                return Answer(outcome=DeliveryOutcome.UNKNOWN, code=str(error))
            if found:
                return found[0]
        return job.gateway.send(job.outgoing, self._clock())

    def _attempted(self, job: _Job, answer: Answer) -> Attempted:
        """What to write of an answer, and when to go on."""
        now_ns, attempt = self._clock(), job.notification.attempt
        outcome, retry_ns = answer.outcome, None
        if outcome is DeliveryOutcome.RETRY and attempt >= MOST_ATTEMPTS:
            outcome = DeliveryOutcome.REJECTED
        elif outcome is DeliveryOutcome.RETRY:
            retry_ns = now_ns + round(RETRY_S * 2 ** (attempt - 1) * NS_PER_S)
        elif outcome is DeliveryOutcome.UNKNOWN and attempt < MOST_ATTEMPTS:
            retry_ns = now_ns + round(ASK_S * NS_PER_S)
        return Attempted(outcome=outcome, at_ns=now_ns, provider_id=answer.provider_id, code=answer.code, retry_ns=retry_ns)

    def _start(self, what: Callable[..., None], *arguments: object) -> None:
        leaving = self._pool.submit(what, *arguments)
        self._leaving.add(leaving)
        leaving.add_done_callback(self._left)

    def _left(self, leaving: Future[None]) -> None:
        self._leaving.discard(leaving)
        if error := leaving.exception():
            # The attempt stays begun: after its lease it is looked up.
            _log.error("dispatch.failed", exc_info=error)

    def _tell(self, trouble: StoreBusyError | None) -> None:
        """One line when it begins and one when it is over."""
        if trouble and not self._trouble:
            _log.error("dispatch.database_away", reason=str(trouble))
        if self._trouble and not trouble:
            _log.info("dispatch.goes_on")
        self._trouble = trouble is not None


def run(dispatcher: Dispatcher, stop: threading.Event, *, clock: Callable[[], int] = time.time_ns) -> None:
    """Sweep until told to stop. APScheduler calls, one sweep at a time; what was missed is made up for by the next one."""
    dispatcher.take_over(clock())
    scheduler = BackgroundScheduler(executors={"default": OneThread(1)})
    scheduler.add_job(
        lambda: dispatcher.sweep(clock()), "interval", seconds=LOOK_S, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)
    dispatcher.close()

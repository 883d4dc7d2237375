"""The dispatcher: acts on what is due, hands messages to gateways, and moves on what gateways say.

Every attempt is in the database before it is made (`store.outbox.claim`). One whose end nobody wrote down is looked up at the provider,
and sent again only if it surely was not accepted; where that cannot be said, the next channel is used.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from devices.model import NS_PER_S, CommunityId
from incidents import desk, leaving
from incidents.directory import Directory, Severity
from incidents.timeline import Because, Cause
from notifier import outbound, reachability
from notifier.delivery import SILENCE_NS
from notifier.gateways.codes import meaning
from notifier.gateways.model import SEND_S, Answer, Gateway, GatewayAwayError, InDoubt
from notifier.outbound import HandOver, Wait
from notifier.paging import Pager, Trouble
from notifier.routing import Route, Routes
from notifier.spending import Spending, Stage
from store import contacts, departures, ledger, levels, links, outbox, paging
from store.estates import Estates
from store.lateness import Lateness
from store.links import Links
from store.model import StoreBusyError, StoreError
from store.outbox import Attempted, Delivery, DeliveryOutcome, Notification, Told
from store.session import Database

AT_ONCE = 64
"""Messages on their way to gateways at one time: of a provider that takes 50 ms for each, 1,280 a second at most."""
KEPT_FOR_LIFE = 16
"""Of those as many as nothing else may take: a slow gateway does not hold up a fall."""
QUESTIONS_AT_ONCE = 2
START_S = 5.0
"""An attempt that was not begun so long after its claim is not made any more: the rest of the lease is for its end."""
LEASE_S = START_S + SEND_S + 5.0
"""After it an attempt that nobody spoke of is looked up."""
RELEASED_S = 5.0
"""What a dispatcher that was killed sent last has left its machine by then."""
ASK_FOR_S = 6 * 3600.0
"""So long gateways are asked what became of what they accepted: first every `ASK_S`, later after a tenth of its age."""
ASK_S = 2.0
PROVE_LOOK_S = 30.0
"""So often is looked whether a night's proof is due."""
RECEIPTS_FOR_S = 24 * 3600.0
"""So long a receipt waits for its delivery."""
LATE_S = 1.0
"""What is acted on so long after it was due is said to be late."""
LOOK_S = 0.25
SEND_LOOK_S = 0.1
"""What is new leaves so soon while nothing else does."""
GATHER_S = 0.02
"""While something leaves, what is due is claimed so often, and what was answered is written so often: each time is one transaction."""
CLAIMED_TOGETHER = 16
"""At most, in one transaction: the first of them is sent only when the last is in words, and soon enough on a busy machine too."""
_BATCH = 100
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """What a gateway answered to an attempt, until it is written."""

    one: HandOver
    answer: Answer


class Dispatcher:
    """Serves every community.

    Parameters
    ----------
    database
        Incidents and the outbox.
    gateways
        Of those that serve a channel the earlier one comes first, where no route says otherwise.
    worker
        Stands in the claims: a name that at one time only one process has, and its successor too.
    clock
        Wall clock, ns.
    routes
        What is to go by which gateway.
    ways_back
        Links by which people answer; None where nobody reaches us.
    """

    def __init__(
        self,
        database: Database,
        gateways: Sequence[Gateway],
        *,
        worker: str,
        clock: Callable[[], int] = time.time_ns,
        routes: Sequence[Route] = (),
        ways_back: Links | None = None,
        spending: Spending | None = None,
        pager: Pager | None = None,
    ) -> None:
        self.clock = clock
        self.lateness = Lateness()
        """Of due rows: how long after their time they were acted on."""
        self._database = database
        self._routes = Routes(gateways, routes, ways_back, spending)
        self._pager = pager
        self._gateways = self._routes.gateways
        self._worker = worker
        self._estates = Estates()
        self._senders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send")
        self._askers = ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="ask")
        self._leaving: set[Future[None]] = set()
        self._answered: deque[_Answered] = deque()
        self._recorder = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._asking: dict[tuple[str, str], Future[None]] = {}
        self._asked_ns: dict[tuple[str, str], int] = {}
        self._receipts_dropped_ns = 0
        self._proofs_looked_ns = 0
        self._proved_ns: dict[CommunityId, int] = {}
        self._settled: dict[CommunityId, Directory] = {}
        self._closing = threading.Event()
        self._troubles: set[tuple[str, str]] = set()

    def take_over(self, now_ns: int) -> None:
        """Claims under our name are those of a process that has ended."""
        with suppress(StoreBusyError), self._database.write() as session:
            outbox.release(session, self._worker, now_ns + round(RELEASED_S * NS_PER_S))

    def sweep(self, now_ns: int) -> None:
        """Act on everything that is due by now, and let what it led to leave in the background."""
        self.look(now_ns)
        self.send(LOOK_S)

    def look(self, now_ns: int) -> None:
        """Act on everything that is due by now, but for sending. A step that fails does not keep the others."""
        steps = (
            self._say_how_late,
            self._sweep_incidents,
            self._take_receipts,
            self._fall_back,
            self._ask,
            self._look_at_quotas,
            self._prove,
        )
        self._through(steps, now_ns)

    def send(self, most_s: float) -> None:
        """Let what is due leave, as much as there is room for, and go on for a while as room is made. Used by one thread."""
        self._through((self._send,), most_s)

    def _through(self, steps: Sequence[Callable[..., object]], argument: float) -> None:
        try:
            for step in steps:
                self._safely(step, argument)
        except StoreBusyError as error:
            self._tell("dispatch.database_away", reason=str(error))
        else:
            self._over("dispatch.database_away")

    def settle(self) -> None:
        """Wait until everything that is leaving has left and is written, and every question is answered."""
        wait([*self._leaving, *self._asking.values()])
        self._recorder.submit(self._record_all).result()

    def halt(self) -> None:
        """Hand over nothing more."""
        self._closing.set()

    def close(self) -> None:
        """Hand over nothing more, and wait for what is leaving."""
        self.halt()
        self._askers.shutdown(wait=True, cancel_futures=True)
        self._senders.shutdown(wait=True)
        self._recorder.shutdown(wait=True)

    def _sweep_incidents(self, now_ns: int) -> None:
        """Steps, expiries and endings that are due; the trouble of one community is not another's."""
        with self._database.read() as session:
            due = ledger.communities_due(session, now_ns)
        for community_id in due:
            self._safely(self._sweep_community, community_id, now_ns)

    def _sweep_community(self, community_id: CommunityId, now_ns: int) -> None:
        with self._database.write() as session:
            book = ledger.DatabaseBook(session, community_id, now_ns)
            directory = self._directory(session, community_id)
            due_ns = book.next_due()
            if directory is not None and due_ns is not None:
                late_ns = now_ns - due_ns
                book.put(desk.sweep(book, directory, now_ns), Because(cause=Cause.TIME, late_ns=late_ns))
                self.lateness.add_ns(late_ns)

    def _prove(self, now_ns: int) -> None:
        """Look every night whether help would come for everybody."""
        if 0 <= now_ns - self._proofs_looked_ns < PROVE_LOOK_S * NS_PER_S:
            return
        self._proofs_looked_ns = now_ns
        with self._database.read() as session:
            communities = self._estates.ids(session)
        for community_id in communities:
            self._safely(self._prove_one, community_id, now_ns)
            self._safely(self._settle_departures, community_id, now_ns)

    def _prove_one(self, community_id: CommunityId, now_ns: int) -> None:
        with self._database.read() as session:
            directory = self._directory(session, community_id)
        due_ns = 0 if directory is None else reachability.due_ns(directory.timezone, now_ns)
        if directory is None or self._proved_ns.get(community_id, 0) >= due_ns:
            return
        with self._database.write() as session:
            if paging.is_due(session, reachability.DUTY, community_id, due_ns, now_ns):
                book = ledger.DatabaseBook(session, community_id, now_ns)
                found = reachability.look(session, directory, self._routes.spending, now_ns)
                levels.note(session, community_id, list(directory.devices), now_ns)
                event = reachability.word(found, directory, due_ns, now_ns)
                if event is not None and ledger.add_event(session, event):
                    book.put(desk.take(event, book, directory, now_ns))
                _log.info("dispatch.proved", community=community_id, findings=len(found))
                if forgotten := departures.forget(session, community_id, now_ns):
                    _log.info("dispatch.forgot", community=community_id, people=len(forgotten))
        self._proved_ns[community_id] = due_ns

    def _settle_departures(self, community_id: CommunityId, now_ns: int) -> None:
        """End quietly what is open about those of whom a community's file says that they have left: once for each version of it."""
        with self._database.read() as session:
            directory = self._directory(session, community_id)
        if directory is None or self._settled.get(community_id) is directory or not any(leaving.gone(directory)):
            return
        with self._database.write() as session:
            departures.settle(session, directory, now_ns)
        self._settled[community_id] = directory

    def _take_receipts(self, now_ns: int) -> None:
        """Move deliveries on by what gateways said."""
        with self._database.write() as session:
            said = []
            for receipt in outbox.take_receipts(session, _BATCH):
                gateway = self._gateways.get(receipt.delivery.gateway or "")
                outcome = gateway.outcomes.get(receipt.status) if gateway else None
                if outcome is not None:
                    said.append((receipt.delivery, outbound.reported(receipt, outcome, now_ns)))
            self._record(session, said)
            if now_ns - self._receipts_dropped_ns > RECEIPTS_FOR_S * NS_PER_S:
                self._receipts_dropped_ns = now_ns
                outbox.drop_receipts(session, now_ns - round(RECEIPTS_FOR_S * NS_PER_S))
                links.drop(session, now_ns)

    def _fall_back(self, now_ns: int) -> None:
        """By the next channel, what failed or was not delivered in time."""
        with self._database.write() as session:
            for failed in outbox.take_fallbacks(session, now_ns, _BATCH):
                directory = self._directory(session, failed.community_id)
                channel = outbound.fall_back(session, failed, directory, now_ns) if directory else None
                _log.info("dispatch.fell_back", id=failed.id, to=channel)

    def _ask(self, now_ns: int) -> None:
        """Ask gateways what became of what they accepted: receipts may never come by themselves."""
        with self._database.read() as session:
            accepted = outbox.unsettled(session, now_ns - round(ASK_FOR_S * NS_PER_S), 5 * _BATCH)
        known = {(one.gateway, one.provider_id): one for one in accepted if one.gateway in self._gateways and one.provider_id}
        self._asked_ns = {key: at_ns for key, at_ns in self._asked_ns.items() if key in known}
        self._asking = {key: asking for key, asking in self._asking.items() if not asking.done()}
        for key, one in known.items():
            pause_ns = max(round(ASK_S * NS_PER_S), (now_ns - one.handed_ns) // 10)
            if key not in self._asking and now_ns - self._asked_ns.get(key, one.handed_ns) >= pause_ns and len(self._asking) < _BATCH:
                self._asked_ns[key] = now_ns
                self._asking[key] = self._askers.submit(self._safely, self._ask_one, *key)

    def _ask_one(self, gateway_name: str, provider_id: str) -> None:
        gateway = self._gateways[gateway_name]
        try:
            said = gateway.status(provider_id)
        except GatewayAwayError as error:
            self._tell("dispatch.gateway_away", gateway.name, reason=str(error))
            return
        self._over("dispatch.gateway_away", gateway.name)
        if said.word in gateway.outcomes:
            with suppress(StoreBusyError), self._database.write() as session:  # asked again then
                outbox.keep_receipt(session, gateway.name, provider_id, status=said.word, code=said.code, received_ns=self.clock())

    def _send(self, most_s: float) -> None:
        """Claim what is due, as much as there is room for, and let it leave; go on for a while as room is made."""
        end_s, is_more = time.monotonic() + most_s, False
        while not self._closing.is_set():
            self._leaving = {one for one in self._leaving if not one.done()}
            room = AT_ONCE - len(self._leaving)
            least = Severity.LIFE if room <= KEPT_FOR_LIFE else Severity.INFO
            limit = min(room if least is Severity.LIFE else room - KEPT_FOR_LIFE, CLAIMED_TOGETHER)
            claimed = self._claim(self.clock(), limit, least) if room and (is_more or self._is_due(least)) else 0
            is_more = claimed == limit == CLAIMED_TOGETHER
            if is_more:
                continue
            if time.monotonic() >= end_s or not (claimed or self._leaving):
                return
            wait(self._leaving, timeout=GATHER_S)

    def _is_due(self, least: Severity) -> bool:
        """Whether there is anything to claim: who only looks does not keep others from writing."""
        with self._database.read() as session:
            return outbox.is_due(session, self.clock(), least)

    def _claim(self, now_ns: int, limit: int, least: Severity) -> int:
        """Claim what is due, and let what can go leave; how many were claimed."""
        ready = []
        with self._database.write() as session:
            claimed = outbox.claim(session, now_ns, LEASE_S, limit, self._worker, silence_ns=SILENCE_NS, least=least)
            contacts.look_up(session, {(one.community_id, one.duty.to) for one in claimed})
            for one in claimed:
                if outbox.is_bundled(session, one):
                    continue
                prepared = self._prepared(session, one, now_ns)
                if isinstance(prepared, HandOver):
                    ready.append(prepared)
                elif isinstance(prepared, Wait):
                    _log.info("dispatch.held", id=one.id, held=prepared.held)
                    outbox.postpone(session, one, prepared.until_ns, prepared.held)
                else:
                    _log.warning("dispatch.not_sent", id=one.id, code=prepared.code)
                    outbox.record(session, one.community_id, one.id, one.attempt, prepared)
        self._leaving.update(self._senders.submit(self._safely, self._hand_over, one) for one in ready)
        return len(claimed)

    def _prepared(self, session: Session, claimed: Notification, now_ns: int) -> HandOver | Wait | Attempted:
        """One that cannot even be put into words fails alone."""
        directory = self._directory(session, claimed.community_id)
        try:
            return outbound.prepare(session, claimed, directory, self._routes, now_ns)
        except outbound.WORDLESS:
            _log.exception("dispatch.not_prepared", id=claimed.id)
            return Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=now_ns, code="not_prepared")

    def _hand_over(self, one: HandOver) -> None:
        """Look up what may have been sent, send what was not, and write what came of it."""
        if self.clock() - one.claimed_ns > START_S * NS_PER_S:
            _log.warning("dispatch.too_slow", id=one.notification.id)
            return  # looked up when the lease is over
        try:
            answer = self._answer(one)
        except Exception:  # noqa: BLE001  whatever a gateway raises: it may have sent
            _log.exception("dispatch.gateway_failed", id=one.notification.id, gateway=one.gateway.name)
            answer = Answer(outcome=DeliveryOutcome.UNKNOWN, code="gateway_failed")
        say = _log.info if answer.outcome in {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED} else _log.warning
        say("dispatch.sent", id=one.notification.id, gateway=one.gateway.name, outcome=answer.outcome, code=answer.code)
        self._keep(one, answer)

    def _answer(self, one: HandOver) -> Answer:
        """What came of an earlier attempt, if it got through, else of this one."""
        in_doubt = one.gateway.capabilities.in_doubt
        if one.unsure_ns is None or in_doubt is InDoubt.SEND_AGAIN:
            return self._sent(one)
        if in_doubt is InDoubt.LEAVE:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=outbound.NOT_LOOKED_UP)
        try:
            found = one.gateway.look_up(one.outgoing)
            with self._database.read() as session:
                ours = outbound.found_again(session, one, found)
        except (GatewayAwayError, StoreBusyError) as error:
            _log.warning("dispatch.not_looked_up", id=one.notification.id, reason=str(error))
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=outbound.NOT_LOOKED_UP)
        if ours is not None:
            return ours
        if in_doubt is InDoubt.FOUND_ONLY or self.clock() - one.unsure_ns < one.gateway.settles_ns:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=outbound.NOT_FOUND_YET)
        return self._sent(one)

    def _sent(self, one: HandOver) -> Answer:
        """Hand it over, and take note of how the gateway fares."""
        answer = Answer(outcome=DeliveryOutcome.UNKNOWN, code="gateway_failed")
        try:
            answer = one.gateway.send(one.outgoing, self.clock())
        finally:
            is_ill = answer.outcome in {DeliveryOutcome.RETRY, DeliveryOutcome.UNKNOWN}
            if self._routes.breakers.heard(one.gateway.name, self.clock(), is_ill=is_ill):
                _log.error("dispatch.gateway_passed_over", gateway=one.gateway.name, code=answer.code)
                self._page(Trouble.FAILING, one.gateway.name, answer.code or answer.outcome)
            if not is_ill:
                self._over("dispatch.operator", one.gateway.name)
        return answer

    def _keep(self, one: HandOver, answer: Answer) -> None:
        """Have it written what came of an attempt, together with what comes of others in a moment."""
        self._answered.append(_Answered(one=one, answer=answer))
        self._recorder.submit(self._safely, self._record_soon)

    def _record_soon(self) -> None:
        if self._answered:
            self._closing.wait(GATHER_S)
            self._record_all()

    def _record_all(self) -> None:
        """Write everything that was answered, in one transaction. Used by one thread."""
        together = [self._answered.popleft() for _ in range(len(self._answered))]
        if not together:
            return
        try:
            self._write(together)
        except Exception:  # noqa: BLE001  one that cannot be written is not another's trouble
            for each in together:
                self._safely(self._write_alone, each)

    def _write_alone(self, answered: _Answered) -> None:
        try:
            self._write([answered])
        except IntegrityError:
            # another attempt has what we found: two with the same words were looked up at one time
            answer = replace(answered.answer, outcome=DeliveryOutcome.UNKNOWN, provider_id=None)
            self._write([replace(answered, answer=answer)])

    def _write(self, together: Sequence[_Answered]) -> None:
        """However long the database is away: what is not written is looked up later."""
        while True:
            try:
                with self._database.write() as session:
                    now_ns = self.clock()
                    self._record(session, [(each.one.notification, outbound.attempted(each.answer, each.one, now_ns)) for each in together])
            except StoreBusyError as error:
                self._tell("dispatch.database_away", reason=str(error))
                if self._closing.wait(LOOK_S):
                    return
            else:
                return

    def _record(self, session: Session, came: Sequence[tuple[Notification | Delivery, Attempted]]) -> None:
        """Write what came of attempts."""
        told = [
            Told(of.community_id, of.id if isinstance(of, Notification) else of.notification_id, of.attempt, attempted)
            for of, attempted in came
        ]
        outbox.record_all(session, told)
        for one, (of, _) in zip(told, came, strict=True):
            self._learn(session, one, of)

    def _learn(self, session: Session, told: Told, of: Notification | Delivery) -> None:
        """Take note of what came of an attempt: of what only the operator can mend, and of what it says of the contact method."""
        attempted = told.attempted
        if attempted.falls_back:
            known = meaning(attempted.gateway or "", attempted.code)
            self._tell("dispatch.operator", attempted.gateway or "", code=attempted.code or "")
            self._page(Trouble.REFUSED, attempted.gateway or "", f"{attempted.code}, {known.why}" if known else str(attempted.code))
        if (learnt := outbound.learnt(of, attempted)) is None:
            return
        directory = self._directory(session, told.community_id)
        recipient = outbox.recipient(session, told.community_id, told.notification_id)
        person = directory.people.get(recipient) if directory and recipient else None
        if person is not None and contacts.mark(session, told.community_id, person, learnt):
            _log.warning("dispatch.contact", id=told.notification_id, state=learnt.state, code=learnt.code)

    def _look_at_quotas(self, now_ns: int) -> None:
        """Say which communities have spent what they may, or nearly."""
        spending = self._routes.spending
        if not spending.quotas_micro:
            return
        with self._database.read() as session:
            for community_id in map(CommunityId, spending.quotas_micro):
                directory = self._directory(session, community_id)
                stage = spending.stage(session, community_id, directory.timezone, now_ns) if directory else Stage.WITHIN
                if stage is not Stage.WITHIN:
                    self._tell("dispatch.quota", community_id, stage=stage.name.lower())
                    self._page(Trouble.QUOTA_OVER if stage is Stage.OVER else Trouble.QUOTA_NEARLY, community_id)
                else:
                    self._over("dispatch.quota", community_id)

    def _page(self, trouble: Trouble, about: str, more: str = "") -> None:
        """Tell the operator, in the background: it may take a while, and nobody waits for it."""
        if self._pager is not None and not self._closing.is_set():
            self._askers.submit(self._safely, self._pager.tell, trouble, about, more)

    def _directory(self, session: Session, community_id: CommunityId) -> Directory | None:
        known: dict[CommunityId, Directory] = session.info.setdefault("directories", {})  # one transaction is one moment
        if community_id in known:
            return known[community_id]
        try:
            directory = known[community_id] = self._estates.community(session, community_id).directory
        except StoreBusyError:
            raise
        except StoreError as error:
            self._tell("dispatch.no_community", community_id, reason=str(error))
            return None
        self._over("dispatch.no_community", community_id)
        return directory

    def _safely(self, step: Callable[..., object], *arguments: object) -> None:
        """What nobody foresaw in one place keeps nobody else from being told."""
        about = " ".join((step.__name__, *(one for one in arguments if isinstance(one, str))))
        try:
            step(*arguments)
        except StoreBusyError:
            raise
        except Exception as error:  # noqa: BLE001
            self._tell("dispatch.failed", about, exc_info=error)
        else:
            self._over("dispatch.failed", about)

    def _say_how_late(self, now_ns: int) -> None:
        with self._database.read() as session:
            dues = [due_ns for due_ns in (ledger.next_due(session), outbox.next_due(session)) if due_ns is not None]
        late_s = (now_ns - min(dues, default=now_ns)) / NS_PER_S
        if late_s > LATE_S:
            self._tell("dispatch.late", seconds=round(late_s, 1))
        else:
            self._over("dispatch.late")

    def _tell(self, trouble: str, about: str = "", **fields: str | float | Exception) -> None:
        """One line when it begins."""
        if (trouble, about) not in self._troubles:
            self._troubles.add((trouble, about))
            _log.error(trouble, **({"about": about} if about else {}), **fields)

    def _over(self, trouble: str, about: str = "") -> None:
        """One line when it is over."""
        if (trouble, about) in self._troubles:
            self._troubles.discard((trouble, about))
            _log.info("dispatch.goes_on", after=trouble, **({"about": about} if about else {}))


def run(dispatcher: Dispatcher, stop: threading.Event) -> None:
    """Look and send until told to stop. APScheduler calls, one of each at a time; what was missed is made up for by the next one.

    Sending has a job of its own, which goes on while there is something: the first SMS of a fall does not wait for anything else.
    """
    dispatcher.take_over(dispatcher.clock())
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a sweep takes longer than a look is no news
    scheduler = BackgroundScheduler(timezone=UTC)
    for job, look_s in ((lambda: dispatcher.look(dispatcher.clock()), LOOK_S), (lambda: dispatcher.send(math.inf), SEND_LOOK_S)):
        scheduler.add_job(
            job,
            "interval",
            seconds=look_s,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(tz=UTC),
        )
    scheduler.start()
    stop.wait()
    dispatcher.halt()
    scheduler.shutdown(wait=True)
    dispatcher.close()
    late = dispatcher.lateness
    _log.info("dispatch.ended", due=late.count, median_ms=round(late.quantile_ms(0.5), 1), p99_ms=round(late.quantile_ms(0.99), 1))

"""The example's estate with telephones abroad: its dispatcher, its public listener, and the provider that both speak with."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from fakes.lakeside import Estate, Service

from devices.model import NS_PER_S
from incidents.directory import Channel
from incidents.model import Incident, IncidentState
from notifier.carrier.twilio import FakeTwilio
from notifier.dispatch import Dispatcher
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, Gateway, InDoubt, Outgoing, Status
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from rules.kinds import EventKind
from store.links import Links
from store.outbox import DeliveryOutcome
from web.public import create_app

PUBLIC = "https://anju.example"
LEI, ANNA = "+447700900123", "+447700900124"


class Mail:
    """A gateway whose messages hold links."""

    name = "mail"
    channels = frozenset({Channel.EMAIL})
    capabilities = Capabilities(channels=channels, link=EVERYBODY, in_doubt=InDoubt.LEAVE, receipts=False)
    settles_ns = 0
    outcomes: dict[str, DeliveryOutcome] = {}  # noqa: RUF012  as the protocol has it

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002
        self.sent.append(outgoing.text)
        return Answer(outcome=DeliveryOutcome.ACCEPTED)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        return ()

    def status(self, provider_id: str) -> Status:
        return Status(word=provider_id)


@dataclass
class Outside:
    """The estate with telephones abroad, its dispatcher, its public listener, and Twilio."""

    estate: Estate
    twilio: FakeTwilio
    mail: Mail
    dispatcher: Dispatcher
    client: httpx.Client

    def tells(self, kind: EventKind = EventKind.SOS, subject: str = "wang-xiuying", **fields: Any) -> Incident:
        incident = self.estate.happens(kind, subject, **fields)
        self.sweep()
        return incident

    def sweep(self) -> None:
        for _ in range(2):
            self.dispatcher.sweep(self.estate.now_ns)
            self.dispatcher.settle()

    def posts(self, gateway: str, fields: dict[str, str], *, signed_for: str | None = None) -> httpx.Response:
        url = f"{PUBLIC}/hooks/{gateway}"
        headers = {
            "x-twilio-signature": self.twilio.signature(signed_for or url, fields),
            "content-type": "application/x-www-form-urlencoded",
        }
        return self.client.post(f"/hooks/{gateway}", content=urlencode(fields), headers=headers)

    def writes(self, phone: str, text: str) -> str:
        """What somebody gets back for an SMS of theirs."""
        answer = self.posts("twilio", {"MessageSid": "SM-in", "SmsStatus": "received", "From": phone, "To": "+15005550006", "Body": text})
        assert answer.status_code == 200
        found = re.fullmatch(r"<\?xml[^>]*><Response>(?:<Message>(.*)</Message>)?</Response>|<\?xml[^>]*><Response ?/>", answer.text)
        assert found is not None
        return found[1] or ""

    def state(self, incident: Incident) -> tuple[IncidentState, str | None]:
        now = self.estate.incident(incident)
        return now.state, now.acknowledged_by


@contextmanager
def outside(estate: Estate, twilio: FakeTwilio, folder: Path) -> Iterator[Outside]:
    """While it runs."""
    said = estate.said
    people = {one["id"]: one for one in said["people"]}
    people["wang-lei"] |= {"phone": LEI, "contacts": [{"email": "lei@example.org"}]}
    people["guard-zhao"]["phone"] = ANNA
    said["policies"] = [
        {
            "id": "all",
            "kinds": ["sos", "fall", "intrusion"],
            "steps": [
                {"after_s": 0, "tell": ["wang-lei", "guard-zhao"], "by": ["sms"]},
                {"after_s": 300, "tell": ["wang-lei"], "by": ["voice", "email"]},
            ],
        }
    ]
    estate.write(said)
    twilio.clock = lambda: estate.now_ns / NS_PER_S
    settings = TwilioSettings.from_environment(twilio.environment, public_url=PUBLIC)
    mail = Mail()
    gateways: list[Gateway] = [TwilioGateway(settings), TwilioVoiceGateway(settings), mail]
    dispatcher = Dispatcher(estate.database, gateways, worker="one", clock=estate.clock, ways_back=Links.of(PUBLIC, folder))
    app = create_app(estate.database, {one.name: one for one in gateways}, PUBLIC, clock=estate.clock)
    served = Service(estate.database, estate.clock, app=app)
    with served.client() as client:
        yield Outside(estate=estate, twilio=twilio, mail=mail, dispatcher=dispatcher, client=client)
    served.stop()
    dispatcher.close()

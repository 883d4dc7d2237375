"""Hand-overs to gateways and what gateways say afterwards."""

from dataclasses import dataclass
from enum import StrEnum

from devices.model import PersonId
from incidents.directory import Channel
from incidents.model import IncidentId, Purpose, Story


class ReceiptStatus(StrEnum):
    """What a gateway says about a delivery."""

    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Word from a gateway about the newest delivery to a person by a channel; of those of `subject` and `story`, if they are named."""

    to: PersonId
    channel: Channel
    status: ReceiptStatus
    code: str | None = None
    subject: str | None = None
    story: Story | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One delivery at the moment it is given to a gateway."""

    id: str
    incident_id: IncidentId
    purpose: Purpose
    to: PersonId
    channel: Channel
    text: str
    at_ns: int

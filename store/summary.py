"""All that happened, in short: the lines that `anju demo --headless` ends with."""

from collections.abc import Iterator
from typing import Any

from sqlmodel import col, select

from store.session import Database
from store.tables import EventRow, IncidentRow, NotificationRow


def lines(database: Database) -> Iterator[dict[str, Any]]:
    """Every event, every incident as it is now, and every text with what became of it, oldest first."""
    with database.read() as session:
        for event in session.exec(select(EventRow).order_by(col(EventRow.known_ns))):
            yield {"type": "event", "kind": event.kind, "subject": event.subject, "device": event.device_id, "home": event.home_id}
        for incident in session.exec(select(IncidentRow).order_by(col(IncidentRow.opened_ns))):
            yield {"type": "incident", "id": incident.id, "state": incident.state, "severity": incident.severity}
        for one in session.exec(select(NotificationRow).order_by(col(NotificationRow.created_ns), col(NotificationRow.id))):
            yield {
                "type": "notification",
                "incident": one.incident_id,
                "to": one.to_person,
                "channel": one.channel,
                "state": one.state,
                "text": one.text,
            }

"""Incidents as the API shows them."""

from incidents.directory import Severity
from incidents.model import Incident, Story
from incidents.visitors import is_visit
from web.api.model import Card, Tone
from web.cards import card, since_ns
from web.site import Visit


def tone_of(incident: Incident) -> Tone:
    """Whether somebody needs help, or something wants a look; of a drill, that it is one."""
    if incident.story is Story.DRILL:
        return "drill" if incident.is_open else "good"
    if is_visit(incident):
        return "good"
    return "alarm" if incident.severity in {Severity.LIFE, Severity.URGENT} and incident.is_open else "care" if incident.is_open else "good"


def card_shown(incident: Incident, visit: Visit) -> Card:
    """An incident in short."""
    shown = card(incident, (), visit.scene)
    return Card(
        id=incident.id,
        kind=incident.headline.kind,
        severity=incident.severity,
        severity_words=shown.severity_words,
        tone=tone_of(incident),
        title_words=shown.title,
        who_words=shown.who,
        where_words=shown.address,
        since_ns=since_ns(incident),
        since_words=shown.since,
        ago_words=shown.ago,
        state=incident.state,
        state_words=shown.state_words,
        more_words=shown.state_more,
        is_open=incident.is_open,
        is_unowned=shown.is_unowned,
        stands=incident.stands,
    )

"""What the wearer's own device shows: that help was called, that somebody is coming, that it is over."""

from dataclasses import replace

from devices.model import PersonId
from incidents.audience import is_under_duress
from incidents.directory import Channel, Directory
from incidents.escalation import Said
from incidents.model import CLOSED, Duty, Incident, IncidentState, Purpose, Signal, Story


def signalled(incident: Incident, directory: Directory) -> Said:
    """The incident with what its wearer's device is to show now, each change once; nothing that would betray a call under duress."""
    wearer = directory.people.get(PersonId(incident.subject))
    signal = _signal(incident)
    if incident.story is not Story.DISTRESS or is_under_duress(incident) or signal is incident.signal:
        return incident, ()
    if wearer is None or Channel.DEVICE not in wearer.channels:
        return incident, ()
    after = replace(incident, signal=signal, signals=incident.signals + 1)
    duty = Duty(incident=after, purpose=Purpose.SIGNAL, step=after.signals, round=after.round, to=wearer.id, channel=Channel.DEVICE)
    return after, (duty,)


def _signal(incident: Incident) -> Signal | None:
    """What there is to show; nothing of what nobody was told of."""
    if incident.state in CLOSED:
        return Signal.OVER if incident.signal is not None else None
    if incident.state in {IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE}:
        return Signal.COMING
    return Signal.CALLED if incident.state is IncidentState.OPEN else incident.signal

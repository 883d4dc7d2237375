"""From topics and payloads to columns: who sent it, which kind it is, what it says, and whether it was here before."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from devices.adapters import ADAPTERS
from devices.adapters.model import Adapter, Heard, Listener
from devices.model import SENSORS_OF, Batch, Decoded, Kind, Message, Registry, Rejected, SensorKind
from devices.payload import one_line, shown
from devices.sensors import KINDS
from devices.topics import ROOT, parse

MAX_PAYLOAD_BYTES = 1 << 20
"""Longest payload that is looked into."""
REMEMBERED = 65_536
"""Readings of one kind that are known again, at least: at 2,000 a second half a minute, and a broker redelivers after seconds."""

_Identity = tuple[int, bytes, int]


class Decoder:
    """Messages to batches. It remembers what it has seen, so that what is delivered twice counts once.

    Parameters
    ----------
    registry
        The known devices.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._routes: dict[str, tuple[int, SensorKind]] = {}
        self._sources: dict[tuple[str, str], list[int]] = {}
        self._listeners: dict[int, Listener] = {}
        adapters = {adapter.name: adapter for adapter in ADAPTERS}
        for row, device in enumerate(registry.devices):
            if device.source is not None:
                self._sources.setdefault((device.source.adapter, device.source.name), []).append(row)
                if (adapter := adapters.get(device.source.adapter)) is not None:
                    self._listeners[row] = adapter.listener(device)
        self._seen = {kind.name: _Seen() for kind in KINDS}

    def route(self, topic: str, payload: bytes, received_ns: int, seq: int, *, retained: bool = False) -> tuple[Message, ...] | Rejected:
        """Readings that a message holds, or why it is set aside. Native payloads are not looked into.

        There is one for each kind and device that it says something new of: none of a half that waits for its other half.

        Parameters
        ----------
        topic, payload
            As they arrived.
        received_ns
            When they did.
        seq
            Its number in the order of arrival.
        retained
            Whether the broker repeated it on subscribing.
        """
        known = self._routes.get(topic)
        if known is not None and len(payload) <= MAX_PAYLOAD_BYTES:
            row, kind = known
            return (Message(topic=topic, device=row, kind=kind, payload=payload, received_ns=received_ns, seq=seq, retained=retained),)
        if len(payload) > MAX_PAYLOAD_BYTES:
            found: list[tuple[int, SensorKind, bytes]] | str = f"payload has {len(payload)} bytes, wanted at most {MAX_PAYLOAD_BYTES}"
        elif topic.startswith(f"{ROOT}/"):
            found = self._native(topic, payload)
        else:
            adapter = next(one for one in ADAPTERS if topic.startswith(one.prefix))  # the last one has no prefix
            found = self._foreign(adapter, Heard(topic=topic, payload=payload, received_ns=received_ns, retained=retained))
        if isinstance(found, str):
            return Rejected(topic=topic, reason=one_line(found), received_ns=received_ns, seq=seq)
        return tuple(
            Message(topic=topic, device=row, kind=kind, payload=reading, received_ns=received_ns, seq=seq, retained=retained)
            for row, kind, reading in found
        )

    def decode(self, messages: Iterable[Message]) -> tuple[dict[SensorKind, Batch], tuple[Rejected, ...]]:
        """Batches of the kinds that have readings, in the order of `KINDS`, and what was set aside, in order of arrival.

        Parameters
        ----------
        messages
            In order of arrival; readings that were decoded before are left out, and are not set aside.
        """
        of_kind: dict[SensorKind, list[Message]] = {}
        for message in messages:
            of_kind.setdefault(message.kind, []).append(message)
        batches: dict[SensorKind, Batch] = {}
        rejected: list[Rejected] = []
        for kind in KINDS:
            if kind.name in of_kind:
                decoded = self._decode(kind, of_kind[kind.name])
                rejected += decoded.rejected
                if len(decoded.batch):
                    batches[kind.name] = decoded.batch
        return batches, tuple(sorted(rejected, key=lambda one: one.seq))

    def _decode(self, kind: Kind[Batch], messages: Sequence[Message]) -> Decoded[Batch]:
        """Readings of one kind that are new."""
        decoded = kind.decode(messages)
        aside = {one.seq for one in decoded.rejected}
        kept = [message for message in messages if message.seq not in aside]
        seen = self._seen[kind.name]
        new = [m for m, wrong in zip(kept, decoded.batch.clock_wrong.tolist(), strict=True) if not seen.before(m, clock_wrong=wrong)]
        if len(new) == len(kept):
            return decoded
        # Redeliveries are rare: reading the rest anew costs less than a way to cut rows out of every kind's ragged columns.
        return Decoded(kind.decode(new).batch, decoded.rejected)

    def _native(self, topic: str, payload: bytes) -> list[tuple[int, SensorKind, bytes]] | str:
        found = self._find(topic)
        if isinstance(found, str):
            return found
        self._routes[topic] = found  # as many as there are devices and their kinds
        return [(*found, payload)]

    def _find(self, topic: str) -> tuple[int, SensorKind] | str:
        named = parse(topic)
        if isinstance(named, str):
            return named
        if named.community not in self._registry.communities:
            return f"community {named.community} is unknown"
        row = self._registry.row(named.community, named.device)
        if row is None:
            return f"device {named.device} is unknown in community {named.community}"
        return self._unfit(row, named.kind) or (row, named.kind)

    def _foreign(self, adapter: Adapter, heard: Heard) -> list[tuple[int, SensorKind, bytes]] | str:
        """What a message says of every device of ours that it is about; in words why it is set aside, if it is about none."""
        names = adapter.speakers(heard.topic, heard.payload)
        if isinstance(names, str):
            return names
        ours = [name for name in names if (adapter.name, name) in self._sources] or names[:1]
        told = [self._told(adapter, name, heard) for name in ours]
        taken = [one for one in told if not isinstance(one, str)]
        if not taken:
            return "; ".join(one for one in told if isinstance(one, str))
        return [reading for one in taken for reading in one]

    def _told(self, adapter: Adapter, name: str, heard: Heard) -> list[tuple[int, SensorKind, bytes]] | str:
        """What a message says of one device."""
        rows = self._sources.get((adapter.name, name), [])
        if len(rows) != 1:
            known = "more than one device" if rows else "no device"
            return f"{known} has the {adapter.name} source {shown(name)}"
        said = self._listeners[rows[0]](heard)
        if isinstance(said, str):
            return said
        fitting = [(rows[0], kind, reading) for kind, reading in said if self._unfit(rows[0], kind) is None]
        if said and not fitting:
            return "; ".join(filter(None, (self._unfit(rows[0], kind) for kind, _ in said)))
        return fitting

    def _unfit(self, row: int, kind: SensorKind) -> str | None:
        """Why a device does not send a kind."""
        device = self._registry[row]
        if kind in SENSORS_OF[device.kind]:
            return None
        return f"device {device.id} is a {device.kind}, which sends {', '.join(sorted(SENSORS_OF[device.kind]))}, not {kind}"


class _Seen:
    """The last readings of one kind, by device, time and digest; apart from other kinds, so that samples never push out a press.

    The time is in the payload already, so the digest stands for both; where it is not believed, the time of arrival stands beside it: two
    presses under a clock that stands still are two.
    """

    def __init__(self) -> None:
        # Two generations, because taking the oldest out of a dict one by one gets slower with each.
        self._newer: dict[_Identity, bool] = {}
        self._older: dict[_Identity, bool] = {}

    def before(self, message: Message, *, clock_wrong: bool) -> bool:
        """Whether the reading was here before; if not, it is from now on. A retained one makes no live one old: a state is not an edge."""
        digest = blake2b(message.payload, digest_size=16).digest()
        believed = (message.device, digest, 0)
        identity = (message.device, digest, message.received_ns) if clock_wrong else believed
        # Of a reading that was believed once, a copy that arrives a day later is still a copy.
        if self._knows(identity, message) or self._knows(believed, message):
            return True
        self._newer[identity] = not message.retained
        if len(self._newer) >= REMEMBERED:
            self._newer, self._older = {}, self._newer
        return False

    def _knows(self, identity: _Identity, message: Message) -> bool:
        was_live = self._newer.get(identity)
        if was_live is None:
            was_live = self._older.get(identity)
        return was_live is not None and (was_live or message.retained)

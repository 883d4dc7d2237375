"""Which partition of the log a topic belongs to: that of its device's home, so that all that one home's rules need is in one place."""

import time
from contextlib import suppress

from devices.adapters import ADAPTERS
from devices.entry import partition_of
from devices.model import CommunityId, Device
from devices.topics import parse
from store import configuration
from store.estates import Estates
from store.model import StoreBusyError
from store.session import Database

REFRESH_S = 2.0
_MOST_TOPICS = 1 << 16


class Partitions:
    """Topic to partition, by the communities as they are now.

    What no device is known for goes by device, or by topic: it is rejected later, but it is in the log.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._estates = Estates()
        self._numbers: dict[CommunityId, int] = {}
        self._of_device: dict[tuple[str, str], int] = {}
        self._of_source: dict[tuple[str, str], int] = {}
        self._known: dict[str, int] = {}
        self._next_s = 0.0

    def __call__(self, topic: str) -> int:
        """Partition of a topic. Looks, every `REFRESH_S` at most, whether a community has changed."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + REFRESH_S
            with suppress(StoreBusyError):  # then as before: who waits for a database here keeps readings out of the log
                self._refresh()
        found = self._known.get(topic)
        if found is None:
            if len(self._known) >= _MOST_TOPICS:
                self._known.clear()
            found = self._known[topic] = self._find(topic)
        return found

    def _refresh(self) -> None:
        with self._database.read() as session:
            numbers = {one: configuration.community_number(session, one) for one in self._estates.ids(session)}
            if numbers == self._numbers:
                return
            communities = [self._estates.community(session, one) for one in numbers]
        self._numbers = numbers
        devices = [device for community in communities for device in community.devices]
        self._of_device = {(device.community_id, device.id): _partition(device) for device in devices}
        self._of_source = {(device.source.adapter, device.source.name): _partition(device) for device in devices if device.source}
        self._known.clear()

    def _find(self, topic: str) -> int:
        named = parse(topic)
        if not isinstance(named, str):
            return self._of_device.get((named.community, named.device), partition_of(named.community, named.device))
        adapter = next(one for one in ADAPTERS if topic.startswith(one.prefix))  # the last one has no prefix
        speakers = adapter.speakers(topic, b"")
        if not isinstance(speakers, str) and (adapter.name, speakers[0]) in self._of_source:
            return self._of_source[adapter.name, speakers[0]]
        return partition_of("", topic)


def _partition(device: Device) -> int:
    return partition_of(device.community_id, device.home or device.id)

"""Messages of other ecosystems to a device that has such a source."""

import json
from typing import Any

from devices.adapters.model import Adapter, Heard
from devices.model import CommunityId, Device, DeviceId, DeviceKind, SensorKind, Source
from devices.view import View

T_MS = 1_772_416_800_000  # 2026-03-02T02:00:00Z


class Ear:
    """A device that listens: what it made of each message, by kind; in words what was set aside."""

    def __init__(self, adapter: Adapter, name: str, view: View | None = None) -> None:
        source = Source(adapter=adapter.name, name=name)
        device = Device(community_id=CommunityId("elm"), id=DeviceId("d-1"), kind=DeviceKind.CAMERA, source=source, view=view)
        self._adapter, self._name = adapter, name
        self._listen = adapter.listener(device)

    def hear(self, topic: str, payload: object, at_ms: float = 0, *, retained: bool = False) -> dict[SensorKind, dict[str, Any]] | str:
        """Readings of a message for this device that arrives so many ms after `T_MS`; JSON unless it is bytes."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        names = self._adapter.speakers(topic, raw)
        if isinstance(names, str):
            return names
        assert self._name in names
        said = self._listen(Heard(topic=topic, payload=raw, received_ns=T_MS * 1_000_000 + round(at_ms * 1e6), retained=retained))
        return said if isinstance(said, str) else {kind: json.loads(reading) for kind, reading in said}

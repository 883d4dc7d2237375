"""Other ecosystems' topics and payloads, one file each, turned into our kinds."""

from devices.adapters.esphome_ld2450 import ESPHOME_LD2450
from devices.adapters.frigate import FRIGATE
from devices.adapters.model import Adapter
from devices.adapters.osmand import OSMAND
from devices.adapters.owntracks import OWNTRACKS
from devices.adapters.traccar import TRACCAR
from devices.adapters.zigbee2mqtt import ZIGBEE2MQTT

ADAPTERS: tuple[Adapter, ...] = (
    ZIGBEE2MQTT,
    OWNTRACKS,
    OSMAND,
    TRACCAR,
    FRIGATE,
    ESPHOME_LD2450,  # last, because it has no prefix: it is asked about every topic that is none of the others'
)
"""Every ecosystem that is understood; no prefix but the last one's, which is empty, begins another."""


def kept(topic: str, payload: bytes) -> bytes:
    """What the log keeps of a payload of any topic."""
    adapter = next((adapter for adapter in ADAPTERS if adapter.prefix and topic.startswith(adapter.prefix)), None)
    return payload if adapter is None else adapter.kept(topic, payload)

"""Other ecosystems' topics and payloads, one file each, turned into our kinds."""

from devices.adapters.model import Adapter
from devices.adapters.zigbee2mqtt import ZIGBEE2MQTT

ADAPTERS: tuple[Adapter, ...] = (ZIGBEE2MQTT,)
"""Every ecosystem that is understood; no prefix begins another."""

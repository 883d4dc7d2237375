"""Zigbee2MQTT: `zigbee2mqtt/<friendly name>`, where the name may hold slashes and spaces.

Source: https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html. Each message repeats the whole state that is known, so what a
reading says may have been so for long: rules look for edges. Payloads are not timed; `last_seen`, which not everybody switches on, tells a
state that was kept (all are sent again when Zigbee2MQTT starts) from one that has just come.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from devices.adapters.model import Adapter, Heard, Said
from devices.clock import BEHIND_NS
from devices.model import NS_PER_MS, SensorKind
from devices.payload import parse_time_ns

PREFIX = "zigbee2mqtt/"
_AVAILABILITY = "/availability"
_BRIDGE = "bridge"
_BRIDGE_STATE = "bridge/state"
_BRIDGE_HEALTH = "bridge/health"
_KEPT_MS = 10_000
"""A state whose device was last seen longer ago was kept. A younger one has just come, and has its time of arrival: where `last_seen` is to
the second, two changes within one would be taken for a repetition."""
_NULL_BYTES = b"null"
_NULL = msgspec.Raw(_NULL_BYTES)
_MODE_OF: Mapping[str, str] = {
    "disarm": "disarmed",
    "arm_all_zones": "away",
    "arm_day_zones": "home",
    "arm_partial_zones": "home",
    "arm_night_zones": "night",
}
"""What a keypad asks for, in the words of the Zigbee cluster IAS ACE (https://www.zigbee2mqtt.io/devices/KEYZB-110.html)."""
_HELP = frozenset({"emergency", "panic", "sos"})
"""Keys of keypads and buttons that call for help."""


class _State(msgspec.Struct):
    """What we understand of what a device may say.

    Tamper and battery are left to the status reading to judge: a battery at 255 % must not hide an open window.
    """

    contact: bool | None = None
    occupancy: bool | None = None
    gas: bool | None = None
    tamper: msgspec.Raw = _NULL
    battery: msgspec.Raw = _NULL
    battery_low: Any = None
    last_seen: Any = None
    action: Any = None
    action_code: Any = None


class _Availability(msgspec.Struct):
    state: str


_STATE = msgspec.json.Decoder(_State)
_AVAILABLE = msgspec.json.Decoder(_Availability | str)


def speakers(topic: str, _payload: bytes) -> tuple[str, ...] | str:
    """The friendly name; `bridge` for the state and the health of the bridge itself, a device of kind gateway."""
    name = topic.removeprefix(PREFIX)
    if name in (_BRIDGE_STATE, _BRIDGE_HEALTH):
        return (_BRIDGE,)
    if name.startswith(f"{_BRIDGE}/"):
        return "the topic is of the Zigbee bridge itself, wanted a device's, or the bridge's state or health"
    return (name.removesuffix(_AVAILABILITY),)


def hear(heard: Heard) -> Said | str:
    """Contact (true is closed), gas, occupancy, tamper, battery and availability of a device; and whether the bridge itself is there."""
    name, payload = heard.topic.removeprefix(PREFIX), heard.payload
    t = heard.received_ns // NS_PER_MS
    try:
        if name == _BRIDGE_HEALTH:
            return ((SensorKind.STATUS, msgspec.json.encode({"t": t})),)
        if name == _BRIDGE_STATE or name.endswith(_AVAILABILITY):
            return _availability(payload, t)
        state = _STATE.decode(payload)
    except (ValueError, RecursionError) as error:
        return f"payload of {len(payload)} bytes is not a Zigbee2MQTT state: {error}"
    seen = _seen(state.last_seen, t)
    status: dict[str, object] = {"t": seen, "battery_percent": state.battery, "tamper": state.tamper}
    if isinstance(state.battery_low, bool) and bytes(state.battery) == _NULL_BYTES:
        status["battery_low"] = state.battery_low
    readings = [(SensorKind.STATUS, status)] if _says_status(state) else []
    is_open = state.gas if state.contact is None else not state.contact
    if is_open is not None:
        readings.append((SensorKind.CONTACT, {"t": seen, "open": is_open}))
    if state.occupancy is not None:
        readings.append((SensorKind.MOTION, {"t": seen, "motion": state.occupancy}))
    readings = [*_pressed(state, t), *readings]
    return tuple((kind, msgspec.json.encode(fields)) for kind, fields in readings)


def _seen(last_seen: object, t: int) -> int:
    """When a state is of, in ms: its time of arrival, unless it was kept. A time without a zone is nobody's."""
    if isinstance(last_seen, bool) or not isinstance(last_seen, int | str):
        return t
    try:
        seen = parse_time_ns(last_seen) // NS_PER_MS
    except ValueError:
        return t
    return seen if _KEPT_MS <= t - seen <= BEHIND_NS // NS_PER_MS else t


def _pressed(state: _State, t: int) -> list[tuple[SensorKind, dict[str, object]]]:
    """What was typed or pressed. An action is told once and is in no later state; an empty one may follow it.

    The code goes on as it is, so that one that cannot be is set aside with a reason.
    """
    if not isinstance(state.action, str):
        return []
    if state.action in _HELP:
        return [(SensorKind.BUTTON, {"t": t, "pressed": "sos"})]
    if state.action not in _MODE_OF:
        return []
    code = str(state.action_code) if isinstance(state.action_code, int) else state.action_code
    return [(SensorKind.KEYPAD, {"t": t, "mode": _MODE_OF[state.action], "code": code})]


def _availability(payload: bytes, t: int) -> Said | str:
    """Online or offline: JSON, or plain text as before Zigbee2MQTT 2."""
    plain = payload.strip()
    said = plain.decode() if plain.isalpha() else _AVAILABLE.decode(plain)
    state = said if isinstance(said, str) else said.state
    if state not in ("online", "offline"):
        return "availability is neither online nor offline"
    return ((SensorKind.STATUS, msgspec.json.encode({"t": t, "online": state == "online"})),)


def _says_status(state: _State) -> bool:
    """Whether a status is due: there is one in it, or nothing else is, and the device is at least alive."""
    if isinstance(state.battery_low, bool) or any(bytes(value) != _NULL_BYTES for value in (state.tamper, state.battery)):
        return True
    return state.contact is None and state.gas is None and state.occupancy is None


ZIGBEE2MQTT = Adapter(name="zigbee2mqtt", prefix=PREFIX, speakers=speakers, listener=lambda _device: hear)

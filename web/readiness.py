"""Whether a home can be armed: what stands open in it, what is not heard, and what an arming would leave out."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from devices.model import Covers, Device, HomeId
from incidents.model import Incident, Story
from rules.home.guarding import is_counting, ready
from rules.kinds import EventKind, Mode
from store.model import Community
from store.standings import Stands
from store.views import ModeSince
from web.scene import Scene

ARMED = tuple(mode for mode in Mode if mode is not Mode.DISARMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What stands in the way of arming one home.

    Attributes
    ----------
    open, silent : tuple of Device
        What stands open; what would be needed in some mode and is not heard.
    left_out : mapping
        Each mode in which something would be left out, with what.
    """

    open: tuple[Device, ...] = ()
    silent: tuple[Device, ...] = ()
    left_out: Mapping[Mode, tuple[Device, ...]]


class Homes:
    """Every home of a community that is not simply ready, as the worker heard last.

    Parameters
    ----------
    open_incidents
        Of the community: a sensor that is known to be offline is not heard.
    """

    def __init__(self, community: Community, stands: Iterable[Stands], open_incidents: Iterable[Incident]) -> None:
        self._community_id = community.id
        is_open: dict[str, bool] = {one.device_id: one.is_open for one in stands}
        offline = {one.subject for one in open_incidents if _is_offline(one)}
        # Of a thousand sensors a handful is open or silent, and only those are asked about, home by home and mode by mode.
        devices = sorted((one for one in community.devices if one.home and _matters(one, is_open, offline)), key=lambda one: one.id)
        self.premises = replace(community, devices=tuple(devices)).premises()
        self._of: dict[HomeId, Readiness] = {}
        for home in {HomeId(one.home or "") for one in devices}:
            here = [one for one in devices if one.home == home]
            left_out = {mode: ready(is_open, self.premises, community.id, home, mode) for mode in ARMED}
            self._of[home] = Readiness(
                open=tuple(one for one in here if _stands_open(one, is_open)),
                silent=tuple(one for one in here if one.id in offline and any(is_counting(self.premises, one, mode) for mode in ARMED)),
                left_out={mode: found for mode, found in left_out.items() if found},
            )

    def __getitem__(self, home: HomeId) -> Readiness:
        return self._of.get(home, _READY)

    def has_code(self, home: HomeId) -> bool:
        """Whether somebody has a code for a home."""
        place = self.premises.homes.get((self._community_id, home))
        return place is not None and bool(place.codes)

    def unheard(self, home: HomeId, mode: Mode) -> tuple[Device, ...]:
        """What counts in a mode of a home and is not heard."""
        return tuple(device for device in self[home].silent if is_counting(self.premises, device, mode))


_READY = Readiness(left_out={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Sensors in words: in short (the door, 2 windows), and each with its id."""

    short: str
    full: str


def things(devices: Iterable[Device], scene: Scene) -> Named:
    """What sensors are on."""
    wording = scene.wording
    return _named([(wording.covers[one.covers] if one.covers else wording.covers_unknown, one.id) for one in devices], scene)


def sensors(devices: Iterable[Device], scene: Scene) -> Named:
    """What sensors are."""
    wording = scene.wording
    return _named([(wording.contacts[one.covers] if one.covers else wording.devices[one.kind], one.id) for one in devices], scene)


def left_out_words(ready: Homes, home: HomeId, mode: Mode, scene: Scene) -> tuple[str, ...]:
    """What is left out of a home that was just armed, in sentences; none where nothing is."""
    without, unheard = things(ready[home].left_out.get(mode, ()), scene).full, sensors(ready.unheard(home, mode), scene).full
    said = (
        scene.words.left_out.format(things=without) if without else "",
        scene.words.unheard.format(things=unheard) if unheard else "",
    )
    return tuple(one for one in said if one)


def without_words(ready: Homes, home: HomeId, mode: Mode, scene: Scene) -> str:
    """What would be left out of a home in a mode, in a few words; "" of nothing."""
    missing = ready[home].left_out.get(mode, ())
    return scene.words.without.format(things=things(missing, scene).short) if missing else ""


def since_words(change: ModeSince | None, scene: Scene) -> str:
    """Since when a home is in its mode, and who put it there."""
    if change is None:
        return scene.words.never_changed
    return scene.words.mode_since.format(time=scene.clock(change.since_ns), by=scene.name(change.by))


def _named(among: Sequence[tuple[str, str]], scene: Scene) -> Named:
    words, counts = scene.words, Counter(thing for thing, _ in among)
    short = (words.one_thing.format(thing=thing) if n == 1 else words.many_things.format(n=n, thing=thing) for thing, n in counts.items())
    full = (words.thing.format(thing=thing, id=id_) for thing, id_ in among)
    return Named(short=words.list_gap.join(short), full=words.list_gap.join(full))


def _matters(device: Device, is_open: Mapping[str, bool], offline: Collection[str]) -> bool:
    return device.id in offline or _stands_open(device, is_open)


def _stands_open(device: Device, is_open: Mapping[str, bool]) -> bool:
    """A gas detector that is open smells gas: that is an incident, and nothing to close."""
    return device.covers is not Covers.GAS and is_open.get(device.id, False)


def _is_offline(incident: Incident) -> bool:
    return incident.story is Story.FAULT and any(kind is EventKind.OFFLINE for kind, _ in incident.active)

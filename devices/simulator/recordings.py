"""Recordings of people as the capture of so many wearables, and the invented community that wears them.

Names, addresses and numbers are made up: British numbers from the range that Ofcom keeps for drama, Chinese ones with a run of zeros.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

from devices.model import Int32, Int64, Placement
from devices.simulator.model import RATE_HZ, Timed, packet, topic

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, 10 in the morning in Shanghai."""

COMMUNITY = "rehearsal"
STAGGER = timedelta(milliseconds=20)
"""Device i begins i times this later than the first, modulo a second: not everybody's packet comes at once."""

AFTERMATH = timedelta(seconds=120)
"""The capture lets this much time pass after the last packet, so that what it led to can be seen."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_SURNAMES = (("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("赵", "zhao"), ("周", "zhou"))
_GIVEN = (
    ("秀英", "xiuying"),
    ("桂兰", "guilan"),
    ("建国", "jianguo"),
    ("玉珍", "yuzhen"),
    ("志明", "zhiming"),
    ("淑华", "shuhua"),
    ("德福", "defu"),
)
_RELATIVES = (("磊", "Lei"), ("静", "Jing"), ("敏", "Min"), ("强", "Qiang"), ("娜", "Na"))
_ENGLISH_EVERY = 4
_DRAMA_NUMBERS = 1000


class Recorded(Protocol):
    """What is needed of recordings: samples (3, N) int16 in milli-g at 50 Hz, limits (T + 1,), activities (T,) or None."""

    @property
    def acc(self) -> NDArray[np.int16]:
        """Samples."""

    @property
    def off(self) -> Int32:
        """Limits."""

    @property
    def act(self) -> NDArray[np.str_] | None:
        """Activities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was written.

    Attributes
    ----------
    chosen : tuple of (device, recording, activity)
        Activity is empty where the recordings have none.
    """

    capture: Path
    community: Path
    chosen: tuple[tuple[str, int, str], ...]

    def __str__(self) -> str:
        """One line of sums, then a line for each device."""
        falls = sum(activity.startswith("F") for _, _, activity in self.chosen)
        first = f"{self.capture} and {self.community}: {len(self.chosen)} recordings, {falls} of falls"
        return "\n".join([first, *(f"{device}  recording {index}  {activity}".rstrip() for device, index, activity in self.chosen)])


def choose(recordings: int, count: int) -> Int64:
    """Indices of `count` recordings (all, if there are fewer), evenly spaced over the file, ascending."""
    return np.unique(np.rint(np.linspace(0, recordings - 1, min(count, recordings))).astype(np.int64))


def write(recordings: Recorded, *, count: int, path: Path, placement: Placement) -> Summary:
    """Write `path` (JSON Lines) and the community file beside it, `<stem>.yaml`.

    Parameters
    ----------
    recordings
        Not changed.
    count
        How many recordings, each worn by a person of their own; all, if there are fewer.
    path
        Of the capture.
    placement
        Where the devices are worn.
    """
    chosen = choose(len(recordings.off) - 1, count)
    community_file = path.with_suffix(".yaml") if path.suffix != ".yaml" else path.with_name(f"{path.name}.yaml")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in capture(recordings, chosen):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    with community_file.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text(len(chosen), placement))
    activities = ["" if recordings.act is None else str(recordings.act[index]) for index in chosen]
    worn = tuple((_device(i), int(index), activities[i]) for i, index in enumerate(chosen))
    return Summary(capture=path, community=community_file, chosen=worn)


def capture(recordings: Recorded, chosen: Int64) -> Iterator[dict[str, Any]]:
    """Lines of a capture, in time order: the messages of `messages`, and then time passes.

    Parameters
    ----------
    recordings
        Not changed.
    chosen : (D,) int64
        Recording of each device.
    """
    last = START
    for at, device, payload in _packets(recordings, chosen, START):
        last = at
        yield {"at": _iso(at), "topic": _topic(device), "payload_b64": base64.b64encode(payload).decode()}
    yield {"at": _iso(last + AFTERMATH)}


def messages(recordings: Recorded, chosen: Int64, start_ns: int) -> Iterator[Timed]:
    """The same as messages to be published, the first sample of all at `start_ns` (in whole microseconds).

    1-second binary packets, each sent when it is full. A device whose recording has ended is silent, as in a capture: nothing is made up to
    follow it, so what is found is what `detect` finds; after ten minutes it is offline.
    """
    for at, device, payload in _packets(recordings, chosen, _EPOCH + timedelta(microseconds=start_ns // 1000)):
        yield Timed(_ns(at), _topic(device), payload)


def _packets(recordings: Recorded, chosen: Int64, start: datetime) -> list[tuple[datetime, int, bytes]]:
    """(arrival, device, payload), in order of arrival."""
    return sorted(_packets_of_devices(recordings, chosen, start), key=lambda packet: packet[:2])


def _packets_of_devices(recordings: Recorded, chosen: Int64, start: datetime) -> Iterator[tuple[datetime, int, bytes]]:
    for device, index in enumerate(chosen):
        begin, end = int(recordings.off[index]), int(recordings.off[index + 1])
        begun = start + (device * STAGGER) % timedelta(seconds=1)
        for first in range(begin, end, RATE_HZ):
            samples = recordings.acc[:, first : min(first + RATE_HZ, end)]
            time = begun + timedelta(seconds=(first - begin) / RATE_HZ)
            yield time + timedelta(seconds=samples.shape[1] / RATE_HZ), device, packet(_ns(time), samples)


def devices(count: int) -> tuple[str, ...]:
    """Ids of so many wearables."""
    return tuple(_device(i) for i in range(count))


def text(count: int, placement: Placement) -> str:
    """The community file of so many residents."""
    yaml, out = YAML(), StringIO()
    yaml.width = 200
    yaml.dump(community(count, placement), out)
    return out.getvalue()


def community(count: int, placement: Placement) -> dict[str, Any]:
    """Community file of so many residents, each with a home, a wearable and a relative."""
    homes, residents, relatives, devices = [], [], [], []
    for i in range(count):
        home = Quoted(f"b{i // 40 + 1}-{i // 4 % 10 + 1:02d}{i % 4 + 1:02d}")
        surname, given = _SURNAMES[i % len(_SURNAMES)], _GIVEN[i % len(_GIVEN)]
        resident = Quoted(f"{surname[1]}-{given[1]}-{i + 1:03d}")
        floor, flat = i // 4 % 10 + 1, i % 4 + 1
        homes.append(
            {"id": home, "building": Quoted(str(i // 40 + 1)), "floor": floor, "address": Quoted(f"{i // 40 + 1}栋{floor}{flat:02d}室")}
        )
        residents.append({"id": resident, "name": Quoted(surname[0] + given[0]), "roles": ["resident"], "home": home})
        relatives.append(_relative(i, surname, resident))
        devices.append({"id": Quoted(_device(i)), "kind": "wearable", "wearer": resident, "placement": placement.value})
    return {
        "community": {"id": Quoted(COMMUNITY), "name": Quoted("排练小区"), "timezone": "Asia/Shanghai", "language": "zh"},
        "homes": homes,
        "people": [*residents, *relatives, *_staff()],
        "devices": devices,
        "rosters": [
            {
                "id": Quoted("gate"),
                "shifts": [
                    {"responder": Quoted("guard-day"), "days": _DAYS[:], "from": Quoted("08:00"), "to": Quoted("20:00")},
                    {"responder": Quoted("guard-night"), "days": _DAYS[:], "from": Quoted("20:00"), "to": Quoted("08:00")},
                ],
            }
        ],
        "policies": [
            {
                "id": Quoted("distress"),
                "kinds": ["fall", "long_lie", "sos", "duress"],
                "cancel_window_s": 30,
                "steps": [
                    {"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]},
                    {"after_s": 60, "tell": ["hospital"], "by": ["sms", "voice"]},
                ],
            }
        ],
    }


def _relative(i: int, surname: tuple[str, str], resident: str) -> dict[str, Any]:
    """Every few of them live abroad and read English, as long as there are numbers for them."""
    given = _RELATIVES[i % len(_RELATIVES)]
    nth, rest = divmod(i, _ENGLISH_EVERY)
    abroad = rest == _ENGLISH_EVERY - 1 and nth < _DRAMA_NUMBERS
    return {
        "id": Quoted(f"{surname[1]}-{given[1].lower()}-{i + 1:03d}-family"),
        "name": Quoted(f"{given[1]} {surname[1].title()}" if abroad else surname[0] + given[0]),
        "roles": ["relative"],
        "of": [resident],
        "phone": Quoted(f"+447700900{nth:03d}" if abroad else f"+8613800{i + 1:06d}"),
        "language": "en" if abroad else "zh",
    }


def _staff() -> list[dict[str, Any]]:
    return [
        {"id": Quoted("guard-day"), "name": Quoted("孙队"), "roles": ["guard"], "phone": Quoted("+8613900000001")},
        {"id": Quoted("guard-night"), "name": Quoted("马队"), "roles": ["guard"], "phone": Quoted("+8613900000002")},
        {"id": Quoted("hospital"), "name": Quoted("第一医院急诊"), "roles": ["hospital"], "phone": Quoted("+8651985550100")},
    ]


def _device(i: int) -> str:
    return f"w-{i + 1:03d}"


def _topic(i: int) -> str:
    return topic(COMMUNITY, _device(i), "acceleration")


def _ns(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

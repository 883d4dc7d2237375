"""`anju bench month`: a simulated month, judged: which emergencies were told and how late, and what was told without one."""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Figures
from devices.model import NS_PER_MS, NS_PER_S
from devices.simulator import month
from devices.simulator.month import Emergency, Month, Sort
from notifier.replay import Replay
from rules.kinds import EventKind
from rules.pipeline import Rules
from store import capture, community

SEED = 2
"""No month of this seed was looked at while anything was set."""
TELLS: dict[Sort, frozenset[EventKind]] = {
    Sort.FALL: frozenset({EventKind.FALL, EventKind.LONG_LIE}),
    Sort.SOS: frozenset({EventKind.SOS}),
    Sort.COLLAPSE: frozenset({EventKind.INACTIVITY}),
    Sort.LEFT_BY_NIGHT: frozenset({EventKind.NO_RETURN, EventKind.EXIT, EventKind.WANDERING, EventKind.ABSENT}),
    Sort.LEFT_ESTATE: frozenset({EventKind.EXIT}),
    Sort.NOT_BACK: frozenset({EventKind.NO_RETURN}),
    Sort.BURGLAR: frozenset({EventKind.INTRUSION}),
    Sort.STRANGER: frozenset({EventKind.APPROACH, EventKind.CROSS}),
}
"""The kinds of events by which each emergency is caught."""
ALARMS = frozenset({"life", "urgent"})
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Score:
    """How a month was judged.

    Attributes
    ----------
    delays_s : dict of (Emergency, float)
        Of those that were caught, from the emergency to the event; a fence is approached before it is crossed, so it may be below 0.
    false : Counter
        Alarms (incidents of severity life or urgent) that nothing stands behind, by kind.
    notices : int
        Incidents of lower severity: a window open by night, a battery.
    """

    month: Month
    delays_s: dict[Emergency, float]
    false: Counter[str]
    notices: int

    @property
    def missed(self) -> list[Emergency]:
        """Of which nothing was told while it went on."""
        return [one for one in self.month.emergencies if one not in self.delays_s]

    @property
    def false_per_home_and_month(self) -> float:
        """Of thirty days."""
        return self.false.total() / self.month.homes * MONTH_DAYS / self.month.days


def judge(rules: Rules, seed: int, **size: int) -> Score:
    """Replay a month and hold it against what happened.

    Parameters
    ----------
    rules
        Makes the rules over premises.
    size
        As of `month.write`.
    """
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        file = Path(folder, "month.jsonl")
        written = month.write(file, seed, **size)
        replay = Replay(community.load(file.with_suffix(".yaml")), rules)
        return score(written, replay.run(capture.read(file), 4096))


def score(written: Month, output: Iterable[dict[str, Any]]) -> Score:
    """What the output of a replay is worth."""
    delays: dict[Emergency, float] = {}
    false: Counter[str] = Counter()
    seen: set[str] = set()
    notices = 0
    for line in output:
        if line["type"] == "event":
            at_ns = _ns(line["at"])
            for one in written.emergencies:
                if one not in delays and line["kind"] in TELLS[one.sort] and _is_of(one, line.get("resident"), line.get("home"), at_ns):
                    delays[one] = (at_ns - one.at_ns) / NS_PER_S
        elif line["type"] == "incident" and line["id"] not in seen:
            seen.add(line["id"])
            at_ns = _ns(line["at"])
            if line["severity"] not in ALARMS:
                notices += 1
            elif not any(_is_of(one, line["subject"], line.get("home"), at_ns) for one in written.emergencies):
                false[line["kind"]] += 1
    return Score(written, delays, false, notices)


def _is_of(one: Emergency, resident: str | None, home: str | None, at_ns: int) -> bool:
    return (one.resident == resident or one.home in {home, resident}) and one.at_ns <= at_ns <= one.until_ns


def _ns(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000) * NS_PER_MS


def run(rules: Rules, seed: int = SEED) -> Figures:
    """Figures of a whole month."""
    begin_s = time.perf_counter()
    found = judge(rules, seed)
    delays: defaultdict[Sort, list[float]] = defaultdict(list)
    for one, delay_s in found.delays_s.items():
        delays[one.sort].append(delay_s)
    return {
        "seed": seed,
        "homes": found.month.homes,
        "days": found.month.days,
        "messages": found.month.messages,
        "emergencies": len(found.month.emergencies),
        "caught": len(found.delays_s),
        "missed": ", ".join(one.sort for one in found.missed) or "none",
        **{f"{sort}_told_after_min": round(float(np.max(said)) / 60, 1) for sort, said in sorted(delays.items())},
        "false_alarms": ", ".join(f"{kind} {times}" for kind, times in sorted(found.false.items())) or "none",
        "false_alarms_per_home_and_month": round(found.false_per_home_and_month, 2),
        "notices_per_home_and_month": round(found.notices / found.month.homes, 1),
        "took_s": round(time.perf_counter() - begin_s),
    }

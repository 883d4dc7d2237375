"""`anju bench rehearsal`: days of the demo's estate under two configurations, beside the same capture replayed message by message.

The capture holds no raw acceleration but around falls, as `anju export-capture --falls` writes it. The peer is a replay whose micro-batches
hold one message each. With raw acceleration the same estate sends what 40 wearables measure, 50 times a second.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.measure import Figures
from devices.simulator import demo, estate, week
from notifier.rehearsal import rehearse
from notifier.replay import Replay
from rules.pipeline import Rules
from store import capture, community

DAYS, WEEK_DAYS = 0.5, 7.0
"""So many are measured; how long a week would take is computed from that."""
PEER_DAYS = 0.05
"""Of the peer, which is slow: its figure is by the message."""
RAW_MINUTES = 3.0
"""Of the estate with raw acceleration."""


def run(rules: Rules, days: float = DAYS) -> Figures:
    """Figures of a rehearsal.

    Parameters
    ----------
    rules
        Makes the rules over premises.
    days
        Of the capture.
    """
    with tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        file = Path(folder, "week.jsonl")
        messages = week.write(file, days=days)
        today = community.parse(estate.community_file(), "today")
        begin_s = time.perf_counter()
        found = rehearse(file, today, today, rules)
        took_s = time.perf_counter() - begin_s
        begin_s = time.perf_counter()
        once = sum(1 for _ in Replay(today, rules).run(capture.read(file), 4096))
        once_s = time.perf_counter() - begin_s
        few = week.write(file, days=min(days, PEER_DAYS))
        begin_s = time.perf_counter()
        for _ in Replay(today, rules).run(capture.read(file), 1):
            pass
        peer_s = time.perf_counter() - begin_s
        raw = Path(folder, "raw.jsonl")
        demo.write(raw, minutes=RAW_MINUTES)
        begin_s = time.perf_counter()
        rehearse(raw, today, today, rules)
        raw_s = time.perf_counter() - begin_s
    return {
        "homes": len(estate.homes()),
        "days": days,
        "messages": messages,
        "incidents": found.total.today,
        "output_lines": once,
        "rehearsal_s": round(took_s, 1),
        "a_week_would_take_s": round(took_s * WEEK_DAYS / days),
        "times_real_time": round(days * week.DAY_S / took_s),
        "raw_acceleration_times_real_time": round(RAW_MINUTES * 60 / raw_s),
        "one_replay_s": round(once_s, 1),
        "one_replay_us_per_message": round(once_s / messages * 1e6),
        "message_by_message_us_per_message": round(peer_s / few * 1e6),
    }

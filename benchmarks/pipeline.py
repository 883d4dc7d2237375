"""`anju bench pipeline`: a worker on a filled log, beside a bare reader of the same one; and all of it together at a steady rate."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import fleet
from benchmarks.measure import Bench, Figures, bench
from devices.entry import Entry, Record
from devices.log import Log
from devices.model import NS_PER_S
from rules.pipeline import Rules
from store.worker import Worker

DEVICES = 2000
GATHER_NS = 30_000_000
SETTLE_S = 3.0
ANJU = Path(sys.executable).with_name("anju")


def run(rules: Rules, seconds: int = 100, steady_s: int = 30) -> Figures:
    """Figures of both measurements.

    Parameters
    ----------
    rules
        Makes the pipeline.
    seconds
        Of 2,000 wearables in the log.
    steady_s
        How long everything runs together at 2,000 messages a second.
    """
    figures: dict[str, float | int | str] = {"wearables": DEVICES, "messages_in_the_log": seconds * DEVICES}
    for kind in ("binary", "json"):
        with bench(DEVICES) as made:
            bare, judged, entries = asyncio.run(_filled(made, rules, seconds, binary=kind == "binary"))
            figures |= {
                "entries_in_the_log": entries,
                f"bare_reader_per_s_{kind}": round(bare),
                f"worker_per_s_{kind}": round(judged),
                f"ratio_{kind}": round(judged / bare, 2),
            }
    with bench(DEVICES) as made:
        figures |= _together(made, steady_s)
    return figures


async def _filled(made: Bench, rules: Rules, seconds: int, *, binary: bool) -> tuple[float, float, int]:
    log = await made.log()
    messages = await _fill(log, fleet.Packets(binary=binary), seconds)
    last_seq = (await log.state()).last_seq
    begin_s = time.perf_counter()
    async for entry in log.read(0):
        if entry.seq == last_seq:
            break
    bare = messages / (time.perf_counter() - begin_s)
    done, stop = asyncio.Event(), asyncio.Event()

    def committed(entries: Sequence[Entry]) -> None:
        if entries and entries[-1].seq == last_seq:
            done.set()

    begin_s = time.perf_counter()
    work = asyncio.ensure_future(Worker(made.database, log, rules, committed=committed).run(stop))
    await done.wait()
    judged = messages / (time.perf_counter() - begin_s)
    stop.set()
    await work
    await log.close()
    return bare, judged, last_seq


async def _fill(log: Log, packets: fleet.Packets, seconds: int) -> int:
    """Append as ingest would: what arrived in `GATHER_NS`, by partition."""
    begin_ns = time.time_ns() - seconds * NS_PER_S
    gathered: dict[int, list[Record]] = {}
    mark_ns = begin_ns
    for second in range(seconds):
        for number, record in fleet.second(packets, DEVICES, begin_ns + second * NS_PER_S):
            if record.received_ns - mark_ns >= GATHER_NS:
                await asyncio.gather(*(log.append(partition, records) for partition, records in gathered.items()))
                gathered, mark_ns = {}, record.received_ns
            gathered.setdefault(fleet.partition(number), []).append(record)
    await asyncio.gather(*(log.append(partition, records) for partition, records in gathered.items()))
    return seconds * DEVICES


def _together(made: Bench, seconds: int) -> Figures:
    """The service's own ingest and worker as processes, and a publisher, at `DEVICES` messages a second."""
    config = made.folder / "anju.toml"
    where = made.broker.config
    ports = f"nats_port = {where.nats_port}\nmqtt_port = {where.mqtt_port}"
    config.write_text(f'state = "{made.folder}"\n{ports}\nlog_gib = 1\n', encoding="utf-8")
    said = made.folder / "worker.log"
    with said.open("wb") as lines:
        parts = {
            name: subprocess.Popen([ANJU, name, "--config", config], stderr=lines if name == "worker" else None)  # noqa: S603
            for name in ("ingest", "worker")
        }
    processes = {name: psutil.Process(part.pid) for name, part in parts.items()}
    try:
        time.sleep(SETTLE_S)
        small = processes["worker"].memory_info().rss
        begin_cpu_s = {name: _cpu_s(one) for name, one in processes.items()}
        begin_s = time.perf_counter()
        sent = _publish(made, seconds)
        took_s = time.perf_counter() - begin_s
        cpu = {name: (_cpu_s(one) - begin_cpu_s[name]) / took_s for name, one in processes.items()}
        memory = processes["worker"].memory_info().rss - small
        time.sleep(SETTLE_S)
    finally:
        for part in parts.values():
            part.terminate()
            part.wait()
    ended = re.search(r"worker.ended judged=(\d+) median_ms=([\d.]+) p99_ms=([\d.]+)", said.read_text(encoding="utf-8"))
    if ended is None:
        raise RuntimeError(f"the worker did not say how it was: {said.read_text(encoding='utf-8')[-500:]}")
    return {
        "steady_sent_per_s": round(sent / took_s),
        "steady_sent": sent,
        "steady_judged": int(ended[1]),
        "arrival_to_commit_median_ms": float(ended[2]),
        "arrival_to_commit_p99_ms": float(ended[3]),
        **{f"cpu_{name}_cores": round(share, 2) for name, share in cpu.items()},
        "worker_kib_per_wearable": round(memory / 1024 / DEVICES, 1),
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _publish(made: Bench, seconds: int) -> int:
    """Every wearable once a second, evenly spread, over one connection; how many were sent."""
    packets = fleet.Packets(binary=True)
    with fleet.publisher(made.broker) as publish:
        begin_ns = time.time_ns()
        for number in range(seconds * DEVICES):
            due_ns = begin_ns + number * NS_PER_S // DEVICES
            if (early_ns := due_ns - time.time_ns()) > 0:
                time.sleep(early_ns / NS_PER_S)
            publish(fleet.topic(number % DEVICES), packets.payload(number % DEVICES, due_ns - NS_PER_S))
    return seconds * DEVICES

"""What radars see, on the plan of whoever may look: from a real MQTT message to the page's stream."""

import asyncio
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest
from fakes.brokers import PATIENCE_S
from fakes.chain import Chain, Radar
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.reading import Asking

from devices.model import HomeId, PersonId
from incidents.model import Act, Do
from rules.kinds import EventKind
from store.acts import act_on
from store.estates import Estates
from store.plans import floor_of
from web.lookout import Lookout

HOME = "b3-201"
FRAMES = 40


@dataclass
class Heard:
    """What a page's stream says, as it comes: event, data, and when, in ns."""

    said: "queue.Queue[tuple[str, Any, int]]" = field(default_factory=queue.Queue)
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0

    def next(self, kind: str, that: Callable[[Any], bool] = lambda _data: True) -> tuple[Any, int]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            event, data, at_ns = self.said.get(timeout=max(0.01, deadline - time.monotonic()))
            if event == kind and that(data):
                return data, at_ns


@contextmanager
def looking(url: str, cookies: dict[str, str], home: str = HOME) -> Iterator[Heard]:
    """Somebody looks at a home's plan."""
    heard, client = Heard(), httpx.Client(base_url=url, cookies=cookies, trust_env=False, timeout=PATIENCE_S)
    opened = threading.Event()

    def listen() -> None:
        event = ""
        try:
            with client.stream("GET", f"/api/homes/{home}/targets") as answer:
                heard.status = answer.status_code
                opened.set()
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "data" or line == "data:":
                        heard.said.put((event, json.loads(value) if value else None, time.time_ns()))
        except httpx.HTTPError:
            pass
        finally:
            opened.set()
            heard.ended.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert opened.wait(PATIENCE_S)
    try:
        yield heard
    finally:
        for one in client._transport._pool.connections:  # type: ignore[attr-defined]
            one.close()
        thread.join(PATIENCE_S)
        client.close()


def first_frame(radar: Radar, heard: Heard) -> None:
    """Wait until the stream shows something: the reader is there."""
    deadline = time.monotonic() + PATIENCE_S
    while heard.said.empty() or not any(event == "seen" for event, *_ in list(heard.said.queue)):
        assert time.monotonic() < deadline
        radar.sees((0.0, 5.9))
        time.sleep(0.1)
    heard.next("seen")


def test_who_walks_up_to_a_window_is_seen_on_the_plan_at_once(now: Estate, chain: Chain, live: Service) -> None:
    with chain.radar("r-01") as radar, looking(live.url, now.sign_in("wang-lei")) as heard:
        first_frame(radar, heard)
        delays_ms: list[float] = []
        for number in range(FRAMES):
            y_m = 5.0 - 0.02 * number
            sent_ns = radar.sees((0.5, y_m))
            (look,), at_ns = heard.next(
                "seen", lambda said, y_m=y_m: abs(said[0]["targets"][0]["from_line_m"]["terrace"] - (y_m - 2.0)) < 0.01
            )
            delays_ms.append((at_ns - sent_ns) / 1e6)
            time.sleep(0.05)
        (target,) = look["targets"]
        # It hangs in the middle of the south wall and looks south: its right is west.
        x_m, y_m = target["place"]
        assert target["sure"]
        assert look["age_ms"] < 5_000
        assert abs(x_m - (0.0 - 0.5)) < 0.3
        assert y_m < -5.5 - 3.0
    p50, p95 = np.percentile(delays_ms, [50, 95])
    sys.stderr.write(f"\nfrom the radar's message to the page's stream, {FRAMES} frames: median {p50:.0f} ms, p95 {p95:.0f} ms\n")


def test_a_try_says_what_the_line_would_tell_and_opens_nothing_while_the_home_is_disarmed(now: Estate, chain: Chain, live: Service) -> None:
    with chain.radar("r-01") as radar, looking(live.url, now.sign_in("wang-lei")) as heard:
        first_frame(radar, heard)
        radar.walk((0.2, 5.5), (0.2, 1.2))
        approach, _ = heard.next("tripped")
        cross, _ = heard.next("tripped")
        assert [(one["line"], one["kind"], one["is_try"]) for one in (approach, cross)] == [
            ("terrace", "approach", True),
            ("terrace", "cross", True),
        ]
        radar.walk((0.2, 1.2), (0.2, 5.5), (0.2, 2.6))  # and tries again at once
        again, _ = heard.next("tripped")
        assert (again["kind"], again["is_try"]) == ("approach", True)
    with Asking(live.url, now, "guard-chen") as guard:
        assert guard.get("/api/incidents").json() == []


def test_what_the_line_really_told_comes_by_the_same_stream(now: Estate, live: Service) -> None:
    with looking(live.url, now.sign_in("wang-lei")) as heard:
        heard.next("alive")
        now.now_ns = time.time_ns()
        now.happens(EventKind.APPROACH, HOME, device="r-01", home_id=HOME, cause="terrace")
        trip, _ = heard.next("tripped")
        assert (trip["line"], trip["kind"], trip["is_try"]) == ("terrace", "approach", False)
        heard.next("alive")
        assert not any(event == "tripped" for event, *_ in list(heard.said.queue))


def test_who_signs_out_sees_no_more(now: Estate, live: Service) -> None:
    cookies = now.sign_in("wang-lei")
    with looking(live.url, cookies) as heard:
        heard.next("alive")
        with live.client(cookies=cookies) as client:
            assert client.post("/sign-out", headers={"content-length": "0"}).status_code == 303
        assert heard.ended.wait(PATIENCE_S)


def test_a_guard_sees_a_home_while_something_is_going_on_there_and_no_longer(now: Estate, live: Service) -> None:
    guard = now.sign_in("guard-chen")
    with looking(live.url, guard) as heard:
        assert heard.status == 404
    fault = now.happens(EventKind.LOW_BATTERY, "c-01", device="c-01", home_id=HOME)
    assert fault.is_open
    with looking(live.url, guard) as heard:
        assert heard.status == 404
    incident = now.happens(EventKind.APPROACH, HOME, device="r-01", home_id=HOME, cause="terrace")
    with looking(live.url, guard) as heard:
        assert heard.status == 200
        done = Act(by=PersonId("guard-zhao"), do=Do.RESOLVE, subject=incident.subject)
        act_on(now.database, Estates(), LAKESIDE, done, time.time_ns(), incident_id=incident.id)
        assert heard.ended.wait(PATIENCE_S)


@pytest.mark.parametrize("who", ["li-ming", "li-anna", "office", "city-hospital"])
def test_nobody_else_sees_who_is_at_home(now: Estate, live: Service, who: str) -> None:
    now.happens(EventKind.APPROACH, HOME, device="r-01", home_id=HOME, cause="terrace")
    with Asking(live.url, now, who) as client:
        assert client.get(f"/api/homes/{HOME}/targets").status_code in {403, 404}
        assert client.get(f"/api/homes/{HOME}/plan").status_code in {403, 404}


def test_nothing_is_read_while_nobody_looks(now: Estate, chain: Chain) -> None:
    async def look() -> None:
        lookout = Lookout(chain.open_log)
        with now.database.read() as session:
            community = Estates().community(session, LAKESIDE)
        floor = floor_of(community, HomeId(HOME))
        assert floor is not None
        async with lookout.looking(community, HomeId(HOME), floor), lookout.looking(community, HomeId(HOME), floor):
            assert len(lookout.partitions) == 1
            assert len([one for one in asyncio.all_tasks() if one.get_name().startswith("web-lookout")]) == 1
        assert lookout.partitions == frozenset()
        assert not [one for one in asyncio.all_tasks() if one.get_name().startswith("web-lookout")]
        await lookout.close()

    asyncio.run(look())

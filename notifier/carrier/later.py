"""What a carrier does by and by: it rings, delivers, and calls back, each thing at its time."""

import heapq
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import structlog

THREADS = 32
"""So many calls can be talked through at one time."""
_log = structlog.get_logger(__name__)


class Later:
    """Does things at their time, in threads of its own, until it is closed; what is not due by then is not done."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="carrier")
        self._thread = threading.Thread(target=self._run, name="carrier-later", daemon=True)
        self._thread.start()

    def do(self, wait_s: float, what: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + wait_s, next(self._numbers), what))
            self._changed.notify()

    def close(self) -> None:
        """Begin nothing more, and wait for what has begun: whoever waits in it sees `closing`."""
        self.closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while not self.closing.is_set():
            with self._changed:
                left_s = self._due[0][0] - time.monotonic() if self._due else None
                if left_s is None or left_s > 0:
                    self._changed.wait(left_s)
                    continue
                _, _, what = heapq.heappop(self._due)
            self._pool.submit(self._safely, what)

    @staticmethod
    def _safely(what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:  # noqa: BLE001  one message that goes wrong is not another's
            _log.exception("carrier.failed")

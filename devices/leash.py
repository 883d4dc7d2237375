"""Ends a command when whoever started it is gone: `python -m devices.leash COMMAND…`; and a process of ours, by `follow`.

The parent holds our standard input and never writes to it. The system closes it however the parent ends, by SIGKILL too, and then the
command is ended. Signals that we get are passed on, and so is the command's exit status.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GRACE_S = 5.0
"""How long the command may take to end by itself before it is killed."""
_PR_SET_PDEATHSIG = 1
"""<linux/prctl.h>: the signal that a process gets when its parent ends."""


def run(command: Sequence[str]) -> int:
    """Run a command until it ends or standard input closes, and answer its exit status (128 + n after signal n)."""
    # The command runs in a session of its own, so that Ctrl-C reaches only the supervisor, who ends its parts in order.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent)  # noqa: PLW1509, S603

    def forward(number: int, _frame: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    threading.Thread(target=_end_at_eof, args=(child,), name="leash", daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def follow(end: Callable[[], object]) -> None:
    """Call `end` when standard input closes, because whoever started us is gone; if that does not end us in `GRACE_S`, we end at once."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()
        time.sleep(GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name="leash", daemon=True).start()


def _end_with_parent() -> None:
    # On Linux the system also watches over us: a leash that is killed itself must not leave the command behind.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_at_eof(child: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

"""Processes end when they are told to, whatever they do just then."""

import signal
import subprocess
import sys

import pytest
from fakes.brokers import PATIENCE_S

WAITS = """
import signal, sys
from devices.process import until_told
stop = until_told()
with stop._cond:  # as in the middle of a wait
    signal.raise_signal(signal.Signals({number}))
    signal.raise_signal(signal.Signals({number}))
stop.wait()
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_in_the_middle_of_a_wait_ends_it(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITS.format(number=int(number))], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout == "ended\n"

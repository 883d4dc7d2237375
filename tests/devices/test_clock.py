import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.clock import correct

S = 1_000_000_000
DAY = 86_400 * S
ARRIVAL = 1_772_416_800 * S
Y2020 = 1_577_836_800 * S


def one(sent_ns: int, received_ns: int = ARRIVAL) -> tuple[int, bool]:
    time_ns, wrong = correct(np.array([sent_ns]), np.array([received_ns]))
    return int(time_ns[0]), bool(wrong[0])


@pytest.mark.parametrize("sent_ns", [ARRIVAL, ARRIVAL + 60 * S, ARRIVAL - DAY, ARRIVAL - 3600 * S])
def test_a_clock_within_its_limits_is_believed(sent_ns: int) -> None:
    assert one(sent_ns) == (sent_ns, False)


@pytest.mark.parametrize("sent_ns", [ARRIVAL + 60 * S + 1, ARRIVAL - DAY - 1, 0, -1, 2**63 - 1, -(2**63)])
def test_arrival_stands_in_for_a_clock_beyond_its_limits(sent_ns: int) -> None:
    assert one(sent_ns) == (ARRIVAL, True)


def test_2020_is_believed_and_the_last_nanosecond_before_it_is_not() -> None:
    assert one(Y2020, Y2020 + S) == (Y2020, False)
    assert one(Y2020 - 1, Y2020 + S) == (Y2020 + S, True)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5))
def test_a_corrected_time_is_always_near_arrival(sent: list[int]) -> None:
    received_ns = np.full(len(sent), ARRIVAL)
    time_ns, _ = correct(np.array(sent, np.int64), received_ns)
    assert time_ns.dtype == np.int64
    assert ((time_ns >= ARRIVAL - DAY) & (time_ns <= ARRIVAL + 60 * S)).all()

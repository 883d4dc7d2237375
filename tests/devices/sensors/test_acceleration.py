import struct
from collections.abc import Callable

import numpy as np
import pytest

from devices.model import Message, SensorKind
from devices.sensors.acceleration import ACCELERATION, AccelerationBatch

Build = Callable[..., Message]
T_MS = 1_772_416_800_000


def packed(samples: list[list[int]], *, count: int | None = None, rate_hz: float = 50.0, t_us: int = T_MS * 1000) -> bytes:
    head = b"A1" + struct.pack("<Hfq", len(samples) if count is None else count, rate_hz, t_us)
    return head + b"".join(struct.pack("<3h", *sample) for sample in samples)


@pytest.fixture
def decode(message: Build) -> Callable[..., tuple[AccelerationBatch, list[str]]]:
    def run(*payloads: object) -> tuple[AccelerationBatch, list[str]]:
        decoded = ACCELERATION.decode([message(SensorKind.ACCELERATION, payload) for payload in payloads])
        return decoded.batch, [rejected.reason for rejected in decoded.rejected]

    return run


Decode = Callable[..., tuple[AccelerationBatch, list[str]]]


def test_samples_are_planar_and_in_g(decode: Decode) -> None:
    batch, _ = decode(
        {"rate_hz": 50, "unit": "g", "xyz": [[1, 2, 3], [4, 5, 6]]}, {"rate_hz": 25, "unit": "m/s2", "xyz": [[0, 9.80665, -19.6133]]}
    )
    assert batch.accel_g.dtype == np.float32
    np.testing.assert_allclose(batch.accel_g, [[1, 4, 0], [2, 5, 1], [3, 6, -2]], rtol=1e-6)
    assert batch.offset.tolist() == [0, 2, 3]
    assert batch.rate_hz.tolist() == [50, 25]


def test_a_packed_packet_says_the_same_as_its_json(decode: Decode) -> None:
    samples = [[-32768, 0, 32767], [12, -345, 1003]]
    xyz = [[value / 1000 for value in sample] for sample in samples]
    binary, json = decode(packed(samples))[0], decode({"t": T_MS, "rate_hz": 50, "unit": "g", "xyz": xyz})[0]
    np.testing.assert_allclose(binary.accel_g, json.accel_g, rtol=1e-6)
    assert (binary.time_ns, binary.rate_hz, binary.offset.tolist()) == (json.time_ns, json.rate_hz, json.offset.tolist())


def test_packed_and_json_keep_their_order_of_arrival(decode: Decode) -> None:
    def one(x: int) -> dict[str, object]:
        return {"rate_hz": 50, "unit": "g", "xyz": [[x, 0, 0]] * x}

    batch, reasons = decode(one(1), packed([[2000, 0, 0]] * 2), b"A1", one(3), packed([[4000, 0, 0]] * 4))
    assert len(reasons) == 1
    assert batch.offset.tolist() == [0, 1, 3, 6, 10]
    assert batch.accel_g[0].tolist() == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4]


def test_turn_rates_are_nan_where_a_packet_has_none(decode: Decode) -> None:
    batch, _ = decode(
        {"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]]},
        {"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]], "gyro_dps": [[1, 2, 3]]},
        packed([[0, 0, 1000]]),
    )
    np.testing.assert_array_equal(batch.gyro_dps[:, 1], [1, 2, 3])
    assert np.isnan(batch.gyro_dps[:, [0, 2]]).all()


def test_microseconds_beyond_int64_nanoseconds_are_a_wrong_clock(decode: Decode) -> None:
    batch, _ = decode(packed([[0, 0, 1]], t_us=2**63 - 1), packed([[0, 0, 1]], t_us=-(2**63)), packed([[0, 0, 1]]))
    assert batch.clock_wrong.tolist() == [True, True, False]
    assert batch.time_ns.tolist() == [T_MS * 1_000_000] * 3


def test_the_longest_packed_packet_is_read(decode: Decode) -> None:
    batch, reasons = decode(packed([[0, 0, 1000]] * 65_535))
    assert not reasons
    assert batch.accel_g.shape == (3, 65_535)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (packed([]), "N is 0, wanted at least 1 sample"),
        (packed([[0, 0, 1]], count=2), "packet has 22 bytes, wanted 28 for N = 2"),
        (packed([[0, 0, 1], [0, 0, 1]], count=1), "packet has 28 bytes, wanted 22 for N = 1"),
        (packed([[0, 0, 1]])[:15], "packet has 15 bytes, wanted 16 + 6 N"),
        (packed([[0, 0, 1]], rate_hz=float("nan")), "rate_hz is nan, wanted 1 to 1000"),
        (packed([[0, 0, 1]], rate_hz=float("inf")), "rate_hz is inf, wanted 1 to 1000"),
        (packed([[0, 0, 1]], rate_hz=-50), "rate_hz is -50, wanted 1 to 1000"),
        (packed([[0, 0, 1]]).replace(b"A1", b"A2", 1), "payload is not UTF-8 at byte 10"),
        ({"rate_hz": 50, "unit": "g", "xyz": []}, "$.xyz is [], wanted `array` of length >= 1"),
        ({"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1], [0, 1]]}, "$.xyz[1] is [0, 1], wanted `array` of length 3"),
        ({"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1, 1]]}, "$.xyz[0] is [0, 0, 1, 1], wanted"),
        ({"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1e39]]}, "$.xyz[0][2] is 1e+39, wanted `float` <= 10000.0"),
        ({"rate_hz": 50, "unit": "mg", "xyz": [[0, 0, 1]]}, "$.unit is 'mg', wanted g or m/s2"),
        ({"rate_hz": 50, "xyz": [[0, 0, 1]]}, "$.unit is missing"),
        ({"rate_hz": 0, "unit": "g", "xyz": [[0, 0, 1]]}, "$.rate_hz is 0, wanted `float` >= 1.0"),
        ({"rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]], "gyro_dps": []}, "$.gyro_dps is 0 rows, wanted 1 as in xyz"),
    ],
)
def test_a_wrong_packet_is_set_aside_with_its_reason(payload: object, words: str, decode: Decode) -> None:
    batch, (reason,) = decode(payload)
    assert len(batch) == 0
    assert reason.startswith(words)

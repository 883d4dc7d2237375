"""Files of recordings: what is accepted, and the one line that says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.model import InputError
from store.recordings import load


def columns(**changes: Any) -> dict[str, Any]:
    whole = {
        "acc": np.arange(30, dtype=np.int16).reshape(3, 10),
        "off": np.array([0, 4, 10], np.int32),
        "act": np.array(["F01", "D02"]),
        "subj": np.array(["U01", "U02"]),
        "elderly": np.array([False, True]),
        "fall_start": np.array([0.02, np.nan], np.float32),
        "fall_end": np.array([0.04, np.nan], np.float32),
        "fs_native": np.array([50, 200], np.float32),
        "trial": np.array([1, 2]),
    }
    return {name: column for name, column in (whole | changes).items() if column is not None}


def saved(folder: Path, **changes: Any) -> Path:
    path = folder / "people.npz"
    np.savez(path, **columns(**changes))
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    recordings = load(saved(tmp_path), labelled=True)
    assert len(recordings) == 2
    assert recordings.length_s.tolist() == [0.08, 0.12]
    assert recordings.act is not None
    assert recordings.act.tolist() == ["F01", "D02"]
    assert recordings.gyro_mrad_s is None


def test_samples_and_limits_are_enough_to_detect(tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    np.savez(path, acc=np.zeros((3, 10), np.int16), off=np.array([0, 10]))
    assert load(path).act is None
    with pytest.raises(InputError, match=r"bare\.npz: act: is missing"):
        load(path, labelled=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"acc": None}, "acc: is missing"),
        ({"off": None}, "off: is missing"),
        ({"acc": np.zeros((3, 10), np.float32)}, "acc: is float32, must be int16"),
        ({"acc": np.zeros((10, 3), np.int16)}, r"acc: has shape \(10, 3\), must be \(3, N\)"),
        ({"acc": np.zeros(10, np.int16)}, r"acc: has shape \(10,\)"),
        ({"off": np.array([0.0, 4.0, 10.0])}, "off: is float64, must be int32"),
        ({"off": np.array([], np.int32)}, r"off: has shape \(0,\)"),
        ({"off": np.array([1, 4, 10], np.int32)}, "off: goes from 1 to 10"),
        ({"off": np.array([0, 4, 9], np.int32)}, "off: goes from 0 to 9, must go from 0 to the number of samples, 10"),
        ({"off": np.array([0, 11, 10], np.int32)}, r"off\[2\]: is 10, must not be below off\[1\], 11"),
        ({"act": np.array(["F01"])}, r"act: has shape \(1,\), must be \(2,\)"),
        ({"act": np.array(["F01", "walk"])}, r"act\[1\]: is 'walk', must begin with F"),
        ({"act": np.array([1, 2])}, "act: is int64, must be text"),
        ({"act": np.array(["F01", None], dtype=object)}, "no readable npz"),
        ({"elderly": np.array([0, 1])}, "elderly: is int64, must be bool"),
        ({"fall_start": np.array(["a", "b"])}, "fall_start: is <U1, must be float32"),
        ({"gyro_mrad_s": np.zeros((3, 9), np.int16)}, r"gyro_mrad_s: has shape \(3, 9\), must be that of acc"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(saved(tmp_path, **changes))
    assert "\n" not in str(caught.value)
    assert "people.npz" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not an npz", b"PK\x03\x04 cut off", b"\x93NUMPY"])
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.npz: is no npz file"):
        load(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path).read_bytes()
    path = tmp_path / "half.npz"
    for keep in (len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=r"half\.npz"):
            load(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    content = bytearray(saved(tmp_path).read_bytes())
    content[150:170] = bytes(20)
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.npz"):
        load(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.npz", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load(path)

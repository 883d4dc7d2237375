"""Recordings (npz) as contract.md describes them, read and checked."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.fall.recordings import Recordings
from store.model import InputError

_PER_RECORDING = {"act": "U", "subj": "U", "elderly": "b", "fall_start": "f", "fall_end": "f", "fs_native": "f"}
"""Labels and the kind of number they are made of, as `numpy.dtype.kind` has it."""

_WORDS = {"U": "text", "b": "bool", "f": "float32"}


def load(path: Path | str, *, labelled: bool = False) -> Recordings:
    """Read a file of recordings.

    Parameters
    ----------
    path
        An npz file; nothing in it is unpickled.
    labelled
        Whether the activities (`act`) must be there.

    Raises
    ------
    InputError
        The file is missing or no npz, a key is missing, or a column has the wrong type, shape or order.
    """
    columns = _read(path)
    needed = {"acc", "off"} | ({"act"} if labelled else set())
    if missing := sorted(needed - columns.keys()):
        raise InputError(path, missing[0], f"is missing; the file has {', '.join(sorted(columns)) or 'nothing'}")
    samples = _samples(path, "acc", columns["acc"])
    offsets = _offsets(path, columns["off"], samples.shape[1])
    labels = {name: _label(path, name, columns[name], len(offsets) - 1) for name in _PER_RECORDING if name in columns}
    gyro = _samples(path, "gyro_mrad_s", columns["gyro_mrad_s"]) if "gyro_mrad_s" in columns else None
    if gyro is not None and gyro.shape != samples.shape:
        raise InputError(path, "gyro_mrad_s", f"has shape {gyro.shape}, must be that of acc, {samples.shape}")
    return Recordings(acc=samples, off=offsets, gyro_mrad_s=gyro, **labels)


def _read(path: Path | str) -> Mapping[str, NDArray[Any]]:
    try:
        with Path(path).open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise InputError(path, "", "is no npz file")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return dict(_known(archive))
    except OSError as error:
        raise InputError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(path, "", f"is no readable npz file: {error}") from error


def _known(archive: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in ("acc", "off", "gyro_mrad_s", *_PER_RECORDING):
        if name in archive:
            yield name, np.asarray(archive[name])


def _samples(path: Path | str, name: str, column: NDArray[Any]) -> NDArray[np.int16]:
    if column.dtype != np.int16:
        raise InputError(path, name, f"is {column.dtype}, must be int16")
    if column.ndim != 2 or column.shape[0] != 3:  # noqa: PLR2004  x, y, z
        raise InputError(path, name, f"has shape {column.shape}, must be (3, N)")
    return column


def _offsets(path: Path | str, column: NDArray[Any], samples: int) -> NDArray[np.int32]:
    if column.dtype.kind not in "iu":
        raise InputError(path, "off", f"is {column.dtype}, must be int32")
    if column.ndim != 1 or not len(column):
        raise InputError(path, "off", f"has shape {column.shape}, must be (T + 1,)")
    if column[0] != 0 or column[-1] != samples:
        raise InputError(path, "off", f"goes from {column[0]} to {column[-1]}, must go from 0 to the number of samples, {samples}")
    falling = np.flatnonzero(column[1:] < column[:-1])
    if len(falling):
        at = int(falling[0])
        raise InputError(path, f"off[{at + 1}]", f"is {column[at + 1]}, must not be below off[{at}], {column[at]}")
    return column.astype(np.int32)


def _label(path: Path | str, name: str, column: NDArray[Any], recordings: int) -> NDArray[Any]:
    kind = _PER_RECORDING[name]
    if column.dtype.kind != kind:
        raise InputError(path, name, f"is {column.dtype}, must be {_WORDS[kind]}")
    if column.shape != (recordings,):
        raise InputError(path, name, f"has shape {column.shape}, must be ({recordings},), one for each recording in off")
    if name == "act" and (wrong := np.flatnonzero(~np.isin(column.astype("U1"), ["F", "D"]))).size:
        raise InputError(path, f"act[{wrong[0]}]", f"is {str(column[wrong[0]])!r}, must begin with F (a fall) or D (not)")
    return column.astype(np.float32) if kind == "f" else column

"""What tests of devices start from: messages as they arrive, at one fixed time."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from devices.model import Message, SensorKind

RECEIVED_MS = 1_772_416_800_000  # 2026-03-02T02:00:00Z


@pytest.fixture
def message() -> Callable[..., Message]:
    """Build a message of a kind; a dictionary becomes JSON and gets a `t` at its arrival."""
    count = 0

    def build(kind: SensorKind, payload: bytes | dict[str, Any], *, device: int = 0, after_ms: int = 0, retained: bool = False) -> Message:
        nonlocal count
        count += 1
        received_ms = RECEIVED_MS + after_ms
        raw = payload if isinstance(payload, bytes) else json.dumps({"t": received_ms, **payload}).encode()
        return Message(
            topic=f"anju/elm/d-{device}/{kind}",
            device=device,
            kind=kind,
            payload=raw,
            received_ns=received_ms * 1_000_000,
            seq=count,
            retained=retained,
        )

    return build

"""Digests are slow by design, and tests of rules ask for the same few again and again."""

from collections.abc import Iterator
from functools import cache

import pytest

from rules.home import codes


@pytest.fixture(scope="session", autouse=True)
def remembered_digests() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "digest", cache(codes.digest))
        yield

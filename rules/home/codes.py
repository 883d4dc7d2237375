"""Codes that people type: kept as digests only, so that a community file in the wrong hands opens no door at once.

A digest is `scrypt:<salt>:<digest>` in hexadecimal, scrypt (RFC 7914) with n = 2**14, r = 8, p = 1, as its section 2 has it for
interactive logins: some 50 ms and 16 MiB for each try. Four digits are 10 000 tries, so the file is still to be kept like a key.
"""

import hashlib
import hmac
from collections.abc import Mapping

from devices.model import PersonId
from rules.premises import Codes

SALT_BYTES = 16
_DIGEST_BYTES = 32
_COST, _BLOCK, _LANES = 2**14, 8, 1


def digest(code: str, salt: bytes) -> str:
    """What a community file says of a code; `salt` is 16 random bytes of its own."""
    made = hashlib.scrypt(code.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_DIGEST_BYTES)
    return f"scrypt:{salt.hex()}:{made.hex()}"


def matches(code: str, kept: str) -> bool:
    """Whether a code is the one of which a digest is kept; compared in constant time."""
    _, salt, _ = kept.split(":")
    return hmac.compare_digest(digest(code, bytes.fromhex(salt)), kept)


def whose(code: str, codes: Mapping[PersonId, Codes]) -> tuple[PersonId, bool] | None:
    """Whose code it is, and whether it is typed under duress; None: nobody's.

    A call for help goes first: where one person's code is another's duress code, somebody is called in vain rather than in vain waited for.
    """
    for person, one in codes.items():
        if one.duress and matches(code, one.duress):
            return person, True
    for person, one in codes.items():
        if one.code and matches(code, one.code):
            return person, False
    return None

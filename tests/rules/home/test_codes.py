import re

import pytest

from devices.model import PersonId
from rules.home.codes import SALT_BYTES, digest, matches, whose
from rules.premises import Codes

SALT = bytes(range(SALT_BYTES))
ANN, BEN = PersonId("ann"), PersonId("ben")


def test_a_digest_is_scrypt_of_the_stated_cost() -> None:
    # Made with OpenSSL: openssl kdf -keylen 32 -kdfopt pass:2580 -kdfopt hexsalt:000102…0f -kdfopt n:16384 -kdfopt r:8 -kdfopt p:1 SCRYPT
    assert digest("2580", SALT) == f"scrypt:{SALT.hex()}:4d321c1e43b82d5ad3c756d20edcbce6c4b572854b2241f8243ccca7ed153fe8"


def test_it_has_the_form_that_a_community_file_takes() -> None:
    assert re.fullmatch(r"scrypt:[0-9a-f]{32}:[0-9a-f]{64}", digest("0000", SALT))


@pytest.mark.parametrize(("typed", "is_it"), [("2580", True), ("2581", False), ("02580", False), ("", False), ("２５８０", False)])
def test_only_the_code_itself_matches(typed: str, is_it: bool) -> None:  # noqa: FBT001
    assert matches(typed, digest("2580", SALT)) is is_it


def test_the_same_code_has_another_digest_under_another_salt() -> None:
    other = digest("2580", b"s" * SALT_BYTES)
    assert other != digest("2580", SALT)
    assert matches("2580", other)


@pytest.mark.parametrize(("typed", "found"), [("1111", (ANN, False)), ("2222", (BEN, True)), ("3333", (BEN, False)), ("4444", None)])
def test_a_code_says_whose_it_is_and_whether_it_is_typed_under_duress(typed: str, found: object) -> None:
    known = {ANN: Codes(code=digest("1111", SALT)), BEN: Codes(code=digest("3333", SALT), duress=digest("2222", SALT))}
    assert whose(typed, known) == found


def test_nobodys_code_is_none() -> None:
    assert whose("1111", {}) is None
    assert whose("1111", {ANN: Codes()}) is None

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role
from notifier.carrier.twilio import FakeTwilio
from notifier.gateways import wire
from notifier.gateways.model import Answer, Outgoing
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.wire import best, name_of, packed, unpacked
from store.outbox import DeliveryOutcome

TOLD = Outgoing(
    community_id="willow",
    notification_id="fall-1:tell:0:0:anne:sms",
    person=Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001"),
    channel=Channel.SMS,
    text="周芬疑似摔倒。",
    created_ns=1_772_416_920 * NS_PER_S,
)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for loopback that nobody has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(tz=UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(tz=UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def twilio(certificate: Path) -> Iterator[FakeTwilio]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with FakeTwilio(tls=tls) as fake:
        yield fake


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    wire._authorities.cache_clear()
    yield
    wire._authorities.cache_clear()


def sent(twilio: FakeTwilio) -> Answer:
    return TwilioGateway(TwilioSettings.from_environment(twilio.environment), timeout_s=5.0).send(TOLD, 0)


def test_a_host_whose_certificate_nobody_has_signed_is_told_nothing(twilio: FakeTwilio) -> None:
    assert sent(twilio).outcome not in {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED}
    assert (twilio.messages, twilio.asked) == ([], [])


def test_a_host_whose_certificate_is_trusted_is_told_and_certificates_are_read_once(
    twilio: FakeTwilio, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "where", lambda: str(certificate))
    assert [sent(twilio).outcome for _ in range(3)] == ["accepted"] * 3
    assert wire._authorities.cache_info().misses == 1


def test_certificates_of_ones_own_are_trusted_where_the_environment_names_them(
    twilio: FakeTwilio, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert sent(twilio).outcome == "accepted"


def test_who_is_reached_at_one_address_is_reached() -> None:
    every = [Answer(outcome=outcome) for outcome in ("rejected", "retry", "unknown", "accepted", "delivered")]
    assert [best(every[:count]).outcome for count in range(1, 6)] == ["rejected", "retry", "unknown", "accepted", "delivered"]


def test_an_id_holds_its_parts_and_nothing_else_is_one() -> None:
    assert unpacked(packed("a", "+86 1"), 2) == ("a", "+86 1")
    assert [unpacked(one, 2) for one in ("", "a", "%%%", packed("a"), packed("a", "b", "c"), "é")] == [None] * 6


def test_a_notifications_name_fits_every_provider_and_tells_nothing() -> None:
    name = name_of(TOLD)
    assert len(name) == 32
    assert name.replace("-", "").replace("_", "").isalnum()
    assert "anne" not in name

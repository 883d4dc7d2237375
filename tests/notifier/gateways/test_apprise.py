import logging
import socket
from collections.abc import Iterator

import pytest
from fakes.mail import PASSWORD, FakeMail
from fakes.receiver import FakeReceiver

from devices.model import NS_PER_S
from incidents.directory import Address, Channel, Person, Role
from notifier.carrier.provider import AcceptAndReset, Refuse, StaySilent
from notifier.gateways.apprise import AppriseGateway, AppriseSettings, _plugin
from notifier.gateways.model import GatewayAwayError, GatewaySettingsError, Outgoing

TEXT = "周芬10:02疑似摔倒。"


@pytest.fixture
def service() -> Iterator[FakeReceiver]:
    with FakeReceiver() as fake:
        yield fake


@pytest.fixture
def mail() -> Iterator[FakeMail]:
    with FakeMail() as fake:
        yield fake


def told(channel: Channel, *addresses: str) -> Outgoing:
    anne = Person(
        id="anne",
        name="安妮",
        roles=frozenset({Role.RELATIVE}),
        channels=(channel,),
        addresses=tuple(Address(channel=channel, value=one) for one in addresses),
    )
    return Outgoing(
        community_id="willow", notification_id="n", person=anne, channel=channel, text=TEXT, created_ns=1_772_416_920 * NS_PER_S
    )


def url_of(service: FakeReceiver) -> str:
    return f"json://{service.host}/a-token-that-must-not-be-logged"


def gateway_of(mail: FakeMail | None = None, timeout_s: float = 2.0) -> AppriseGateway:
    return AppriseGateway(AppriseSettings.from_environment({"ANJU_MAIL_URL": mail.url} if mail else {}), timeout_s=timeout_s)


def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
        "dingtalk://abcdefghijklmn0123456789",
        "feishu://0123456789abcdef0123456789abcdef",
        "bark://bark.example.org/a-device-key",
        "schan://SCT1234567890abcdef",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "ntfy://a-topic",
    ],
)
def test_the_services_that_people_here_have_are_known(url: str) -> None:
    assert _plugin(url) is not None


def test_a_service_takes_the_text(service: FakeReceiver) -> None:
    assert gateway_of().send(told(Channel.APPRISE, url_of(service)), 0).outcome == "accepted"
    assert [one["message"] for one in service.got] == [TEXT]


def test_bark_takes_the_text(service: FakeReceiver) -> None:
    assert gateway_of().send(told(Channel.APPRISE, f"bark://{service.host}/a-device-key"), 0).outcome == "accepted"
    assert [one["body"] for one in service.got] == [TEXT]


@pytest.mark.parametrize(
    ("trouble", "outcome", "code"),
    [
        (Refuse(400, ""), "rejected", "400"),
        (Refuse(401, ""), "retry", "401"),
        (Refuse(404, ""), "rejected", "404"),
        (Refuse(429, ""), "retry", "429"),
        (Refuse(503, ""), "unknown", "503"),
        (StaySilent(), "unknown", "broken_off"),
        (AcceptAndReset(), "unknown", "broken_off"),
    ],
)
def test_a_no_says_whether_it_may_be_there(trouble: object, outcome: str, code: str, service: FakeReceiver) -> None:
    service.creates.append(trouble)
    answer = gateway_of(timeout_s=0.4).send(told(Channel.APPRISE, url_of(service)), 0)
    assert (answer.outcome, answer.code) == (outcome, code)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "service.invalid"])
def test_where_nobody_listens_nothing_was_sent(host: str) -> None:
    address = "json://" + host.format(port=unused_port())
    answer = gateway_of().send(told(Channel.APPRISE, address), 0)
    assert (answer.outcome, answer.code) == ("retry", "no_connection")


@pytest.mark.parametrize("address", ["nosuch://a", "tgram://", "mailto:anne"])
def test_a_url_that_apprise_does_not_know_reaches_nobody(address: str) -> None:
    answer = gateway_of().send(told(Channel.APPRISE, address), 0)
    assert (answer.outcome, answer.code) == ("rejected", "bad_address")


def test_what_may_be_there_cannot_be_looked_up(service: FakeReceiver) -> None:
    with pytest.raises(GatewayAwayError):
        gateway_of().look_up(told(Channel.APPRISE, url_of(service)))


def test_a_mail_goes_to_each_address_of_a_person(mail: FakeMail) -> None:
    assert gateway_of(mail).send(told(Channel.EMAIL, "anne+1@example.org", "anne@example.net"), 0).outcome == "accepted"
    assert [one.to for one in mail.mails] == [("anne+1@example.org",), ("anne@example.net",)]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [("550 5.1.1 no such user", "rejected", "smtp_550"), ("451 4.7.1 later", "retry", "smtp_451"), ("cut", "unknown", "broken_off")],
)
def test_a_mail_server_says_whether_it_may_be_there(answer: str, outcome: str, code: str, mail: FakeMail) -> None:
    mail.answers.append(answer)
    said = gateway_of(mail).send(told(Channel.EMAIL, "anne@example.org"), 0)
    assert (said.outcome, said.code) == (outcome, code)


def test_a_wrong_password_is_the_operators_matter(mail: FakeMail) -> None:
    settings = AppriseSettings.from_environment({"ANJU_MAIL_URL": mail.url.replace(PASSWORD, "wrong")})
    said = AppriseGateway(settings).send(told(Channel.EMAIL, "anne@example.org"), 0)
    assert (said.outcome, said.code, mail.mails) == ("retry", "smtp_535", [])


def test_without_a_mail_server_there_is_no_channel_for_mail(mail: FakeMail) -> None:
    assert gateway_of().channels == {Channel.APPRISE}
    assert gateway_of(mail).channels == {Channel.APPRISE, Channel.EMAIL}


@pytest.mark.parametrize("url", ["json://a-secret", "mailto://a-secret", "mailto://user:a-secret@example.org?to=anne@example.org"])
def test_a_mail_server_that_is_none_is_an_error_that_does_not_show_it(url: str) -> None:
    with pytest.raises(GatewaySettingsError) as error:
        AppriseSettings.from_environment({"ANJU_MAIL_URL": url})
    assert "a-secret" not in str(error.value)


def test_nothing_of_what_apprise_writes_goes_on(service: FakeReceiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.creates.append(Refuse(401, ""))
    gateway_of().send(told(Channel.APPRISE, url_of(service)), 0)
    assert [one.getMessage() for one in caplog.records if "token" in one.getMessage() or TEXT in one.getMessage()] == []

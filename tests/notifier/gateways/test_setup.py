from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from fakes.receiver import FakeReceiver

from app import cli  # noqa: TID251  the command line is what is tried
from incidents.directory import Channel
from notifier.carrier.aliyun import FakeAliyun
from notifier.carrier.tencent import FakeTencent
from notifier.carrier.twilio import FakeTwilio
from notifier.gateways.model import GatewaySettingsError
from notifier.gateways.setup import GATEWAYS, IN_TEST_MODE, made
from notifier.gateways.webhook import WebhookSettings
from notifier.gateways.webpush import WebPushSettings, new_keys
from store.model import InputError
from store.settings import GatewayName, load

SECRET = "whsec_YSBzZWNyZXQgdGhhdCBtdXN0IG5vdCBiZSBsb2dnZWQ="  # noqa: S105  nobody's


@pytest.fixture(scope="module")
def everything() -> Iterator[dict[str, str]]:
    """An environment in which every gateway finds what it needs."""
    with FakeTwilio() as twilio, FakeAliyun() as aliyun, FakeTencent() as tencent:
        yield {
            **twilio.environment,
            **aliyun.environment,
            **tencent.environment,
            "ANJU_WEBHOOK_SECRET": SECRET,
            "ANJU_VAPID_PRIVATE_KEY": new_keys()[0],
            "ANJU_VAPID_SUBJECT": "mailto:duty@example.org",
            "TWILIO_TEST_ACCOUNT_SID": "AC1",
            "TWILIO_TEST_AUTH_TOKEN": "a-test-token",
        }


def settings(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "anju.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, None).gateway


def test_the_console_is_there_where_nothing_is_named(tmp_path: Path) -> None:
    (gateway,) = made(settings(tmp_path, ""), {}, public_url="", state=tmp_path)
    assert gateway.name == "console"


def test_one_name_or_several_may_be_given(tmp_path: Path) -> None:
    assert settings(tmp_path, 'gateway = "twilio"') == ("twilio",)
    assert settings(tmp_path, 'gateway = ["aliyun-sms", "twilio"]') == ("aliyun-sms", "twilio")
    with pytest.raises(InputError, match="gateway"):
        settings(tmp_path, 'gateway = ["pigeon"]')
    with pytest.raises(InputError, match="gateway: is empty"):
        settings(tmp_path, "gateway = []")


def test_the_address_for_providers_is_one_that_they_can_reach_and_has_no_path(tmp_path: Path) -> None:
    file = tmp_path / "anju.toml"
    file.write_text('public_url = "https://anju.example.org/"', encoding="utf-8")
    assert load(file, None).public_url == "https://anju.example.org"
    for wrong in ("anju.example.org", "ftp://anju.example.org", "https://anju.example.org/hooks", "https://user:word@anju.example.org"):
        file.write_text(f'public_url = "{wrong}"', encoding="utf-8")
        with pytest.raises(InputError, match="public_url"):
            load(file, None)


def test_the_settings_know_every_gateway_by_its_own_name(tmp_path: Path, everything: dict[str, str]) -> None:
    assert set(get_args(GatewayName)) == set(GATEWAYS)
    gateways = made(tuple(GATEWAYS), everything, public_url="https://anju.example.org", state=tmp_path)
    assert [one.name for one in gateways] == list(GATEWAYS)
    assert set().union(*(one.channels for one in gateways)) == set(Channel) - {Channel.DEVICE, Channel.EMAIL}


def test_a_gateway_that_lacks_something_says_what(tmp_path: Path, everything: dict[str, str]) -> None:
    with pytest.raises(GatewaySettingsError, match="ANJU_VAPID_SUBJECT"):
        made(["webpush"], everything | {"ANJU_VAPID_SUBJECT": ""}, public_url="", state=tmp_path)
    with pytest.raises(GatewaySettingsError, match="pigeon is not known, wanted console"):
        made(["pigeon"], everything, public_url="", state=tmp_path)


def test_calls_have_a_number_of_their_own_where_one_is_named(tmp_path: Path, everything: dict[str, str]) -> None:
    for environment, sender in (
        (everything, everything["TWILIO_FROM"]),
        (everything | {"TWILIO_VOICE_FROM": "+15005550011"}, "+15005550011"),
    ):
        (gateway,) = made(["twilio-voice"], environment, public_url="", state=tmp_path)
        assert gateway._account.settings.sender == sender


def test_test_modes_are_reached_by_the_same_names(everything: dict[str, str]) -> None:
    assert [IN_TEST_MODE[name](everything).name for name in IN_TEST_MODE] == list(IN_TEST_MODE)


def test_push_keys_are_made_on_the_command_line() -> None:
    lines = dict(line.split(" ") for line in CliRunner().invoke(cli, ["gateway", "push-keys"]).output.splitlines())
    environment = {"ANJU_VAPID_PRIVATE_KEY": lines["ANJU_VAPID_PRIVATE_KEY"], "ANJU_VAPID_SUBJECT": "mailto:duty@example.org"}
    assert WebPushSettings.from_environment(environment).public_key == lines["public"]


def test_a_webhooks_secret_is_printed_for_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_WEBHOOK_SECRET", SECRET)
    with FakeReceiver() as receiver:
        printed = CliRunner().invoke(cli, ["gateway", "webhook-secret", receiver.address]).output.split()
        assert tuple(printed) == WebhookSettings.from_environment({"ANJU_WEBHOOK_SECRET": SECRET}).secrets_of(receiver.address)

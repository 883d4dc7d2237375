"""Which gateways an installation has: made by their names from the environment."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from notifier.gateways.aliyun_sms import AliyunSmsGateway, AliyunSmsSettings
from notifier.gateways.aliyun_voice import AliyunVoiceGateway, AliyunVoiceSettings
from notifier.gateways.apprise import AppriseGateway, AppriseSettings
from notifier.gateways.console import FILE, ConsoleGateway
from notifier.gateways.model import Gateway, GatewaySettingsError
from notifier.gateways.tencent import TencentSettings, TencentSmsGateway
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from notifier.gateways.webhook import WebhookGateway, WebhookSettings
from notifier.gateways.webpush import WebPushGateway, WebPushSettings

_Environment = Mapping[str, str]


def _console(_environment: _Environment, _public_url: str, state: Path) -> Gateway:
    return ConsoleGateway(state / FILE)


def _twilio(environment: _Environment, public_url: str, _state: Path) -> Gateway:
    return TwilioGateway(TwilioSettings.from_environment(environment, public_url=public_url))


def _twilio_voice(environment: _Environment, public_url: str, _state: Path) -> Gateway:
    sender = "TWILIO_VOICE_FROM" if environment.get("TWILIO_VOICE_FROM") else "TWILIO_FROM"
    return TwilioVoiceGateway(TwilioSettings.from_environment(environment, sender=sender, public_url=public_url))


GATEWAYS: Mapping[str, Callable[[_Environment, str, Path], Gateway]] = MappingProxyType(
    {
        "console": _console,
        "twilio": _twilio,
        "twilio-voice": _twilio_voice,
        "aliyun-sms": lambda environment, _url, _state: AliyunSmsGateway(AliyunSmsSettings.from_environment(environment)),
        "aliyun-voice": lambda environment, url, _state: AliyunVoiceGateway(
            AliyunVoiceSettings.from_environment(environment, public_url=url)
        ),
        "tencent-sms": lambda environment, _url, _state: TencentSmsGateway(TencentSettings.from_environment(environment)),
        "webpush": lambda environment, _url, _state: WebPushGateway(WebPushSettings.from_environment(environment)),
        "webhook": lambda environment, _url, _state: WebhookGateway(WebhookSettings.from_environment(environment)),
        "apprise": lambda environment, _url, _state: AppriseGateway(AppriseSettings.from_environment(environment)),
    }
)
"""By the names that `gateway` in `anju.toml` takes, which are the gateways' own."""

IN_TEST_MODE: Mapping[str, Callable[[_Environment], Gateway]] = MappingProxyType(
    {
        "twilio": lambda environment: TwilioGateway(TwilioSettings.for_test(environment)),
        "twilio-voice": lambda environment: TwilioVoiceGateway(TwilioSettings.for_test(environment)),
        "aliyun-sms": lambda environment: AliyunSmsGateway(AliyunSmsSettings.for_test(environment)),
    }
)
"""Those whose provider has a test mode: requests are checked as real ones are, and nobody is told anything."""


def made(names: Sequence[str], environment: _Environment, *, public_url: str, state: Path) -> list[Gateway]:
    """Gateways, in the order in which they are named: of two that serve a channel the earlier one comes first.

    Parameters
    ----------
    names
        Keys of `GATEWAYS`.
    environment
        Where their credentials are.
    public_url
        Where providers reach us; empty where they do not.
    state
        The state folder, for what a gateway keeps there.

    Raises
    ------
    GatewaySettingsError
        One is unknown, or what it needs is missing or wrong.
    """
    if unknown := [name for name in names if name not in GATEWAYS]:
        raise GatewaySettingsError(f"gateway {unknown[0]} is not known, wanted {', '.join(GATEWAYS)}")
    return [GATEWAYS[name](environment, public_url, state) for name in names]

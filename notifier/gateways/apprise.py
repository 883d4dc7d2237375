"""Everything else by Apprise: e-mail, WeCom (企业微信), DingTalk (钉钉), Feishu (飞书), Bark, ServerChan, Telegram and many more.

Apprise says yes or no, and writes into its log why not. Whether a message may be there after a no is read from that log: an answer with an
error says that it is not, a connection that never came about too; after everything else it may be. What may be there is not sent again,
because nobody can be asked. Nothing of the log leaves this file: it holds addresses and tokens.
"""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType

from incidents.directory import Channel
from notifier.gateways import codes
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, GatewayAwayError, GatewaySettingsError, InDoubt, Outgoing, Status
from notifier.gateways.wire import BAD_ADDRESS, BROKEN_OFF, NO_CONNECTION, TIMEOUT_S, best
from store.outbox import DeliveryOutcome

_TITLE = "安居 Anju"
_HTTP_ERROR = re.compile(r"error=(\d{3})\b")
_SMTP_REFUSAL = re.compile(r"\(([45]\d\d), b['\"]")
_NEVER_LEFT = re.compile(
    r"NewConnectionError|ConnectTimeoutError|NameResolutionError|Connection refused|Name or service not known|"
    r"nodename nor servname|Temporary failure in name resolution|No route to host|Network is unreachable"
)
_ASSET = AppriseAsset(app_id="Anju", app_desc="Anju", app_url="", async_mode=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseSettings:
    """What Apprise needs to know of us.

    Attributes
    ----------
    mail_url : str
        Whence e-mail goes, as an Apprise URL without recipients; empty: no e-mail.
    """

    mail_url: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """ANJU_MAIL_URL, such as `mailtos://user:password@example.org?smtp=smtp.example.org&from=anju@example.org`; not needed.

        Raises
        ------
        GatewaySettingsError
            It is no such URL.
        """
        url = environment.get("ANJU_MAIL_URL", "")
        if url and (not url.startswith(("mailto://", "mailtos://")) or "to" in parse_qs(urlsplit(url).query) or not is_service(url)):
            raise GatewaySettingsError("ANJU_MAIL_URL is not shown, wanted mailtos://user:password@host without recipients")
        return cls(mail_url=url)


class AppriseGateway:
    """Sends to the Apprise URLs of people, and e-mail.

    Parameters
    ----------
    settings
        Whence e-mail goes.
    timeout_s
        For connecting, and again for the answer.
    """

    name = "apprise"
    capabilities = Capabilities(
        channels=frozenset({Channel.APPRISE, Channel.EMAIL}), link=EVERYBODY, in_doubt=InDoubt.LEAVE, receipts=False
    )
    settles_ns = 0
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({})

    def __init__(self, settings: AppriseSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        _plugin("json://localhost")  # Apprise reads its plug-ins at the first URL: not while a message waits

    @property
    def channels(self) -> frozenset[Channel]:
        """E-mail only where it is known whence."""
        return self.capabilities.channels if self._settings.mail_url else frozenset({Channel.APPRISE})

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  services have clocks of their own
        """Hand it to each of the person's services of this channel; accepted where one takes it."""
        addresses = outgoing.person.addresses_of(outgoing.channel)
        urls = [self._mail_to(address) for address in addresses] if outgoing.channel is Channel.EMAIL else list(addresses)
        if not urls:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_address")
        return best([notify(url, outgoing.text, self._timeout_s / len(urls)) for url in urls])

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        """Nobody can be asked.

        Raises
        ------
        GatewayAwayError
            Always.
        """
        raise GatewayAwayError("services behind Apprise cannot be asked what they have")

    def status(self, provider_id: str) -> Status:  # noqa: ARG002
        """Nobody can be asked.

        Raises
        ------
        GatewayAwayError
            Always.
        """
        raise GatewayAwayError("services behind Apprise do not say what became of a message")

    def _mail_to(self, address: str) -> str:
        url = self._settings.mail_url
        return f"{url}{'&' if '?' in url else '?'}to={quote(address, safe='')}"


def is_service(url: str) -> bool:
    """Whether a URL is one of Apprise's."""
    return _plugin(url) is not None


def notify(url: str, text: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """Hand a text to one service; nothing of its URL comes into a log."""
    plugin = _plugin(url)
    if plugin is None:
        return Answer(outcome=DeliveryOutcome.REJECTED, code=BAD_ADDRESS)
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_s
    plugin.retry = 0
    with _EAR.hears() as heard:
        try:
            is_sent = plugin.notify(body=text, title=_TITLE, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT)
        except Exception as error:  # noqa: BLE001  whatever a plug-in raises: it may have sent
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=type(error).__name__)
    return Answer(outcome=DeliveryOutcome.ACCEPTED) if is_sent else _why_not(heard)


class _Ear(logging.Filter):
    """Hears what Apprise writes into its log, each thread its own, and lets nothing of it go on."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = threading.local()

    def listen(self) -> None:
        """From now on; again changes nothing."""
        log = logging.getLogger("apprise")
        log.setLevel(logging.DEBUG)
        log.addFilter(self)

    @contextmanager
    def hears(self) -> Iterator[list[str]]:
        """What is written by this thread meanwhile."""
        self._heard.lines = lines = list[str]()
        try:
            yield lines
        finally:
            self._heard.lines = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a line, if somebody in this thread listens; it goes no further."""
        lines: list[str] | None = getattr(self._heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())
        return False


_EAR = _Ear()


def _plugin(url: str) -> NotifyBase | None:
    """What serves a URL; None where nothing does. Made anew each time, because it keeps the time of its last message and waits."""
    _EAR.listen()
    with _EAR.hears():
        found = Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    return found if isinstance(found, NotifyBase) else None


def _why_not(lines: list[str]) -> Answer:
    """What is known after a no."""
    said = "\n".join(lines)
    if found := _HTTP_ERROR.search(said):
        status = int(found[1])
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=found[1])
        return Answer(outcome=codes.outcome("apprise", found[1], DeliveryOutcome.REJECTED), code=found[1])
    if found := _SMTP_REFUSAL.search(said):
        is_for_now = found[1].startswith("4")
        otherwise = DeliveryOutcome.RETRY if is_for_now else DeliveryOutcome.REJECTED
        code = f"smtp_{found[1]}"
        return Answer(outcome=codes.outcome("apprise", code, otherwise), code=code)
    if _NEVER_LEFT.search(said):
        return Answer(outcome=DeliveryOutcome.RETRY, code=NO_CONNECTION)
    return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)

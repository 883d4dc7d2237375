"""All providers and the phones behind them, at ports of this machine that follow each other, and a door for whoever plays with them.

The door speaks JSON. `GET /phones` shows every phone and `GET /version` changes with them, `POST /phones/<number>` does something with
one, `POST /providers/<name>` says how a provider is to behave, `GET /browsers` shows what browsers got and `POST /browsers` makes one that
has subscribed to web push.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import msgspec

from notifier.carrier import aliyun, tencent, twilio
from notifier.carrier.aliyun import FakeAliyun
from notifier.carrier.door import CallShown, EntryShown, PhoneShown, PhonesShown, Wish
from notifier.carrier.phones import Habit, Phone, Phones, WishError
from notifier.carrier.provider import (
    AcceptAndBabble,
    AcceptAndReset,
    AcceptAndStaySilent,
    FakeProvider,
    Refuse,
    Reply,
    Request,
    StaySilent,
    Trouble,
)
from notifier.carrier.push import FakePush
from notifier.carrier.tencent import FakeTencent
from notifier.carrier.twilio import FakeTwilio

TROUBLES: Mapping[str, Callable[[], Trouble]] = MappingProxyType(
    {
        "silent": StaySilent,
        "accept_silent": AcceptAndStaySilent,
        "accept_reset": AcceptAndReset,
        "accept_babble": AcceptAndBabble,
    }
)
"""What can go wrong with a request, but for a refusal."""


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """A refusal in a provider's own codes."""

    status: int
    code: int | str

    def trouble(self) -> Refuse:
        """The same, for a provider."""
        return Refuse(self.status, self.code)


class Behave(msgspec.Struct, forbid_unknown_fields=True):
    """How a provider is to behave from now on; what is left out stays as it is. See `provider.Weather`.

    Attributes
    ----------
    next
        What becomes of the next requests, one after another.
    """

    next: list[Refusal | str] = []
    share: float | None = None
    troubles: list[Refusal | str] | None = None
    answer_s: float | None = None
    late_s: float | None = None
    twice: float | None = None
    lost: float | None = None


class Carrier:
    """Every provider, for as long as it is entered.

    Parameters
    ----------
    port
        Of the door; the providers follow. 0: free ports.
    hooks_url
        Where receipts and what people write go, without `/hooks/…`; "" is nowhere.
    pace
        How long a second of a call lasts, s.
    habit
        Of everybody's phones; None: they are used through the door.
    """

    def __init__(self, *, port: int = 0, hooks_url: str = "", pace: float = 1.0, habit: Habit | None = None) -> None:
        def at(offset: int) -> int:
            return port + offset if port else 0

        self.phones = Phones(pace=pace, habit=habit)
        inbound_url = f"{hooks_url}/hooks/twilio" if hooks_url else ""
        self.door = _Door(self, at(0))
        self.twilio = FakeTwilio(port=at(1), phones=self.phones, inbound_url=inbound_url)
        self.aliyun = FakeAliyun(port=at(2), phones=self.phones, hooks_url=hooks_url)
        self.tencent = FakeTencent(port=at(3), phones=self.phones, hooks_url=hooks_url)
        self.push = FakePush(port=at(4))
        self.providers: dict[str, FakeProvider] = {
            "twilio": self.twilio,
            "aliyun": self.aliyun,
            "tencent": self.tencent,
            "push": self.push,
        }
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Of the door: `carrier` in anju.toml."""
        return self.door.url

    @property
    def environment(self) -> dict[str, str]:
        """What gateways are to be told."""
        return self.twilio.environment | self.aliyun.environment | self.tencent.environment

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for one in (*self.providers.values(), self.door):
                stack.enter_context(one)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.hush()
        self._stack.close()

    def hush(self) -> None:
        """Call nobody any more, on no phone and at no hook: they are about to end."""
        for one in self.providers.values():
            one.closing.set()
        self.phones.close()

    def shown(self) -> PhonesShown:
        """Every phone as it is now."""
        with self.phones.changed:
            return PhonesShown(version=self.phones.version, phones=[_shown(one) for one in self.phones.every()])

    def wish(self, number: str, wish: Wish) -> None:
        """Do something with a phone.

        Raises
        ------
        WishError
            That cannot be done now.
        """
        match wish.do:
            case "write":
                self.phones.write(number, wish.text)
            case "answer":
                self.phones.answer(number)
            case "hang_up":
                self.phones.hang_up(number)
            case "press":
                self.phones.press(number, wish.key)
            case "turn":
                self.phones.turn(number, wish.condition)

    def behave(self, name: str, how: Behave) -> None:
        """Have a provider behave from now on.

        Raises
        ------
        WishError
            There is no such provider or trouble.
        """
        provider = self.providers.get(name)
        if provider is None:
            raise WishError(f"there is no provider {name}, wanted {', '.join(self.providers)}")
        following, troubles = [_trouble(one) for one in how.next], [_trouble(one) for one in how.troubles or ()]
        provider.creates.extend(following)
        if how.troubles is not None:
            provider.weather.troubles = tuple(troubles)
        for field in ("share", "answer_s", "late_s", "twice", "lost"):
            if (value := getattr(how, field)) is not None:
                setattr(provider.weather, field, value)


def secrets() -> tuple[str, ...]:
    """Keys that nobody may find in a log."""
    return (twilio.TOKEN, aliyun.KEY_SECRET, aliyun.HOOK_KEY, tencent.SECRET_KEY, tencent.HOOK_KEY)


class _Door(FakeProvider):
    """For the phones page, and for tests."""

    def __init__(self, carrier: Carrier, port: int) -> None:
        super().__init__(port=port)
        self._carrier = carrier

    def unwelcome(self, request: Request) -> Reply | None:
        """Forms of other sites: they cannot send JSON without asking first, and are not allowed to."""
        is_ours = request.method == "GET" or request.headers.get("content-type") == "application/json"
        is_here = urlsplit(f"//{request.headers.get('host', '')}").hostname in {"127.0.0.1", "localhost", "::1"}
        return None if is_ours and is_here else _json({"error": "wanted JSON, from this machine"}, 403)

    def is_question(self, request: Request) -> bool:
        """GET changes nothing."""
        return request.method == "GET"

    def accept(self, request: Request) -> Reply:
        """Do what is wished."""
        parts = [unquote(one) for one in urlsplit(request.target).path.strip("/").split("/")]
        try:
            match parts:
                case ["phones", number]:
                    self._carrier.wish(number, msgspec.json.decode(request.body, type=Wish))
                case ["providers", name]:
                    self._carrier.behave(name, msgspec.json.decode(request.body, type=Behave))
                case ["browsers"]:
                    return _json({"subscription": self._carrier.push.browser().subscription})
                case _:
                    return _json({"error": "there is no such thing"}, 404)
        except (msgspec.DecodeError, WishError) as error:
            return _json({"error": str(error)}, 400)
        return _json({})

    def answer(self, request: Request) -> Reply:
        """Show phones, or browsers."""
        match urlsplit(request.target).path:
            case "/phones":
                return Reply(body=msgspec.json.encode(self._carrier.shown()))
            case "/version":
                return _json({"version": self._carrier.phones.version})
            case "/browsers":
                return _json({path: browser.shown for path, browser in self._carrier.push.browsers.items()})
            case _:
                return _json({"error": "there is no such thing"}, 404)

    def refusal(self, refused: Refuse) -> Reply:
        """Nobody tells it to."""
        return _json({"error": str(refused.code)}, refused.status)


def _trouble(said: Refusal | str) -> Trouble:
    if isinstance(said, Refusal):
        return said.trouble()
    if said not in TROUBLES:
        raise WishError(f"there is no trouble {said!r}, wanted a status and a code, or one of {', '.join(TROUBLES)}")
    return TROUBLES[said]()


def _shown(phone: Phone) -> PhoneShown:
    call = phone.call
    return PhoneShown(
        number=phone.e164,
        condition=phone.condition,
        entries=[EntryShown(one.number, one.at_s, one.what, one.text, one.arrived) for one in phone.entries],
        call=CallShown(call.state, list(dict.fromkeys(call.said)), call.pressed) if call is not None and not call.is_over else None,
    )


def _json(said: object, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(said, ensure_ascii=False).encode())

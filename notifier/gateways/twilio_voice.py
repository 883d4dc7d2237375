"""Calls by Twilio, by its official SDK: the text is read out, twice, in the language of who is called.

**What counts as delivered.** A call that was answered is not a call that was heard: mailboxes answer, and people hang up. Twilio says
`completed` for all of them. Here a call is delivered when it was completed, no machine answered, and it lasted at least `HEARD_S`; of
those that did not, the status words are ours: `machine` and `hung_up`. Whether anybody understood is known only from a pressed key, which
is an answer of the person's and comes by the hook.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from devices.model import NS_PER_S
from incidents.directory import Channel, Language
from notifier.gateways.model import (
    EVERYBODY,
    NOBODY,
    Answer,
    Capabilities,
    ForgedReceiptError,
    Heard,
    Hook,
    InDoubt,
    Limit,
    Outgoing,
    Per,
    Receipt,
    Status,
)
from notifier.gateways.twilio import Account, TwilioSettings
from notifier.gateways.wire import TIMEOUT_S
from store.outbox import DeliveryOutcome

HEARD_S = 5
"""A shorter call was over before the first sentence was: at some 4 syllables a second, who, where and what take about 20 syllables."""

RING_S = 40
"""So long it rings: a mailbox mostly answers after 20 to 30 s, and a person who is fetched needs longer than one ring."""

KEY_WAIT_S = 10
"""So long a key is waited for after the text."""

_VOICES: Mapping[Language, tuple[str, str]] = MappingProxyType(
    {
        Language.ZH: ("Polly.Zhiyu", "cmn-CN"),
        Language.ZH_HANT: ("Google.cmn-TW-Standard-A", "cmn-TW"),
        Language.EN: ("Polly.Amy", "en-GB"),
    }
)
"""Voice and language of <Say>: https://www.twilio.com/docs/voice/twiml/say/text-speech."""

_READINGS = 2
_TWIML_CHARACTERS, _FRAME_CHARACTERS, _ESCAPED = 4000, 400, 6
"""Most that a call may be given at once; what is around the text; a character may take as many (`&quot;`)."""


class TwilioVoiceGateway:
    """Calls from one number.

    Parameters
    ----------
    settings
        The account; its sender is the number to call from.
    timeout_s
        For connecting, and again for the answer.
    """

    name = "twilio-voice"
    capabilities = Capabilities(
        channels=frozenset({Channel.VOICE}),
        keys=EVERYBODY,
        longest=(_TWIML_CHARACTERS - _FRAME_CHARACTERS) // _ESCAPED,
        limits=(
            Limit(
                count=1,
                period_s=1,
                per=frozenset({Per.ACCOUNT}),
                source="https://help.twilio.com/articles/223180028-How-many-calls-can-I-make-at-once-with-Twilio-",
            ),
        ),
        in_doubt=InDoubt.LOOK_UP,
        receipts=True,
    )
    received = ""
    channels = capabilities.channels
    settles_ns = 30 * NS_PER_S
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType(
        {
            "completed": DeliveryOutcome.DELIVERED,
            "machine": DeliveryOutcome.REJECTED,
            "hung_up": DeliveryOutcome.REJECTED,
            "busy": DeliveryOutcome.REJECTED,
            "no-answer": DeliveryOutcome.REJECTED,
            "failed": DeliveryOutcome.REJECTED,
            "canceled": DeliveryOutcome.REJECTED,
        }
    )

    def __init__(self, settings: TwilioSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._account = Account(settings, timeout_s)
        if settings.public_url is None:
            self.capabilities = replace(self.capabilities, keys=NOBODY)  # nobody would hear of it

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Twilio has a clock of its own
        """Have the call made."""
        hook = self._account.settings.hook_url(self.name)
        asked: dict[str, Any] = {
            "to": outgoing.person.phone_e164,
            "from_": self._account.settings.sender,
            "twiml": spoken(outgoing.text, outgoing.person.language, hook),
            "timeout": RING_S,
            # beside the call, so that nobody waits in silence until a machine is ruled out
            "machine_detection": "Enable",
            "async_amd": "true",
        }
        if hook:
            asked |= {"status_callback": hook, "status_callback_event": ["completed"]}
        made = self._account.make(lambda client: client.calls.create(**asked))
        return made if isinstance(made, Answer) else self._accepted(made)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """Calls from our number to this one, made since this was written. A list of calls does not say what was read out.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer, or there are more calls to this number than are looked through.
        """
        settings = self._account.settings
        with self._account.asked() as client:
            pages = client.calls.stream(to=outgoing.person.phone_e164, from_=settings.sender, page_size=50)
            since = self._account.made_since(pages, outgoing.created_ns)
            found = [one for one in since if str(one.direction) == "outbound-api"]
        return tuple(self._accepted(one) for one in reversed(found))

    def status(self, provider_id: str) -> Status:
        """How a call fares.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer.
        """
        with self._account.asked() as client:
            call = client.calls(provider_id).fetch()
        return Status(word=_word(str(call.status), call.duration, call.answered_by))

    def receipts(self, hook: Hook) -> tuple[Receipt, ...]:
        """The end of a call. What is beside it, such as a pressed key, is no receipt: none is returned then.

        Raises
        ------
        ForgedReceiptError
            It is not signed, or names no call.
        """
        said = self._account.signed(hook)
        sid, status = said.get("CallSid"), said.get("CallStatus")
        if not sid or not status:
            raise ForgedReceiptError("a call of Twilio's names no call and status")
        if status not in self.outcomes:
            return ()
        return (
            Receipt(
                provider_id=sid, word=_word(status, said.get("CallDuration"), said.get("AnsweredBy")), code=said.get("ErrorCode") or None
            ),
        )

    def heard(self, hook: Hook) -> Heard | None:
        """A key that was pressed during a call.

        Raises
        ------
        ForgedReceiptError
            It is not signed, or names no call.
        """
        said = self._account.signed(hook)
        if "Digits" not in said:
            return None
        if not said.get("CallSid"):
            raise ForgedReceiptError("a key that was pressed at Twilio belongs to no call")
        return Heard(phone_e164=said.get("To", ""), provider_id=said["CallSid"], key=said["Digits"])

    def said(self, text: str, language: Language) -> str:
        """TwiML that says something and hangs up."""
        response = VoiceResponse()
        if text:
            voice, tongue = _VOICES[language]
            response.say(text, voice=voice, language=tongue)
        return str(response)

    def _accepted(self, call: Any) -> Answer:  # noqa: ANN401  the SDK has no types
        word = _word(str(call.status), call.duration, call.answered_by)
        return Answer(outcome=self.outcomes.get(word, DeliveryOutcome.ACCEPTED), provider_id=call.sid)


def spoken(text: str, language: Language, keys_url: str | None) -> str:
    """TwiML that reads a text out, twice; where pressed keys can be told to us, one key is waited for meanwhile and afterwards."""
    voice, tongue = _VOICES[language]
    response = VoiceResponse()
    if keys_url:
        gather = Gather(input="dtmf", num_digits=1, timeout=KEY_WAIT_S, action=keys_url, method="POST", action_on_empty_result=False)
        gather.say(text, voice=voice, language=tongue, loop=_READINGS)
        response.append(gather)
    else:
        response.say(text, voice=voice, language=tongue, loop=_READINGS)
    return str(response)


def _word(status: str, duration_s: str | None, answered_by: str | None) -> str:
    """Twilio's status, but for what was answered and not heard."""
    if status != "completed":
        return status
    if str(answered_by or "").startswith(("machine", "fax")):
        return "machine"
    return "hung_up" if duration_s is not None and int(duration_s) < HEARD_S else "completed"

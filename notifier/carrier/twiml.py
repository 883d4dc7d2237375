"""TwiML, walked through as Twilio does with a call: https://www.twilio.com/docs/voice/twiml.

`Say`, `Gather`, `Redirect`, `Pause`, `Hangup` and `Reject` are known; a document with anything else ends the call, as one that cannot be
read does, and both are said to be wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from notifier.carrier.phones import Line

MOST_DOCUMENTS = 20
"""In one call: who redirects for ever is wrong."""
GATHER_S, PAUSE_S = 5, 1
"""Where nothing else is said."""


class TwimlError(Exception):
    """A document cannot be walked through; the words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One answer of the application's: its XML, and where it came from; "" where it was given with the call."""

    xml: str
    url: str = ""


Fetch = Callable[[str, str, dict[str, str]], str]
"""(url, method, more fields) -> XML."""


def walk(document: Document, line: Line, fetch: Fetch) -> None:
    """Go through a document, and through those that it leads to.

    Raises
    ------
    TwimlError
        One cannot be read, or leads nowhere.
    HungUpError
        Whoever was called has hung up.
    """
    for _ in range(MOST_DOCUMENTS):
        following = _walked(document, line, fetch)
        if following is None:
            return
        document = following
    raise TwimlError(f"more than {MOST_DOCUMENTS} documents in one call")


def read(xml: str) -> list[Element]:
    """The verbs of a document.

    Raises
    ------
    TwimlError
        It is none.
    """
    if "<!" in xml:
        raise TwimlError("a document type or a comment, wanted plain TwiML")  # and nothing that could expand
    try:
        root = ET.fromstring(xml)  # noqa: S314  without a document type there is nothing to expand
    except ET.ParseError as error:
        raise TwimlError(f"this is no XML: {error}") from None
    if root.tag != "Response":
        raise TwimlError(f"the root is <{root.tag}>, wanted <Response>")
    return list(root)


def messages(xml: str) -> list[str]:
    """What a document that answers an SMS sends back.

    Raises
    ------
    TwimlError
        It is none.
    """
    said = []
    for verb in read(xml):
        if verb.tag == "Message":
            body = verb.find("Body")
            said.append(_text(verb if body is None else body))
    return said


def _walked(document: Document, line: Line, fetch: Fetch) -> Document | None:
    for verb in read(document.xml):
        match verb.tag:
            case "Say":
                _say(verb, line)
            case "Pause":
                line.pause(float(verb.get("length", PAUSE_S)))
            case "Gather":
                if (following := _gathered(verb, document, line, fetch)) is not None:
                    return following
            case "Redirect":
                return _asked(document, _text(verb), verb.get("method", "POST"), {}, fetch)
            case "Hangup" | "Reject":
                return None
            case _:
                raise TwimlError(f"<{verb.tag}> is not known here")
    return None


def _say(verb: Element, line: Line) -> bool:
    """Whether a key was pressed meanwhile."""
    times = int(verb.get("loop", "1"))
    return any(line.say(_text(verb)) for _ in range(times))


def _gathered(verb: Element, document: Document, line: Line, fetch: Fetch) -> Document | None:
    if "dtmf" not in verb.get("input", "dtmf"):
        raise TwimlError("<Gather> without dtmf is not known here")
    for inner in verb:
        if inner.tag not in {"Say", "Pause"}:
            raise TwimlError(f"<{inner.tag}> may not stand in <Gather>")
        if inner.tag == "Pause":
            line.pause(float(inner.get("length", PAUSE_S)))
        elif _say(inner, line):
            break
    digits = line.keys(float(verb.get("timeout", GATHER_S)), int(verb.get("numDigits", "20")), verb.get("finishOnKey", "#"))
    if not digits and verb.get("actionOnEmptyResult", "false") != "true":
        return None
    return _asked(document, verb.get("action", ""), verb.get("method", "POST"), {"Digits": digits}, fetch)


def _asked(document: Document, place: str, method: str, more: dict[str, str], fetch: Fetch) -> Document:
    url = urljoin(document.url, place) if document.url else place
    if not url.startswith(("http://", "https://")):
        raise TwimlError(f"{place!r} leads nowhere, wanted an absolute address in a document that was given with the call")
    return Document(xml=fetch(url, method, more), url=url)


def _text(verb: Element) -> str:
    return "".join(verb.itertext()).strip()

"""Texts in templates that a provider has approved: the words around are fixed, and our text goes into the variables between them.

Providers in mainland China send nothing else. A template's variables may not stand side by side, and what goes into them may hold neither
telephone numbers nor links nor the brackets of a signature. Several templates of different numbers of variables are registered; a text
goes into the smallest one that holds it, cut where its sentences and clauses end.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from notifier.gateways.model import GatewaySettingsError, Slots

_VARIABLE = re.compile(r"\$?\{(\w+)\}")
_WORD = re.compile(r"\w")
_SIGNATURE = re.compile(r"^【([^】]*)】")
_FORBIDDEN = re.compile(r"https?://|www\.|(?<!\d)1[3-9]\d{9}(?!\d)|[【】]", re.IGNORECASE)
_BREAKS = "。！？；，、,;!? "
"""After these a text may be cut; a colon stands within times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One that was approved.

    Attributes
    ----------
    code : str
        The provider's name for it.
    text : str
        As approved, with `${name}` or `{1}` where variables are.
    names : tuple of str
        Of the variables, in order.
    """

    code: str
    text: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, code: str, text: str) -> Self:
        """A template as its provider shows it.

        Raises
        ------
        GatewaySettingsError
            It has no variable, the same one twice, or two without a word between them.
        """
        names = tuple(found[1] for found in _VARIABLE.finditer(text))
        if not names or len(set(names)) != len(names):
            raise GatewaySettingsError(f"template {code} has the variables {', '.join(names) or 'none'}, wanted at least one, each once")
        between = _VARIABLE.split(text)[2:-1:2]
        if not all(_WORD.search(words) for words in between):
            raise GatewaySettingsError(f"template {code} has variables side by side, wanted a word between any two")
        return cls(code=code, text=text, names=names)

    def shown(self, values: Sequence[str]) -> str:
        """What is read by who gets it, without the signature."""
        left = iter(values)
        return _VARIABLE.sub(lambda _: next(left), self.text)


def templates_from(variable: str, said: str) -> tuple[Template, ...]:
    """Templates of an environment variable: a JSON object of their codes and texts.

    Raises
    ------
    GatewaySettingsError
        It is none, or one of them is wrong.
    """
    try:
        given = json.loads(said)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not given or not all(isinstance(text, str) for text in given.values()):
        raise GatewaySettingsError(f'{variable} is not what was wanted: {{"code": "text", …}} in JSON')
    return tuple(Template.parse(code, text) for code, text in given.items())


def filled(text: str, templates: Sequence[Template], slots: Slots) -> tuple[Template, tuple[str, ...]] | str:
    """The smallest template that holds a text, and its variables; or a code that says why none does.

    Parameters
    ----------
    text
        As it was written for anybody. A signature at its beginning becomes plain words, because the provider puts its own there.
    templates
        What was approved.
    slots
        What one variable may hold.
    """
    plain = _SIGNATURE.sub(r"\1，", text).strip()
    if _FORBIDDEN.search(plain):
        return "forbidden_in_template"
    for template in sorted(templates, key=lambda one: len(one.names)):
        count = len(template.names)
        for most in range(-(-len(plain) // count), slots.characters + 1):  # the least that may do first, so that all are about as long
            pieces = _pieces(plain, most)
            if len(pieces) == count:
                return template, pieces
    return "too_long_for_template"


def named(template: Template, values: Sequence[str]) -> Mapping[str, str]:
    """Variables by their names."""
    return dict(zip(template.names, values, strict=True))


def _pieces(text: str, most: int) -> tuple[str, ...]:
    """A text in pieces of at most so many characters, cut after a clause where there is one, else at the limit."""
    pieces = []
    while text:
        end = len(text)
        if end > most:
            end = max((at for at in range(max(1, most // 2), most + 1) if text[at - 1] in _BREAKS), default=most)
        piece = text[:end].strip(_BREAKS)
        if piece:
            pieces.append(piece)
        text = text[end:]
    return tuple(pieces)

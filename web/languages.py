"""The languages of the pages, and how a browser asks for one."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

from incidents.directory import Language
from notifier.messages import languages as told
from notifier.messages.catalogue import path_of, translated
from notifier.messages.zh import ZH as TOLD
from web.words import Words
from web.zh import ZH

HERE = Path(__file__).parent


@cache
def words_in(language: Language) -> Words:
    """The words of the pages in a language.

    Raises
    ------
    notifier.messages.catalogue.TranslationError
        Its catalogue is not whole.
    """
    if language is Language.ZH:
        return ZH
    return replace(translated(ZH, path_of(HERE, language, "pages")), language=language, script=told.SCRIPTS[language])


def accepted(header: str) -> Iterator[Language]:
    """The languages of an Accept-Language header that there are, best first."""
    said: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.partition(";q=")
        try:
            said.append((float(weight or 1), tag.strip()))
        except ValueError:
            continue
    for _, tag in sorted(said, key=lambda one: -one[0]):
        if (language := _language(tag)) is not None:
            yield language


def _language(tag: str) -> Language | None:
    """What `en-US` or `zh-TW` comes to; None for a language that there is not."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, TypeError, UnknownLocaleError):
        return None
    return next((Language(one) for one in (f"{locale.language}-{locale.script}", locale.language) if one in set(Language)), None)


if __name__ == "__main__":
    told.bring_up_to_date(TOLD, told.HERE, "messages")
    told.bring_up_to_date(ZH, HERE, "pages")

"""The languages in which people are told: the words of each, and how it is set."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from incidents.directory import Language
from notifier.messages.catalogue import path_of, read, translated, written
from notifier.messages.wording import ENGLISH, HANS, HANT, Script, Wording
from notifier.messages.zh import ZH

HERE = Path(__file__).parent
SCRIPTS: Mapping[Language, Script] = MappingProxyType({Language.ZH: HANS, Language.ZH_HANT: HANT, Language.EN: ENGLISH})


@cache
def wording_in(language: Language) -> Wording:
    """What there is to say, in a language.

    Raises
    ------
    notifier.messages.catalogue.TranslationError
        Its catalogue is not whole.
    """
    if language is Language.ZH:
        return ZH
    return replace(translated(ZH, path_of(HERE, language, "messages")), script=SCRIPTS[language])


def bring_up_to_date(source: object, folder: Path, domain: str) -> None:
    """Write every catalogue of a table anew: translations stay, and what has none yet waits for one."""
    for language in set(Language) - {Language.ZH}:
        path = path_of(folder, language, domain)
        path.write_bytes(written(source, read(path)))

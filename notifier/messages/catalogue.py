"""Languages by gettext: the words are written once, in Chinese, in typed tables; every other language is a catalogue of them.

A message's context is its place in the table (`happened/fall`), its id the Chinese words: so a translator reads what is meant, and one
Chinese word may be two in another language. Catalogues are `locale/<language>/LC_MESSAGES/<domain>.po` beside the table, read by Babel.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import TypeVar, cast

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

T = TypeVar("T")

FIXED: Mapping[str, bool] = {"fixed": True}
"""Metadata of a field that is no text, and the same in every catalogue."""


class TranslationError(ValueError):
    """A catalogue lacks a message, or says it with other variables."""


def path_of(folder: Path, language: str, domain: str) -> Path:
    """Where gettext looks for a language."""
    return folder / "locale" / language.replace("-", "_") / "LC_MESSAGES" / f"{domain}.po"


def messages(source: object) -> dict[str, str]:
    """Every text of a table that is not empty, by its place in it."""
    return dict(_messages(source, ""))


def translated(source: T, path: Path) -> T:
    """A table in another language.

    Parameters
    ----------
    source
        A dataclass of texts, of mappings to texts, and of dataclasses like itself. What is no text stays, and what is empty.
    path
        Of the catalogue.

    Raises
    ------
    TranslationError
        Messages are missing, marked as doubtful, or have not the variables of the source.
    """
    catalogue = read(path)
    wrong = list(faults(source, catalogue))
    if wrong:
        raise TranslationError(f"{path.name} of {catalogue.locale}: {'; '.join(wrong)}")
    return cast("T", _translated(source, "", catalogue))


def faults(source: object, catalogue: Catalog) -> Iterator[str]:
    """What is wrong with a catalogue of a table, one by one."""
    wanted = messages(source)
    for place, said in wanted.items():
        message = catalogue.get(said, place)
        if message is None or not message.string:
            yield f"{place} ({said}) is missing"
        elif message.fuzzy:
            yield f"{place} ({said}) is marked as doubtful"
        elif (has := _variables(str(message.string))) != (wanted_ := _variables(said)):
            yield f"{place} says {sorted(has)} where {said} says {sorted(wanted_)}"
    for message in catalogue:
        if message.id and wanted.get(message.context or "") != message.id:
            yield f"{message.context} ({message.id}) is nothing that is said"


def written(source: object, before: Catalog) -> bytes:
    """A catalogue of what a table says now, with the translations of the one before: what is new has none yet, what is gone is left out."""
    after = Catalog(locale=before.locale)
    for place, said in messages(source).items():
        known = before.get(said, place)
        after.add(said, str(known.string) if known else "", context=place, flags=known.flags if known else ())
    file = BytesIO()
    write_po(file, after, width=0, omit_header=True)
    return (
        f'msgid ""\nmsgstr ""\n"Language: {before.locale}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'.encode() + file.getvalue()
    )


def read(path: Path) -> Catalog:
    """A catalogue's file, not checked yet.

    Raises
    ------
    babel.messages.pofile.PoFileError
        It is none.
    """
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _messages(source: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(source, str):
        if source:
            yield place, source
    else:
        for name, part in _parts(source):
            yield from _messages(part, f"{place}/{name}" if place else name)


def _parts(source: object) -> Iterator[tuple[str, object]]:
    if isinstance(source, Mapping):
        yield from ((str(getattr(key, "value", key)), part) for key, part in source.items())
    elif is_dataclass(source):
        yield from ((field.name, getattr(source, field.name)) for field in fields(source) if not field.metadata.get("fixed"))


def _translated(source: object, place: str, catalogue: Catalog) -> object:
    if isinstance(source, str):
        message = catalogue.get(source, place) if source else None
        return source if message is None else message.string
    new = {name: _translated(part, f"{place}/{name}" if place else name, catalogue) for name, part in _parts(source)}
    if isinstance(source, Mapping):
        return {key: new[str(getattr(key, "value", key))] for key in source}
    return replace(source, **new) if is_dataclass(source) and not isinstance(source, type) else source


def _variables(text: str) -> set[str]:
    """Names of what is filled in; whether a time stands with its "at" is for each language to say."""
    return {"time" if name == "at" else name for _, name, _, _ in Formatter().parse(text) if name is not None}

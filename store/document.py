"""Text of a community file to plain values, with the line at which each stands.

YAML 1.2 by ruamel.yaml; JSON is YAML, and read by the faster parser. Plain (unquoted) text is marked, because in YAML an unquoted
phone or time is one typing error away from being a number.
"""

import json
import warnings
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from store.model import InputError

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 1_000_000
"""After aliases are followed: a few lines of aliases of aliases can stand for billions of values."""

_LINES_UP_TO_CHARACTERS = 1_000_000
"""A JSON file beyond this size is not parsed a second time to name a line (about 7 s per million characters)."""

_SHOWN_CHARACTERS = 60
_NUMBER_CHARACTERS = 40
"""A longer number is garbage, and Python refuses to print one of thousands of digits."""

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"str", "timestamp", "merge", "value"})
"""What YAML 1.2's core schema calls a string; the last three had a meaning in 1.1 only."""

Key = str | int
KeyPath = tuple[Key, ...]


class Plain(str):
    """Text that stood without quotes."""

    __slots__ = ()


class Document:
    """A community file's values, and where they stand."""

    def __init__(self, value: dict[str, Any], text: str, root: MappingNode | None = None) -> None:
        self.value = value
        self._text = text
        self._root: Node | None = root

    def line(self, path: KeyPath) -> int | None:
        """Line (from 1) of a value, or of what should have held it; None where it is not known."""
        if self._root is None and len(self._text) <= _LINES_UP_TO_CHARACTERS:
            try:
                self._root = _compose(self._text)
            except Exception:  # noqa: BLE001  JSON that the YAML parser cannot take has values, but no lines
                return None
        if self._root is None:
            return None
        node, line = self._root, self._root.start_mark.line
        for key in path:
            found = _child(node, key)
            if found is None:
                break
            node, line = found
        return int(line) + 1


def read(file: Path, max_bytes: int = MAX_BYTES) -> str:
    """A file's text.

    Raises
    ------
    InputError
        It cannot be read, is not UTF-8, or is larger than it may be.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except OSError as error:
        raise InputError(file, "", f"cannot be read: {error.strerror or error}") from None
    if len(raw) > max_bytes:
        raise InputError(file, "", f"is larger than the {max_bytes // 1024 // 1024} MiB that it may have")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(file, f"line {line}", f"byte 0x{raw[error.start]:02x} is not UTF-8, wanted UTF-8 text") from None


def parse(text: str, file: Path | str) -> Document:
    """Text to a mapping of plain values.

    Raises
    ------
    InputError
        It is not one YAML 1.2 mapping, or holds duplicate keys, unknown tags, or more than the limits allow.
    """
    value = _json(text)
    if isinstance(value, dict):
        return Document(value, text)
    try:
        root = _compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}" if mark else ""
        raise InputError(file, where, ": ".join(part for part in (error.context, error.problem) if part) or "is not YAML") from None
    except RecursionError:
        raise InputError(file, "", f"is nested too deeply, wanted at most {MAX_DEPTH} levels") from None
    except Exception as error:  # noqa: BLE001  the parser answers some garbage with errors of many types, its own bugs among them
        raise InputError(file, "", f"is not YAML 1.2: {_first_line(error)}") from None
    if not isinstance(root, MappingNode):
        raise InputError(file, "", "is empty, wanted a community" if root is None else "holds no keys, wanted community, homes, people …")
    try:
        return Document(cast("dict[str, Any]", _Values().of(root, ())), text, root)
    except _Unwanted as error:
        line = f"line {error.node.start_mark.line + 1}"
        raise InputError(file, ": ".join(part for part in (line, spelled(error.path)) if part), error.what) from None


def spelled(path: KeyPath) -> str:
    """A path as a person reads it: `people[2].phone`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if key.isidentifier() or key.replace("-", "").isalnum() else f".{shown(key)}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """A value in an error: what was written, on one line, and not endless."""
    match value:
        case str():
            text = repr(str(value)) if value.isprintable() else ascii(str(value))
        case None:
            text = "nothing"
        case bool():
            text = str(value).lower()
        case list():
            text = "a list"
        case dict():
            text = "keys and values"
        case _:
            text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 2]} …"


class _Unwanted(Exception):  # noqa: N818  caught where it is raised; never seen outside
    """A node that no community file may hold."""

    def __init__(self, node: Node, path: KeyPath, what: str) -> None:
        super().__init__(what)
        self.node = node
        self.path = path
        self.what = what


class _Values:
    """Nodes to plain values; counts them, so that aliases cannot multiply without end."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, node: Node, path: KeyPath) -> object:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _Unwanted(node, path, f"more than {MAX_VALUES} values, aliases followed")
        if len(path) > MAX_DEPTH:
            raise _Unwanted(node, path[:3], f"is nested too deeply, wanted at most {MAX_DEPTH} levels")
        kind = str(node.tag).removeprefix(_TAG)
        if isinstance(node, MappingNode) and kind == "map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and kind == "seq":
            return [self.of(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return _scalar(node, kind, path)
        raise _Unwanted(node, path, f"the tag {shown(str(node.tag))} means nothing here")

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = _key(key_node, path)
            if key in values:
                raise _Unwanted(key_node, (*path, key), "stands here twice, wanted each key once")
            values[key] = self.of(value_node, (*path, key))
        return values


def _key(node: Node, path: KeyPath) -> str:
    if not isinstance(node, ScalarNode):
        raise _Unwanted(node, path, "a key is a list or a mapping, wanted a word")
    return _joined(str(node.value))


def _scalar(node: ScalarNode, kind: str, path: KeyPath) -> object:
    text = str(node.value)
    try:
        if kind in {"int", "float"} and len(text) > _NUMBER_CHARACTERS:
            raise ValueError  # noqa: TRY301  as int() would
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() in {"true", "yes", "on", "y"}
            case "int":
                return int(text, 0 if text.lstrip("+-")[:2].lower() in {"0o", "0x", "0b"} else 10)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case _:
                pass
    except ValueError:
        raise _Unwanted(node, path, f"{shown(text)} is no number, wanted one, or text in quotes") from None
    if kind in _TEXT_TAGS:
        return _joined(text) if node.style else Plain(_joined(text))
    raise _Unwanted(node, path, f"the tag {shown(str(node.tag))} means nothing here")


def _joined(text: str) -> str:
    r"""Text in which JSON's escaped surrogate pairs (`\ud842\udfb7`, a rare character in a name) are one character."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _json(text: str) -> object:
    """Values of a JSON text; None where it is not JSON, and YAML has to say what is wrong with it."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate key")
    return values


def _compose(text: str) -> Node | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cast("Node | None", YAML(typ="rt").compose(text))


def _child(node: Node, key: Key) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        return next((((value, name.start_mark.line)) for name, value in node.value if _joined(str(name.value)) == key), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key].start_mark.line
    return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
